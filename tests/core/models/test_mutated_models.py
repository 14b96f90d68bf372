"""The quick part of the campaign on damaged model files: a working model, or a clear error.

The long part, in child processes that may crash, hang or run out of memory: tests/campaign/mutated_models.py.
"""

from pathlib import Path

import pytest
from campaign.mutated_models import mutated_model

CASES = 42  # six of each kind of damage


@pytest.mark.parametrize("number", range(CASES))
def test_a_damaged_model_is_a_model_or_a_sentence(number: int, tmp_path: Path) -> None:
    assert mutated_model(7, number, tmp_path) in ("model", "model, only opened", "sentence")
