"""The images of a data set: the grid, the filter bar above it, and the selected image."""
