"""Analysis: what a trained network sees, predicts and gets right."""
