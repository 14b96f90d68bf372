"""The Predict page: images and a model, the table of predictions, and their accuracy."""
