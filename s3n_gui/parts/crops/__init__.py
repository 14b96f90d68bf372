"""What can be done with a crop, wherever the page shows it."""
