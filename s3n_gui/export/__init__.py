"""The Export page: figures and arrays that show what a model looks at, for other programs."""
