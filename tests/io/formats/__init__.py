"""Tests of each format of files."""
