"""How often hypothesis tries a property of the method: few examples, the same ones in CI, no time limit on a busy machine."""

import os

import hypothesis

few_examples = hypothesis.settings(
    deadline=None, max_examples=15, derandomize=bool(os.environ.get("CI")), database=None
)
