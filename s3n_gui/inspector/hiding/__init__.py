"""Hiding a place: its state, the panel with the result, and the plots in it."""
