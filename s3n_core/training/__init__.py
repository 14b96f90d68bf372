"""Training: recipes, the trainer and its events, checkpoints."""
