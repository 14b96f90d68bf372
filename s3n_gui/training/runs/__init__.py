"""Runs: the list, the shown run, and what can be done with it."""
