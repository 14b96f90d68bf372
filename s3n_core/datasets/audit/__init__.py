"""The audit of a data set: its contents and its problems."""
