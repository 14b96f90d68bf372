"""The form of a new training keeps its values between starts, for each data set its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import DataSet
from s3n_gui.state.session import Session, ValidationShare
from s3n_gui.training.recipe.form_memory import FormMemory
from s3n_gui.training.recipe.recipe_choice import RecipeChoice
from s3n_gui.training.recipe.recipe_form import RecipeForm


class Start:
    """One start of the program: a session, the form and its memory."""

    def __init__(self, qtbot: QtBot, kept: object = None, root: Path | None = None) -> None:
        self.session = Session()
        if root is not None:
            self.open(root)
        self.form = RecipeForm(RecipeChoice())
        qtbot.addWidget(self.form)
        self.memory = FormMemory(self.form, self.session)
        if isinstance(kept, dict):
            self.memory.restore(kept)

    def open(self, root: Path) -> None:
        self.session.data_set = DataSet(root=root, format="class-folders", classes=("a", "b"), records=())

    def end(self) -> object:
        """Return what the program keeps, through JSON."""
        return json.loads(json.dumps(self.memory.to_dict()))


@pytest.fixture(autouse=True)
def _themed(themed: QApplication) -> None:
    """All forms are styled."""


def test_the_values_come_back_at_the_next_start(qtbot: QtBot, tmp_path: Path) -> None:
    first = Start(qtbot, root=tmp_path)
    first.form.restore("paper", {"epochs": 7, "network.last_stride": 1, "step_epochs": [3, 5], "flip": False})
    changed = first.form.choice.settings
    assert {"epochs", "step_epochs", "flip"} <= set(changed)
    second = Start(qtbot, first.end(), tmp_path)
    assert second.form.choice.recipe.name == "paper"
    assert second.form.choice.settings == changed
    assert second.form.recipe_box.currentText() == "paper"
    assert not second.form.choice.problem


def test_each_data_set_has_its_own_values(qtbot: QtBot, tmp_path: Path) -> None:
    start = Start(qtbot, root=tmp_path / "birds")
    start.form.choice.put("epochs", 7)
    start.form.name.setText("my birds")
    start.form.name.setModified(True)
    start.open(tmp_path / "planes")
    assert start.form.choice.value("epochs") == 7  # a new data set begins with the last values
    assert not start.form.name.isModified()  # but with a name of its own
    start.form.restore("small-data", {"epochs": 9, "validation": 0.3})
    start.open(tmp_path / "birds")
    assert (start.form.choice.recipe.name, start.form.choice.value("epochs")) == ("quick", 7)
    assert start.form.name.text() == "my birds"
    again = Start(qtbot, start.end(), tmp_path / "planes")
    assert (again.form.choice.recipe.name, again.form.choice.value("epochs")) == ("small-data", 9)
    assert again.session.validation == ValidationShare(0.3, 0)
    again.open(tmp_path / "birds")
    assert again.form.choice.value("epochs") == 7
    assert again.session.validation.fraction == again.form.choice.value("validation")


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"last": {"recipe": "gone", "settings": {"epochs": 3}}},
        {"last": {"recipe": 7}, "data_sets": ["birds"]},
        {"last": {"recipe": "quick", "settings": {"epochs": -3, "gone": 1, "schedule": "gone"}}},
        {"last": None, "data_sets": {"birds": {"settings": {}}}},
    ],
)
def test_what_is_no_longer_valid_is_dropped(qtbot: QtBot, kept: dict[str, object]) -> None:
    start = Start(qtbot, kept)
    assert start.form.choice.recipe.name == "quick"
    assert start.form.choice.settings == {}
    assert not start.form.choice.problem
