"""Readers of data sets, one a format."""
