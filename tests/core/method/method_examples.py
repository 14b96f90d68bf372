"""The hypothesis settings for the method's properties: few examples, deterministic in CI, no deadline."""

import os

import hypothesis

few_examples = hypothesis.settings(
    deadline=None, max_examples=15, derandomize=bool(os.environ.get("CI")), database=None
)
