"""The Inspect page: what a network sees in one image, and how edits of parameters and peaks change its prediction."""
