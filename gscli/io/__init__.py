"""Files and pipes to batches of rows, and back."""
