"""The number of training, validation and test images, and the fields that change the split."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from s3n_core.datasets.assignment import MOST_TEST_SHARE
from s3n_gui.appearance.theme import number_font, px, theme
from s3n_gui.appearance.wording import count_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.image_filter import Condition
from s3n_gui.dataset.split.share_fields import ShareFields
from s3n_gui.dataset.split.use_bar import UseBar, UseDot
from s3n_gui.dataset.survey import USE_WORDS, USES

_MOST_VALIDATION = 50  # percent
_CLICK = " Click to show these images, with Ctrl in addition to others."
_TIPS = {
    "train": "The model is trained on these images.",
    "validation": "Used only to choose the best epoch; the model never learns from them.",
    "test": "Used only for the final test.",
    "unlabelled": "Images without a label, which can be predicted.",
    "left-out": "Images that you have left out of training.",
}


class SplitBox(QWidget):
    """A bar, a row for each use, and the fields for the test and validation shares."""

    def __init__(self, controller: DataController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        title = QLabel("Split")
        title.setProperty("role", "section")
        self.bar = UseBar()
        self.buttons: dict[str, QPushButton] = {}
        self._numbers: dict[str, QLabel] = {}
        self.test = ShareFields(
            "Test share",
            "test images",
            "Share of the images in the test split, evenly over the classes (the data set has no split of its own)",
            round(100 * MOST_TEST_SHARE),
            self,
        )
        self.validation = ShareFields(
            "Validation share",
            "validation images",
            "Share of the training images in the validation set of the next training, evenly over the classes",
            _MOST_VALIDATION,
            self,
        )
        fields = QGridLayout()
        fields.setSpacing(8)
        fields.setColumnStretch(1, 1)
        fields.setColumnStretch(2, 1)
        self._heads = (QLabel("Share"), QLabel("Split seed"))
        for place, head in enumerate(self._heads, 1):
            head.setProperty("role", "caption")
            fields.addWidget(head, 0, place)
        self.test.add_to(fields, 1)
        self.validation.add_to(fields, 2)
        self.words = QLabel("The data set has its own validation set.")
        self.words.setWordWrap(True)
        self.words.setProperty("role", "caption")
        self.by_hand = QLabel()
        self.by_hand.setProperty("role", "caption")
        self.forget = QPushButton("Undo all")
        self.forget.setProperty("role", "link")
        self.forget.setToolTip("Move all images that you assigned by hand back to their original splits")
        self._hand = QWidget()
        hand = QHBoxLayout(self._hand)
        hand.setContentsMargins(0, 0, 0, 0)
        hand.addWidget(self.by_hand, 1)
        hand.addWidget(self.forget)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(title)
        column.addWidget(self.bar)
        column.addLayout(self._rows())
        column.addLayout(fields)
        column.addWidget(self.words)
        column.addWidget(self._hand)
        planning = controller.planning
        self.test.chosen.connect(planning.set_test_share)
        self.validation.chosen.connect(planning.set_validation)
        self.forget.clicked.connect(planning.forget_splits)
        controller.survey_changed.connect(self._show)
        controller.marks_changed.connect(self._show)
        controller.listed_changed.connect(self._show_use)
        theme().changed.connect(self._fit)
        self._fit()
        self._show()

    def _rows(self) -> QVBoxLayout:
        rows = QVBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        for row, (use, word) in enumerate((*USE_WORDS.items(), ("left-out", "Left out"))):
            button = _UseButton(use, word)
            button.chosen.connect(self._on_use)
            number, label = QLabel(), QLabel(word)
            for part in (label, number):
                part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            inside = QHBoxLayout(button)
            inside.setContentsMargins(6, 0, 6, 0)
            inside.addWidget(UseDot(row))
            inside.addSpacing(2)
            inside.addWidget(label, 1)
            inside.addWidget(number)
            self._numbers[use], self.buttons[use] = number, button
            rows.addWidget(button)
        return rows

    def _show(self) -> None:
        survey, planning = self._controller.survey, self._controller.planning
        if survey is None:
            return
        labelled = bool(survey.titles) and not self._controller.is_provisional
        uses = np.delete(planning.uses, list(planning.left_out)) if planning.left_out else planning.uses
        counts = tuple(int(count) for count in np.bincount(uses, minlength=len(USES)))
        self.bar.show_counts(counts)
        for use, count in zip((*USES, "left-out"), (*counts, len(planning.left_out)), strict=True):
            self._numbers[use].setText(f"{count:,}")
            # "Left out" is always visible, so that nothing moves with the first such image. Validation needs labels.
            self.buttons[use].setVisible(count > 0 or use == "left-out" or (use == "validation" and labelled))
        self.test.show_values(planning.assignment.test_share, planning.assignment.test_seed)
        self.validation.show_values(planning.validation.fraction, planning.validation.seed)
        shares = survey.may_share and labelled
        draws = labelled and not survey.brings_validation
        self.test.set_visible(shares)
        self.validation.set_visible(draws)
        for head in self._heads:
            head.setVisible(shares or draws)
        self.words.setVisible(survey.brings_validation)
        self._hand.setVisible(planning.by_hand > 0)
        self.by_hand.setText(f"{count_text(planning.by_hand, 'image')} assigned by hand")

    def _show_use(self) -> None:
        chosen = self._controller.filter
        shown = (chosen.uses or frozenset()) | ((chosen.troubles or frozenset()) & {"left-out"})
        for name, button in self.buttons.items():
            button.setChecked(name in shown)

    def _on_use(self, use: str, on: bool, more: bool) -> None:
        """List the images of a use: only these, or with Ctrl besides those that are listed already."""
        chosen = self._controller.filter
        condition: Condition = "troubles" if use == "left-out" else "uses"
        if not more:
            on = on or len(chosen.uses or ()) > 1  # one of several is chosen alone
            chosen = chosen.without("uses").without("troubles")
        self._controller.apply_filter(chosen.switched(condition, use, on))

    def _fit(self) -> None:
        for label in self._numbers.values():
            label.setFont(number_font("body"))
        for button in self.buttons.values():
            button.setFixedHeight(px(26))


class _UseButton(QPushButton):
    """The row of a use.

    Signals:
        chosen: Its use, whether it is checked now, and whether Ctrl was held.
    """

    chosen = Signal(str, bool, bool)

    def __init__(self, use: str, word: str) -> None:
        super().__init__()
        self._use = use
        self.setProperty("role", "row")
        self.setCheckable(True)
        self.setToolTip(_TIPS[use] + _CLICK)
        self.setAccessibleName(word)
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self, checked: bool) -> None:
        more = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier)
        self.chosen.emit(self._use, checked, more)
