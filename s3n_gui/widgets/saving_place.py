"""Asks where to save a file: its name ends as its kind does, and no file is replaced unasked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from s3n_gui.widgets.question import Answer, Question

EXCEL_TABLE = "Table for Excel (*.csv)"
TABLES = {"Table (*.csv)": ".csv", EXCEL_TABLE: ".csv"}
"""The kinds of CSV for a table with names, which a spreadsheet may take for formulas (`csv_tables`)."""


def ask_where_to_save(
    parent: QWidget, title: str, proposed: str, kinds: Mapping[str, str]
) -> tuple[Path, str] | tuple[None, str]:
    """Let the user choose a file to write.

    Args:
        parent: The widget that asks.
        title: The title of the dialog.
        proposed: The proposed name, with or without a folder.
        kinds: The suffix (".csv") of each kind of file, by the kind as the dialog shows it ("Table (*.csv)").

    Returns:
        The file and its kind; None and "" if cancelled.
    """
    while True:
        chosen, kind = QFileDialog.getSaveFileName(parent, title, proposed, ";;".join(kinds))
        if not chosen:
            return None, ""
        path = Path(chosen)
        if path.suffix.lower() in kinds.values():
            return path, kind
        # Some systems' dialogs add no suffix, so they have asked about another file. Nor is a point in a name a suffix.
        path = path.with_name(path.name + kinds.get(kind, next(iter(kinds.values()))))
        if not path.exists() or _may_be_replaced(path, parent):
            return path, kind
        proposed = str(path)


def _may_be_replaced(path: Path, parent: QWidget) -> bool:
    question = Question(
        "Replace the file?",
        path.name,
        f"{path.parent} has a file of this name; its content would be lost.",
        (Answer("replace", "Replace"),),
        parent.window(),
    )
    answer = question.ask()
    question.deleteLater()
    return answer == "replace"
