"""Whether the parts of an atlas come again, and how accurate their places are."""
