"""The dialogs of the frame, one per file."""
