"""What samples say: summaries, densities, tests and fits."""
