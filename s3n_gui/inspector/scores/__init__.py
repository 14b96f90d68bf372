"""Scores and the predicted class."""
