"""The tab that shows all classes by all parts."""
