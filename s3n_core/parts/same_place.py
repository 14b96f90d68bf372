"""When a peak is one of an atlas's. Imports nothing, so that pages know it at the window's start."""

SAME_PLACE = 0.02
"""A peak and one of an atlas are the same if they are this near, as a fraction of the image's longer side."""
