"""The table of predictions: columns, sorting, filters, view and saving."""
