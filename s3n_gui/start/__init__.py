"""The Start page, which the program opens with."""
