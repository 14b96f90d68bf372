"""Controls and views that several pages use; each knows only Qt, the theme and plain data."""
