"""In every text of the window, an accuracy stands with its number of images and its 95 % interval."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QLabel, QTableView, QWidget
from test_names_as_they_are import full, texts

from s3n_gui.frame.main_window import MainWindow
from s3n_gui.prediction.panel import PredictPage

__all__ = ["full"]  # the fixture: a window with a data set, a run, predictions and all pages

WITH_INTERVAL = re.compile(r"\d[\d.]* % of (\?|[\d,]+ \(\d[\d.]* to \d[\d.]*\))|\d[\d.]* to \d[\d.]* % \(\d+ of \d+\)")
OTHER_SHARES = re.compile(r"Predicts [\d.]+ % of the images|95 % interval")
SHARE = re.compile(r"\d[\d.,]* ?%")
ACCURACY = re.compile(r"accura|recall|precision|correct|\bbest\b|mistake", re.IGNORECASE)


def lacks_interval(text: str) -> bool:
    """Return whether a text about accuracies has a percentage that stands without an interval."""
    rest = OTHER_SHARES.sub("", WITH_INTERVAL.sub("", text))
    return bool(ACCURACY.search(text) and SHARE.search(rest))


def all_texts(window: QWidget) -> Iterator[str]:
    """Yield all texts of a window: labels, buttons, menus, tooltips, cells, and what a screen reader says."""
    for widget in (window, *window.findChildren(QWidget)):
        yield from (shown for _, shown in texts(widget))
        yield from (widget.accessibleName(), widget.accessibleDescription())
        model = widget.model() if isinstance(widget, QAbstractItemView) else None
        for row in range(0 if model is None else min(model.rowCount(), 20)):
            for column in range(model.columnCount(QModelIndex()) if isinstance(widget, QTableView) else 1):
                yield str(model.index(row, column).data(Qt.ItemDataRole.DisplayRole) or "")


def test_every_accuracy_of_the_window_has_its_interval(full: MainWindow) -> None:
    found = list(all_texts(full))
    assert not [text for text in found if lacks_interval(text)]
    shown = [text for text in found if WITH_INTERVAL.search(text)]
    assert any(text.startswith("run & <u>1\nStopped") and "50 % of ?" in text for text in shown), "the list of runs"
    predict = full.pages.page("predict")
    assert isinstance(predict, PredictPage)
    model = predict.accuracy_panel.classes.model()
    recalls = [str(model.index(row, column).data()) for row in range(model.rowCount()) for column in (2, 3)]
    assert recalls
    assert all(text == "–" or WITH_INTERVAL.fullmatch(text) for text in recalls)
    planted = QLabel("Accuracy 53.3 %", full)
    assert [text for text in all_texts(full) if lacks_interval(text)] == [planted.text()]


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("best 53.3 % in epoch 2", True),
        ("accuracy 53 % of 30", True),
        ("accuracy 53 % of 30 (36 to 70)", False),
        ("recall 30 to 95 % (3 of 4), precision 66.7 %", True),
        ("Predicts 40.0 % of the images, accuracy 30 to 95 % (3 of 4)", False),
        ("Validation share 10 %", False),
    ],
)
def test_what_is_found(text: str, lacks: bool) -> None:
    assert lacks_interval(text) == lacks
