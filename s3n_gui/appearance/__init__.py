"""The appearance of the window: theme, tokens, icons, fonts, and the formatting of numbers and names."""
