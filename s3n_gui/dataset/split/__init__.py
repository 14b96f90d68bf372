"""The split into training, validation and test images, and the controls that change it."""
