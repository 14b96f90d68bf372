"""The list of backbones with their pretrained weights, and getting these."""
