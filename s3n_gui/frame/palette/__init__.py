"""The command palette: finds actions, images, runs, models and classes by a few letters, and opens them."""
