"""The panes: one view of the image each, with maps and marks."""
