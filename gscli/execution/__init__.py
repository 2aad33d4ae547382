"""Where work runs: threads, and signals while they work."""
