"""Goodness-of-fit tests, and what they say of a sampler."""
