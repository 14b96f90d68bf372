"""The table of predictions: columns, order, filters, rows on the screen, saving."""
