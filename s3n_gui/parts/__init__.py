"""The Parts page: what tells classes apart, over a whole data set."""
