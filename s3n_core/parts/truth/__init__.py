"""Attributions and rankings held against the known truth of synthetic birds."""
