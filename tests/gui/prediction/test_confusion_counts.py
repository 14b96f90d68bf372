"""Counts in the cells of the confusion matrix: in every cell that is not empty and has room for them, and legible."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.evaluation.accuracy import table_accuracy
from s3n_gui.appearance.theme import apply
from s3n_gui.appearance.tokens import Mode, contrast, ink_on
from s3n_gui.prediction.accuracy.confusion_card import ConfusionCard
from s3n_gui.prediction.accuracy.confusion_view import ConfusionView
from s3n_gui.prediction.accuracy.matrix_drawing import count_font, shaded


def view_of(qtbot: QtBot, counts: np.ndarray, side: int) -> ConfusionView:
    view = ConfusionView()
    qtbot.addWidget(view)
    view.show_counts(counts, [f"class {number}" for number in range(len(counts))])
    view.resize(side, side)
    view.show()
    return view


def colours_in(view: ConfusionView, image: QImage, row: int, column: int) -> int:
    """Return how many colours a cell has inside its lines; more than one if something is written into it."""
    box = view.frame.box((row, column)).toRect().adjusted(2, 2, -2, -2)
    return len({image.pixel(x, y) for x in range(box.left(), box.right()) for y in range(box.top(), box.bottom())})


@pytest.mark.parametrize("count", [3, 12, 20])
def test_every_cell_with_images_has_its_number(qtbot: QtBot, themed: QApplication, count: int) -> None:
    counts = np.random.default_rng(0).integers(0, 3, (count, count)) + 20 * np.eye(count, dtype=int)
    view = view_of(qtbot, counts, 330)
    image = view.grab().toImage()
    for row, column in np.ndindex(counts.shape):
        written = colours_in(view, image, row, column) > 1
        assert written == (counts[row, column] > 0), (row, column)


def test_cells_too_small_for_numbers_have_none_but_say_it(qtbot: QtBot, themed: QApplication) -> None:
    counts = 3 * np.ones((200, 200), dtype=int)
    view = view_of(qtbot, counts, 420)
    whole = view.grab().toImage()
    assert {whole.pixel(200, y) for y in range(100, 110)} <= {whole.pixel(300, y) for y in range(100, 110)}
    place = view.frame.box((50, 60)).center()
    qtbot.mouseMove(view, place.toPoint())
    assert view.toolTip() == "class 50, predicted as class 60: 3 of 600 (0.5 %, 0.2 to 1.5)"
    for _ in range(12):
        qtbot.keyClick(view, Qt.Key.Key_Plus)
    image = view.grab().toImage()
    cell = view.frame.cell_at(QPointF(view.rect().center()))
    assert cell is not None
    assert colours_in(view, image, *cell) > 1, "zoomed in, there is room for them"


def test_numbers_shrink_before_they_are_left_out(themed: QApplication) -> None:
    wide, narrow = count_font("123", 40), count_font("123", 20)
    assert wide is not None
    assert narrow is not None
    assert narrow.pixelSize() < wide.pixelSize()
    assert count_font("1", 5) is None


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_numbers_can_be_read_on_every_shade(themed: QApplication, mode: Mode) -> None:
    apply(themed, mode)
    counts = np.array([[round(1000 * share**2), 1000 - round(1000 * share**2)] for share in np.linspace(0, 1, 50)])
    pairs = [shaded(np.array([one, one[::-1]])) for one in counts]
    grounds = {image.pixelColor(x, y).name() for image in pairs for x in (0, 1) for y in (0, 1)}
    assert len(grounds) > 80
    assert min(contrast(ink_on(ground), ground) for ground in grounds) >= 4.5


def test_without_mistakes_the_matrix_has_the_whole_card(qtbot: QtBot, themed: QApplication) -> None:
    card = ConfusionCard()
    qtbot.addWidget(card)
    label = np.repeat(np.arange(12), 2)
    predicted = label.copy()
    predicted[0] = 1
    for said, mistakes in ((label, False), (predicted, True)):
        correct = (said == label).astype(np.int8)
        card.show_accuracy(table_accuracy(label, said, correct, np.ones(24), 12), [f"class {n}" for n in range(12)])
        card.resize(335, 216)
        card.show()
        assert card.pairs.isVisible() == mistakes
        image = card.matrix.grab().toImage()
        assert colours_in(card.matrix, image, 5, 5) > 1, "its number is there"


def test_the_keyboard_says_a_cell_of_the_small_matrix(qtbot: QtBot, themed: QApplication) -> None:
    view = view_of(qtbot, np.array([[4, 1], [0, 5]]), 200)
    said: list[str] = []
    view.pointed.connect(said.append)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert said[-1] == "class 0, predicted as class 1: 1 of 5 (4 to 62 %)"


def test_the_marks_of_the_chosen_classes_stay_while_predictions_arrive(qtbot: QtBot, themed: QApplication) -> None:
    card, names = ConfusionCard(), [f"class {number}" for number in range(12)]
    qtbot.addWidget(card)
    card.resize(400, 300)
    card.show()
    label = np.repeat(np.arange(12), 20)
    said = np.roll(label, 7)

    def arrive(count: int, *, settled: bool = False) -> None:
        right = (said == label).astype(np.int8)
        told = np.random.default_rng(0).permutation(len(label))[:count]
        accuracy = table_accuracy(label[told], said[told], right[told], np.ones(count), 12)
        card.show_accuracy(accuracy, names, settled=settled)

    def marked() -> tuple[tuple[int, int] | None, list[str]]:
        return card.matrix.chosen, [index.data() for index in card.pairs.selectedIndexes()]

    arrive(150)
    card.matrix.cell_chosen.emit(5, 4)
    assert marked() == ((5, 4), ["class 5\nclass 4"])
    for _ in range(8):
        qtbot.keyClick(card.matrix, Qt.Key.Key_Plus)
    for _ in range(8):
        card.matrix.show_whole()
    qtbot.keyClick(card.matrix, Qt.Key.Key_Plus)
    seen = card.matrix.frame
    for count, settled in ((180, False), (220, False), (240, True)):
        arrive(count, settled=settled)
        assert marked() == ((5, 4), ["class 5\nclass 4"])
        assert card.matrix.frame == seen  # nothing scrolls
    # Another order of the classes, and only some of them.
    card.set_large(True)
    card.order.setCurrentIndex(card.order.findData("recall"))
    card.order.activated.emit(card.order.currentIndex())
    places = card.matrix.chosen
    assert places is not None
    assert card.matrix.text_of(places).startswith("class 5, predicted as class 4:")
    card.choose(None)
    assert marked() == (None, [])
    arrive(240, settled=True)
    assert marked() == (None, [])
