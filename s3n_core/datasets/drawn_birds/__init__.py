"""A fine-grained data set drawn by code: twelve birds that share one body and differ only in known local parts."""
