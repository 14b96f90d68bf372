"""Dialogs of the frame: one a file."""
