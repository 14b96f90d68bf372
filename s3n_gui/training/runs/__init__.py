"""Runs: the list, the head of the shown run, and their commands."""
