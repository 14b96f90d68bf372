"""Fast mode: its effect on validation images, and the choice of its threshold."""
