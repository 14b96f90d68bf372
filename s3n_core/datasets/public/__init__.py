"""The data sets of the paper: where they come from, and a folder made of them that the program reads."""
