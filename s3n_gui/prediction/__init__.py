"""The page Predict: a folder and a model, a table of predictions, and how good they are."""
