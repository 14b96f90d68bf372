"""The panes: each shows one view of the image, with maps and marks."""
