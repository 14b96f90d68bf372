"""Where to save a file: the suffix is added to the name, and no file is replaced unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from s3n_gui.widgets.question import Question
from s3n_gui.widgets.saving_place import ask_where_to_save

KINDS = {"Table (*.csv)": ".csv", "JSON (*.json)": ".json"}


@pytest.fixture
def parent(themed: QApplication, qtbot: QtBot) -> QWidget:
    parent = QWidget()
    qtbot.addWidget(parent)
    return parent


def answering(monkeypatch: pytest.MonkeyPatch, *chosen: tuple[Path | str, str], replace: bool = False) -> list[str]:
    """Choose these files one after the other; return what is asked: the proposed names, and the files to be replaced."""
    waiting, asked = list(chosen), list[str]()

    def choose(parent: QWidget, title: str, proposed: str, kinds: str) -> tuple[str, str]:
        asked.append(proposed)
        file, kind = waiting.pop(0)
        return str(file), kind

    def ask(question: Question) -> str:
        asked.append("replace?")
        return "replace" if replace else "cancel"

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    monkeypatch.setattr(Question, "ask", ask)
    return asked


@pytest.mark.parametrize(
    ("chosen", "kind", "file"),
    [
        ("birds", "Table (*.csv)", "birds.csv"),
        ("birds", "JSON (*.json)", "birds.json"),
        ("birds", "", "birds.csv"),
        ("wings 1.2", "Table (*.csv)", "wings 1.2.csv"),
        ("birds.JSON", "Table (*.csv)", "birds.JSON"),
    ],
)
def test_the_suffix_of_the_kind_is_added(
    parent: QWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, kind: str, file: str
) -> None:
    answering(monkeypatch, (tmp_path / chosen, kind))
    assert ask_where_to_save(parent, "Save", "birds.csv", KINDS) == (tmp_path / file, kind)


@pytest.mark.parametrize("replace", [True, False])
def test_a_file_that_only_the_suffix_names_is_not_replaced_unasked(
    parent: QWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    (tmp_path / "birds.csv").touch()
    asked = answering(monkeypatch, (tmp_path / "birds", ""), ("", ""), replace=replace)
    path, _ = ask_where_to_save(parent, "Save", "birds.csv", KINDS)
    assert path == (tmp_path / "birds.csv" if replace else None)
    assert asked == ["birds.csv", "replace?", *([] if replace else [str(tmp_path / "birds.csv")])]


def test_a_file_that_the_dialog_asked_about_is_not_asked_about_again(
    parent: QWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "birds.csv").touch()
    asked = answering(monkeypatch, (tmp_path / "birds.csv", ""))
    assert ask_where_to_save(parent, "Save", "birds.csv", KINDS) == (tmp_path / "birds.csv", "")
    assert asked == ["birds.csv"]
