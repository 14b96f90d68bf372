"""Experiments on whether parts help: trainings with controls on small data sets, and results (docs/results.md)."""
