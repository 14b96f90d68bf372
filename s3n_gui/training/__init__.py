"""The Train page: choose a recipe, start, follow curves and visual evidence, stop, compare and resume."""
