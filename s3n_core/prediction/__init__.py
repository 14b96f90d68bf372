"""Prediction: one row per image, the job that computes the rows, and resumable tables."""
