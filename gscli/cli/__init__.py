"""The command line: one thin module a command; the only part that imports click."""
