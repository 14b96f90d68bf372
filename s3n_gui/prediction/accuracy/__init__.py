"""How good the predictions are: accuracy, classes, confusion, coverage."""
