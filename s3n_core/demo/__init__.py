"""Synthetic birds: a fine-grained data set drawn by code. Twelve species share a body and differ only in known parts."""
