"""Controls and views that several pages use; they depend only on Qt, the theme and plain data."""
