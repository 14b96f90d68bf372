"""Do parts help? Trainings with their controls on small data sets, and what came of them (docs/results.md)."""
