"""The page Inspect: what a network saw in one image, and what changes when a number or a peak does."""
