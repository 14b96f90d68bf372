"""Prediction: one row an image, the job that makes them, and tables that survive a kill."""
