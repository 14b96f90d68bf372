"""The cards below the table: accuracy with its threshold, the confusion matrix, and the classes one by one."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSlider,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.prediction.coverage_plot import CoveragePlot
from s3n_gui.prediction.figures_of_merit import ClassFigures, Merit
from s3n_gui.prediction.shown_names import shown_class
from s3n_gui.prediction.table_model import NO_PARENT, AnyIndex
from s3n_gui.theme import number_font, theme
from s3n_gui.wording import count_text, percent_text

_POSITIONS = 1000


class Card(QFrame):
    """A card with a heading; what it shows is added to ``column``."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.title, self.note = QLabel(title), QLabel()
        self.title.setProperty("role", "section")
        self.note.setProperty("role", "quiet")
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.note)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 8, 12, 8)
        self.column.setSpacing(4)
        self.column.addLayout(head)


class ThresholdCard(Card):
    """Accuracy, and what it would be if the model only answered where it is sure.

    Signals:
        threshold_changed: The probability from which an answer counts.
    """

    threshold_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Accuracy", parent)
        self._merit: Merit | None = None
        self.plot = CoveragePlot()
        self.sentence = QLabel()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _POSITIONS)
        self.slider.setAccessibleName("Threshold of the probability")
        self.slider.setToolTip("Answers below this probability are left to a person")
        self.number = QLabel()
        name = QLabel("Threshold")
        name.setProperty("role", "quiet")
        name.setBuddy(self.slider)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        self.column.addWidget(self.plot, 1)
        self.column.addLayout(row)
        self.column.addWidget(self.sentence)
        self.slider.valueChanged.connect(self._on_slider)
        self.plot.coverage_picked.connect(self._on_coverage)
        theme().changed.connect(self._on_theme)
        self._on_theme()

    @property
    def threshold(self) -> float:
        """The probability from which an answer counts."""
        return self.slider.value() / _POSITIONS

    def show_merit(self, merit: Merit | None) -> None:
        """Show how good the answers are."""
        self._merit = merit
        judged = merit is not None and merit.judged > 0
        self.title.setText("Accuracy" if judged else "Coverage")
        self.plot.setVisible(judged)
        if merit is not None:
            self.note.setText(
                f"{percent_text(merit.accuracy)} of {count_text(merit.judged, 'image')}"
                if merit.accuracy is not None
                else "no image has a label that the model knows"
            )
            self.plot.show_curve(*merit.curve())
        self._say()

    def _say(self) -> None:
        self.number.setText(f"{self.threshold:.3f}")
        if self._merit is None:
            self.sentence.clear()
            return
        coverage, accuracy = self._merit.at(self.threshold)
        self.plot.show_mark(coverage, accuracy)
        words = f"Answers {percent_text(coverage)} of the images"
        if accuracy is not None:
            words += f", {percent_text(accuracy)} of them right"
        self.sentence.setText(words)

    def _on_slider(self) -> None:
        self._say()
        self.threshold_changed.emit(self.threshold)

    def _on_coverage(self, coverage: float) -> None:
        merit = self._merit
        if merit is not None and merit.answered:
            count = min(max(round(coverage * merit.rows), 1), merit.answered)
            self.slider.setValue(math.floor(float(merit.probabilities[count - 1]) * _POSITIONS))

    def _on_theme(self) -> None:
        self.number.setFont(number_font("body"))
        self.number.setFixedWidth(self.number.fontMetrics().horizontalAdvance("0.000") + 4)


class ClassTable(QTableView):
    """The classes, the worst first.

    Signals:
        class_chosen: Index of a class whose images are wanted.
    """

    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = ClassModel(self)
        self.setModel(self._classes)
        self.setAccessibleName("Classes")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QTableView { border: none; }")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(self._on_chosen)
        self.activated.connect(self._on_chosen)

    def show_merit(self, merit: Merit | None, names: list[str]) -> None:
        """Show the classes of a table."""
        self._classes.show(merit.figures if merit is not None else (), names)

    def _on_chosen(self, index: QModelIndex) -> None:
        self.class_chosen.emit(self._classes.figures[index.row()].index)


class ClassModel(QAbstractTableModel):
    """One row a class, the least recall first."""

    _TITLES = ("Class", "Images", "Found", "Right")
    _TIPS = (
        "Press a class to see its images",
        "Images that are known to be of the class",
        "Recall: share of the images of this class that are answered with it",
        "Precision: share of the answers with this class that are right",
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figures: tuple[ClassFigures, ...] = ()
        self._names: list[str] = []

    def show(self, figures: tuple[ClassFigures, ...], names: list[str]) -> None:
        """Show other figures."""
        self.beginResetModel()
        worst_first = sorted(figures, key=lambda one: (math.isnan(one.recall), one.recall, one.index))
        self.figures, self._names = tuple(worst_first), names
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of classes."""
        return 0 if parent.isValid() else len(self.figures)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._TITLES)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        one, column = self.figures[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            shares = (one.recall, one.precision)
            if column < 2:
                return shown_class(self._names[one.index]) if column == 0 else f"{one.images:,}"
            return "–" if math.isnan(shares[column - 2]) else percent_text(shares[column - 2])
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole:
            return number_font("body")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a heading and what it means."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self._TITLES[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return self._TIPS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None
