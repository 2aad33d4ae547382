"""Arrays to plotly figures, pictures in the terminal, and image files."""
