"""The widgets of tags: the dialog that gives them, and the chips of the selected image."""
