"""The list of images beside the panes, and their known predictions."""
