"""The page Predict: a folder and a model, a table of answers, and how good they are."""
