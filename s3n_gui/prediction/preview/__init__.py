"""The preview of one row of the table."""
