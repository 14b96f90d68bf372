"""The engine of S3N Studio: Selective Sparse Sampling Networks without a window."""
