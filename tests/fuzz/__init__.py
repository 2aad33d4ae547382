"""Inputs that a fuzzer makes, for every parser; run `python -m tests.fuzz --help`."""
