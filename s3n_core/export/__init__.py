"""Export: figures, tables and reports for use outside the program."""
