"""Synthetic birds: a fine-grained data set drawn by code. The species share a body and differ only in known parts."""
