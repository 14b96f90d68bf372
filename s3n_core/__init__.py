"""The engine of S3N Studio: Selective Sparse Sampling Networks without a window."""

__version__ = "0.1.0"
