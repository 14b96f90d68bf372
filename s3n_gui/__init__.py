"""The window of S3N Studio. Never imports torch."""
