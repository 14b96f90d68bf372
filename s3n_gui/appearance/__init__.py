"""How the window looks and words things: theme, tokens, icons, fonts, numbers and names as text."""
