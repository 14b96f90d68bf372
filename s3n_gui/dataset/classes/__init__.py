"""The tree of classes."""
