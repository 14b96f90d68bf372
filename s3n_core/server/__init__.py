"""The inspection server: the process that looks into images for a window."""
