"""The method: the stages of the paper, one per file."""
