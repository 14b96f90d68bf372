"""Building, keeping, editing and searching an atlas of parts."""
