"""Training, validation and test images: how many, and how to change that."""
