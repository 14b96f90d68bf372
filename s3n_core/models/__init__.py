"""Models: reading and writing model files, preprocessing, and running networks over batches."""
