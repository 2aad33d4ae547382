"""Random use and random kills of the command line; run `python -m tests.faults --help`."""
