"""Peaks: the table, the menu, and edits that can be undone."""
