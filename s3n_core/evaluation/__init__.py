"""Evaluation: accuracy, confusion, coverage, localisation and hit rates of a trained model."""
