"""The page Data: what is in a data set, what is wrong with it, and what will be learned from."""
