"""The method: the stages of the paper, one a file, in the order in which data flows."""
