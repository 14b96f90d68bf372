"""The evaluation of the predictions: accuracy, classes, confusion and coverage."""
