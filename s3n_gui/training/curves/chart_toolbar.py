"""The toolbar of the curves: smoothing, axis scale, zoom, export, side panels and overlaid runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.datasets.validation_images import OTHER_MARK, OTHER_VALIDATION
from s3n_gui.appearance.theme import font, number_font, px, set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP, SPACE, mixed
from s3n_gui.appearance.wording import label_text, tip_text
from s3n_gui.widgets.elided_label import ElidedLabel

_MOST = 98


class ChartToolbar(QWidget):
    """The toolbar above the curves.

    Signals:
        smoothing_changed: Weight of the previous values, in [0, 1).
        logarithmic_changed: Whether value axes are logarithmic.
        details_changed: Whether all charts are shown.
        reset_asked: Show all epochs.
        export_asked: "png" or "csv".
        other_removed: Remove an overlaid run; its folder.
        part_asked: Show or hide a panel of the page: "side" or "strip".
    """

    smoothing_changed = Signal(float)
    logarithmic_changed = Signal(bool)
    details_changed = Signal(bool)
    reset_asked = Signal()
    export_asked = Signal(str)
    other_removed = Signal(object)
    part_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        label = self._label = QLabel("Smoothing", self)
        label.setProperty("role", "quiet")
        self.smoothing = QSlider(Qt.Orientation.Horizontal, self)
        self.smoothing.setRange(0, _MOST)
        self.smoothing.setValue(60)
        self.smoothing.setAccessibleName("Smoothing of the curves")
        self.smoothing.setToolTip(
            "Moving average over training steps; at the left end there is no smoothing. Validation values are never "
            "smoothed."
        )
        self.smoothing.valueChanged.connect(self._on_smoothing)
        label.setBuddy(self.smoothing)
        self.amount = QLabel("0.60", self)
        self.amount.setProperty("role", "quiet")
        self.logarithmic = QCheckBox("Log axis", self)
        self.logarithmic.setToolTip("Logarithmic axis, which shows small losses in more detail (L)")
        self.logarithmic.toggled.connect(self.logarithmic_changed)
        self.details = QCheckBox("Details", self)
        self.details.setToolTip(
            "Also show learning rates, enlargement widths, peaks, certain and uncertain images, memory and speed (D)"
        )
        self.details.toggled.connect(self.details_changed)
        self.side = self._part("panel-left", "New training and runs", "Ctrl+[")
        self.side.clicked.connect(self._on_side)
        self.strip = self._part("panel-right", "What it looks at", "Ctrl+]")
        self.strip.clicked.connect(self._on_strip)
        self.reset = self._tool("restore", "Show all epochs again (Home)")
        self.reset.clicked.connect(self.reset_asked)
        self.export = self._tool("save", "Save the curves as an image or a table")
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        for kind, text in (("png", "Save as image (PNG)…"), ("csv", "Save values as table (CSV)…")):
            action = menu.addAction(text)
            action.setData(kind)
        menu.triggered.connect(self._on_export)
        self.export.setMenu(menu)
        self._key = _Key(self)
        row = QHBoxLayout()
        row.setSpacing(INSIDE_GROUP)
        for part in (self.side, label, self.smoothing, self.amount, self.logarithmic, self.details):
            row.addWidget(part)
        row.addStretch(1)
        row.addWidget(self._key)
        for part in (self.reset, self.export, self.strip):
            row.addWidget(part)
        self._over = QWidget(self)
        self._chips = QHBoxLayout(self._over)
        self._chips.setContentsMargins(0, 0, 0, 0)
        self._chips.setSpacing(SPACE)
        note = f"{OTHER_MARK} {OTHER_VALIDATION}: accuracies cannot be compared"
        self.other_images = ElidedLabel(note, parent=self._over)
        self.other_images.setToolTip(note)
        self.other_images.setProperty("role", "quiet")
        self.other_images.hide()
        self._chips.addWidget(self.other_images, 100)
        self._chips.addStretch(1)
        self._over.hide()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(SPACE)
        whole.addLayout(row)
        whole.addWidget(self._over)
        theme().changed.connect(self._fit)
        self._fit()

    @property
    def weight(self) -> float:
        """The weight of the previous values, in [0, 1)."""
        return self.smoothing.value() / 100

    def show_others(
        self, others: Sequence[tuple[Path, QColor]], other_validation: frozenset[Path] = frozenset()
    ) -> None:
        """Show a small button for each overlaid run; a click removes the run.

        Args:
            others: The runs and their colours.
            other_validation: Those of them with other validation images than the shown run.
        """
        for old in self.findChildren(QToolButton, "chip"):
            self._chips.removeWidget(old)
            old.setObjectName("")
            old.hide()
            old.deleteLater()
        for index, (path, colour) in enumerate(others):
            chip = _Chip(path, colour, self._over, other_validation=path in other_validation)
            chip.chosen.connect(self.other_removed)
            self._chips.insertWidget(index, chip)
        self.other_images.setVisible(bool(other_validation))
        self._over.setVisible(bool(others))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide what does not fit; keys, menus and tooltips replace it."""
        super().resizeEvent(event)
        self._leave_out()

    def minimumSizeHint(self) -> QSize:
        """Return the size of what always stays, whatever is shown now."""
        chips = self._over.minimumSizeHint().width() if self._over.isVisibleTo(self) else 0
        return QSize(max(self._least_width(), chips), super().minimumSizeHint().height())

    def _least_width(self) -> int:
        parts = (self.side, self.details, self.reset, self.export, self.strip)
        return sum(part.sizeHint().width() + INSIDE_GROUP for part in parts)

    def _leave_out(self) -> None:
        room = self.width() - self._least_width()
        for part in (self.logarithmic, self.smoothing, self.amount, self._key, self._label):
            room -= part.sizeHint().width() + INSIDE_GROUP
            part.setVisible(room >= 0)

    def _part(self, icon: str, title: str, keys: str) -> QToolButton:
        button = self._tool(icon, f"Show or hide “{title}” ({keys}); hide it to give the curves more space")
        button.setAccessibleName(f"Show or hide {title}")
        return button

    def _tool(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        set_icon(button, icon)
        return button

    def _on_smoothing(self, value: int) -> None:
        self.amount.setText(f"{value / 100:.2f}")
        self.smoothing_changed.emit(value / 100)

    def _on_export(self, action: object) -> None:
        self.export_asked.emit(action.data())  # type: ignore[attr-defined]

    def _on_side(self) -> None:
        self.part_asked.emit("side")

    def _on_strip(self) -> None:
        self.part_asked.emit("strip")

    def _fit(self) -> None:
        self.amount.setFont(number_font("body"))
        self.smoothing.setFixedWidth(px(84))
        self._leave_out()


class _Chip(QToolButton):
    """The button of an overlaid run; ``chosen`` carries its folder."""

    chosen = Signal(object)

    def __init__(self, run: Path, colour: QColor, parent: QWidget, *, other_validation: bool) -> None:
        super().__init__(parent)
        self._run = run
        self.setObjectName("chip")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_icon(self, "minus", colour=colour.name())
        name = run.name if len(run.name) <= 24 else f"{run.name[:12]}…{run.name[-10:]}"
        self.setText(label_text(f"{name} {OTHER_MARK}" if other_validation else name))
        tip = f"Click to stop comparing with {run.name}"
        self.setToolTip(tip_text(f"{tip}\nIt has {OTHER_VALIDATION} than the shown run" if other_validation else tip))
        self.setAccessibleName(f"Stop comparing with {run.name}")
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._run)


class _Key(QWidget):
    """The key to the styles of validation and training curves, shared by all charts."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Thick lines with dots: validation images; thin pale lines: training images")
        self.setToolTip("The model never learns from validation images, so their curves show how good it is.")
        theme().changed.connect(self._fit)
        self._fit()

    def sizeHint(self) -> QSize:
        """Return the size of two strokes and their labels."""
        metrics = self.fontMetrics()
        words = metrics.horizontalAdvance("validation") + metrics.horizontalAdvance("training")
        return QSize(words + 2 * (px(16) + 6) + px(16), metrics.lineSpacing() + 2)

    def minimumSizeHint(self) -> QSize:
        """Return the full size: the key is never truncated."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both strokes."""
        now = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, middle = 0.0, self.height() / 2
        for word, width, share in (("validation", 2.2, 0.0), ("training", 1.2, 0.45)):
            colour = QColor(mixed(now.text, now.page, share))
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(left, middle), QPointF(left + px(16), middle))
            if not share:
                painter.setBrush(colour)
                painter.drawEllipse(QPointF(left + px(8), middle), 2.5, 2.5)
            left += px(16) + 6
            painter.setPen(QColor(now.quiet))
            painter.drawText(QPointF(left, middle + self.fontMetrics().capHeight() / 2), word)
            left += self.fontMetrics().horizontalAdvance(word) + px(16)
        painter.end()

    def _fit(self) -> None:
        self.setFont(font("caption"))
        self.update()
