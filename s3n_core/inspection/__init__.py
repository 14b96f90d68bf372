"""Inspection: all that is known of one image, as NumPy arrays and plain values."""
