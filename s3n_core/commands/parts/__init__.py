"""The commands of `s3n parts`, one a file."""
