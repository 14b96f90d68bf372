"""The version of the program: the one place that the build, the window and every written file read it from."""

__version__ = "0.1.0"
