"""Data set readers, one per format."""
