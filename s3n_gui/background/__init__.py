"""The window's work in other processes and threads."""
