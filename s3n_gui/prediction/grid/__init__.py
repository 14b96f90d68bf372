"""The predictions as a grid of images."""
