"""Runs: the folder that one training leaves behind, and how to follow and steer it. Free of torch."""
