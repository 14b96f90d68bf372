"""The page Export: what a model looks at, as pictures and numbers for other programs."""
