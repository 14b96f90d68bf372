"""The quick look at one row of the table."""
