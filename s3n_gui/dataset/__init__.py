"""The Data page: the contents of a data set, its problems, and the split of its images."""
