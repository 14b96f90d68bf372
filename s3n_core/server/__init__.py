"""The inspection server: the process that inspects images for a window."""
