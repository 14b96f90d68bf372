"""Inspection: all intermediates and results for one image, as NumPy arrays and plain values."""
