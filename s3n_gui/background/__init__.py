"""What the window leaves to other processes and threads."""
