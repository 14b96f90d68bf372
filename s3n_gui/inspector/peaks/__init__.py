"""Peaks: the table, the menu, and edits with undo."""
