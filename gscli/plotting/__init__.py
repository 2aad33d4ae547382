"""Arrays to plotly figures, plots in the terminal, and image files."""
