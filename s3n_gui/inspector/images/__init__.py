"""The list of images beside the panes, and what is known of their predictions."""
