"""The version of the program, read from here by the build, the window and all written files."""

__version__ = "0.1.0"
