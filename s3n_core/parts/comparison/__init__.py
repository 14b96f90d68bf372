"""What tells classes apart, and whether the model relies on it."""
