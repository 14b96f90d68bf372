"""Models: model files, opening them, what they read, and running them over batches."""
