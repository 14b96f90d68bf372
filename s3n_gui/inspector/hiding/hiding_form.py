"""The form of how a place is hidden: what replaces it and its size; behind "More" the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from s3n_core.inspection.hiding_choices import LEAST_CONTROLS, MOST_CONTROLS, Fill, Shape
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.widgets.number_fields import WholeNumberField

FILLS: tuple[tuple[Fill, str, str], ...] = (
    ("mean", "Mean colour", "Fill the place with the mean colour of the image"),
    ("surround", "Surroundings", "Fill the place with the mean colour of a ring around it"),
    ("blur", "Blur", "Blur the place"),
)
_SHAPES: tuple[tuple[Shape, str, str], ...] = (
    ("disc", "Disc", "A round place"),
    ("square", "Square", "A square place"),
)


class HidingForm(QWidget):
    """The form; another value hides the place again."""

    def __init__(self, hiding: HidingState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hiding = hiding
        self.fill = _choices(FILLS, "What replaces the place")
        self.shape = _choices(_SHAPES, "Shape of the place")
        self.size_field = _number(
            0,
            9999,
            " px",
            "Diameter of the place",
            "Diameter of the place, in pixels of the original; the lowest value is a peak's window",
        )
        self.controls = _number(
            LEAST_CONTROLS,
            MOST_CONTROLS,
            "",
            "Number of random places",
            "How many random places are hidden for comparison; more take longer and give a finer rank",
        )
        self.feather = _number(
            0,
            100,
            " %",
            "Feather of the edge",
            "Outer share of the radius over which the fill fades out, so that no edge appears",
        )
        self.blur = _number(
            0,
            999,
            " px",
            "Strength of the blur",
            "Standard deviation of the blur, in pixels of the original; the lowest value is half of the diameter",
        )
        self.blur.setSpecialValueText("half the size")
        self.more = QPushButton("More")
        self.more.setCheckable(True)
        self.more.setProperty("role", "link")
        self.more.setToolTip("Number of random places, shape, feather, and strength of the blur")
        self._rest = QWidget()
        self._rows = QFormLayout(self._rest)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setVerticalSpacing(4)
        self._rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        for title, field in (
            ("Random places", self.controls),
            ("Shape", self.shape),
            ("Feather", self.feather),
            ("Blur", self.blur),
        ):
            self._rows.addRow(title, field)
            label = self._rows.labelForField(field)
            label.setProperty("role", "caption")
            label.setToolTip(field.toolTip())
        self._rest.hide()
        usual = QHBoxLayout()
        usual.setSpacing(6)
        usual.addWidget(self.fill, 1)
        usual.addWidget(self.size_field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(usual)
        layout.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._rest)
        self.more.toggled.connect(self._on_more)
        self.fill.activated.connect(self._on_fill)
        self.shape.activated.connect(self._on_shape)
        self.size_field.valueChanged.connect(self._on_size)
        self.controls.valueChanged.connect(self._on_controls)
        self.feather.valueChanged.connect(self._on_feather)
        self.blur.valueChanged.connect(self._on_blur)
        self.synchronize()

    def synchronize(self) -> None:
        """Show the state's settings."""
        settings = self._hiding.settings
        self.fill.setCurrentIndex(self.fill.findData(settings.fill))
        self.shape.setCurrentIndex(self.shape.findData(settings.shape))
        self.size_field.setSpecialValueText(f"{self._hiding.window_size():.0f} px")
        for field, value in (
            (self.size_field, settings.size or 0),
            (self.controls, settings.controls),
            (self.feather, 100 * settings.feather),
            (self.blur, settings.blur or 0),
        ):
            with QSignalBlocker(field):
                field.setValue(round(value))
        self._rows.setRowVisible(self.blur, settings.fill == "blur")

    def _want(self, **changes: Any) -> None:
        self._hiding.set_settings(replace(self._hiding.settings, **changes))

    def _on_more(self, shown: bool) -> None:
        self.more.setText("Less" if shown else "More")
        self._rest.setVisible(shown)

    def _on_fill(self, index: int) -> None:
        self._want(fill=self.fill.itemData(index))

    def _on_shape(self, index: int) -> None:
        self._want(shape=self.shape.itemData(index))

    def _on_size(self, size: int) -> None:
        self._want(size=float(size) if size else None)

    def _on_controls(self, count: int) -> None:
        self._want(controls=count)

    def _on_feather(self, percent: int) -> None:
        self._want(feather=percent / 100)

    def _on_blur(self, blur: int) -> None:
        self._want(blur=float(blur) if blur else None)


def _choices(choices: tuple[tuple[str, str, str], ...], name: str) -> QComboBox:
    box = QComboBox()
    for value, title, tip in choices:
        box.addItem(title, value)
        box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
    box.setAccessibleName(name)
    box.setToolTip(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    return box


def _number(least: int, most: int, unit: str, name: str, tip: str) -> WholeNumberField:
    field = WholeNumberField()
    field.setRange(least, most)
    field.setSuffix(unit)
    field.setAccessibleName(name)
    field.setToolTip(tip)
    return field
