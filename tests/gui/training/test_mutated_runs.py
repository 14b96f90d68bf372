"""The quick part of the campaign on damaged run folders and settings files: a value or a clear error.

The long part, in child processes: tests/campaign/mutated_runs.py.
"""

from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the window's own files are among them")

from campaign.mutated_runs import mutated_run


@pytest.mark.no_qt_log  # Qt warns about damaged images
def test_damaged_runs_and_settings_give_a_value_or_a_sentence(tmp_path: Path) -> None:
    outcomes = set()
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcomes.add(mutated_run(7, number, folder))
    assert outcomes == {"value", "sentence"}
