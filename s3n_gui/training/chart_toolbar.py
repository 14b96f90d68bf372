"""What can be done with the curves: smoothing, axis, zoom, export; and which runs are laid over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QMenu, QSlider, QToolButton, QWidget

from s3n_gui.theme import number_font, px, set_icon, theme
from s3n_gui.tokens import INSIDE_GROUP, SPACE

_MOST = 98


class ChartToolbar(QWidget):
    """The line above the curves.

    Signals:
        smoothing_changed: Weight of what came before, 0 to below 1.
        logarithmic_changed: Whether value axes are logarithmic.
        reset_asked: Show everything again.
        export_asked: "png" or "csv".
        other_removed: The folder of a run that should not be laid over any more.
    """

    smoothing_changed = Signal(float)
    logarithmic_changed = Signal(bool)
    reset_asked = Signal()
    export_asked = Signal(str)
    other_removed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        label = QLabel("Smoothing")
        label.setProperty("role", "quiet")
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setRange(0, _MOST)
        self.smoothing.setValue(60)
        self.smoothing.setAccessibleName("Smoothing of the curves")
        self.smoothing.setToolTip(
            "Moving mean over training steps: at the left as measured. Held-out values are never smoothed."
        )
        self.smoothing.valueChanged.connect(self._on_smoothing)
        label.setBuddy(self.smoothing)
        self.amount = QLabel("0.60")
        self.amount.setProperty("role", "quiet")
        self.logarithmic = QCheckBox("Log axis")
        self.logarithmic.setToolTip("Equal ratios take equal room: shows late changes of the loss")
        self.logarithmic.toggled.connect(self.logarithmic_changed)
        self.reset = self._tool("restore", "Show all epochs again (Home, or double click)")
        self.reset.clicked.connect(self.reset_asked)
        self.export = self._tool("save", "Save the curves as a picture or a table")
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        for kind, text in (("png", "Save as picture (PNG)…"), ("csv", "Save values as table (CSV)…")):
            action = menu.addAction(text)
            action.setData(kind)
        menu.triggered.connect(self._on_export)
        self.export.setMenu(menu)
        self._chips = QHBoxLayout()
        self._chips.setSpacing(SPACE)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 0, 0)
        row.setSpacing(INSIDE_GROUP)
        row.addWidget(label)
        row.addWidget(self.smoothing)
        row.addWidget(self.amount)
        row.addWidget(self.logarithmic)
        row.addLayout(self._chips)
        row.addStretch(1)
        row.addWidget(self.reset)
        row.addWidget(self.export)
        theme().changed.connect(self._fit)
        self._fit()

    @property
    def weight(self) -> float:
        """The weight of what came before."""
        return self.smoothing.value() / 100

    def show_others(self, others: Sequence[tuple[Path, QColor]]) -> None:
        """Show a small button for each run laid over: press it to take the run away."""
        for old in self.findChildren(QToolButton, "chip"):
            self._chips.removeWidget(old)
            old.setObjectName("")
            old.deleteLater()
        for path, colour in others:
            chip = QToolButton()
            chip.setObjectName("chip")
            chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            set_icon(chip, "minus", colour=colour.name())
            chip.setText(path.name)
            chip.setToolTip(f"{path.name} is laid over, dashed; press to take it away")
            chip.setAccessibleName(f"Take {path.name} away")
            chip.setProperty("run", str(path))
            chip.clicked.connect(self._on_chip)
            self._chips.addWidget(chip)

    def _tool(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        set_icon(button, icon)
        return button

    def _on_smoothing(self, value: int) -> None:
        self.amount.setText(f"{value / 100:.2f}")
        self.smoothing_changed.emit(value / 100)

    def _on_export(self, action: object) -> None:
        self.export_asked.emit(action.data())  # type: ignore[attr-defined]

    def _on_chip(self) -> None:
        self.other_removed.emit(Path(self.sender().property("run")))

    def _fit(self) -> None:
        self.amount.setFont(number_font("body"))
        self.smoothing.setFixedWidth(px(96))
