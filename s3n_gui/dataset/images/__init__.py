"""The images of a data set: the grid, the selected image, and the line of filters above."""
