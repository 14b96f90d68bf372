"""Parts held against annotated key points."""
