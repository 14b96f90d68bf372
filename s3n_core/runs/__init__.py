"""Runs: the folder of a training, and how to follow and control it. Never imports torch."""
