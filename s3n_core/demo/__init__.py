"""Synthetic birds: a fine-grained data set drawn by code, twelve species that share one body and differ only in known parts."""
