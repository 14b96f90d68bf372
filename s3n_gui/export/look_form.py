"""The controls for the appearance of exported figures: layout, palette, opacity, format and sizes."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QSizePolicy, QWidget

from s3n_core.export.figures.panels import LAYOUTS
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY
from s3n_gui.appearance.theme import px
from s3n_gui.export.export_choice import HIGHEST_DPI, LEAST_INCHES, LOWEST_DPI, MOST_INCHES, ExportChoice
from s3n_gui.widgets.number_fields import FractionField, WholeNumberField
from s3n_gui.widgets.number_slider import NumberSlider

_LAYOUTS = {"auto": "Automatic", "wide": "Branches in rows", "tall": "Branches in columns"}
_PICTURES = {
    "jpeg": "JPEG (small files)",
    "png": "PNG (lossless)",
    "pdf": "PDF (for print)",
    "svg": "SVG (for editing)",
}


class LookForm(QWidget):
    """The controls, which show a choice and emit what the user changes.

    Signals:
        changed: Names of fields of ``ExportChoice`` and their new values (a dict).
    """

    changed = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layout_name = choice_box(
            {name: _LAYOUTS[name] for name in LAYOUTS}, "Layout", "How panels are arranged on a sheet"
        )
        self.colours = choice_box(
            {name: name.capitalize() for name in PALETTES},
            "Palette",
            "Colours of the maps; all are perceptually uniform",
        )
        self.opacity = NumberSlider(
            "Opacity of the maps",
            0.0,
            1.0,
            0.05,
            tip="How much a map covers the grey image below it; 1 hides the image",
            source="the standard",
        )
        self.picture = choice_box(
            _PICTURES,
            "Format",
            "Image format; in PDF and SVG, text and lines can be edited and stay sharp in print",
        )
        self.dpi = WholeNumberField()
        self.dpi.setRange(LOWEST_DPI, HIGHEST_DPI)
        self.dpi.setSingleStep(50)
        self.dpi.setSuffix(" dpi")
        self.inches = FractionField()
        self.inches.setRange(LEAST_INCHES, MOST_INCHES)
        self.inches.setSingleStep(0.5)
        self.inches.setDecimals(1)
        self.inches.setSuffix(" in")
        for number, name, tip in (
            (self.dpi, "Resolution", "Pixels per inch: 100 for screens, 300 for print"),
            (self.inches, "Panel size", "Long side of a separate panel, in inches"),
        ):
            number.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            number.setAccessibleName(name)
            number.setToolTip(tip)
        self.boxes = QCheckBox("Boxes and key points")
        self.boxes.setToolTip("Draw those of the data set, if it has any, and mark peaks outside a box")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for title, widget in (
            ("Layout", self.layout_name),
            ("Palette", self.colours),
            ("Opacity", self.opacity),
            ("Format", self.picture),
            ("Resolution", self.dpi),
            ("Panel size", self.inches),
        ):
            label = QLabel(title)
            label.setProperty("role", "quiet")
            form.addRow(label, widget)
        form.addRow(self.boxes)
        self.boxes.toggled.connect(self._on_boxes)
        self.layout_name.activated.connect(self._on_layout)
        self.colours.activated.connect(self._on_colours)
        self.picture.activated.connect(self._on_picture)
        self.opacity.value_changed.connect(self._on_opacity)
        self.opacity.reset_requested.connect(self._on_opacity_reset)
        self.dpi.valueChanged.connect(self._on_dpi)
        self.inches.valueChanged.connect(self._on_inches)

    def show_choice(self, choice: ExportChoice) -> None:
        """Show a choice without emitting ``changed``."""
        pictures = choice.sheet or choice.singles
        for combo, value in (
            (self.layout_name, choice.layout),
            (self.colours, choice.colours),
            (self.picture, choice.picture),
        ):
            combo.setCurrentIndex(combo.findData(value))
            combo.setEnabled(pictures)
        self.layout_name.setEnabled(choice.sheet)
        self.opacity.set_value(choice.opacity, STANDARD_OPACITY)
        self.opacity.setEnabled(pictures)
        blocked = [(field, field.blockSignals(True)) for field in (self.dpi, self.inches)]
        self.dpi.setValue(choice.dpi)
        self.dpi.setEnabled(pictures)
        self.inches.setValue(choice.inches)
        self.inches.setEnabled(choice.singles)
        for field, before in blocked:
            field.blockSignals(before)
        with QSignalBlocker(self.boxes):
            self.boxes.setChecked(choice.boxes)
        self.boxes.setEnabled(pictures or choice.report)

    def _on_layout(self) -> None:
        self._tell(layout=self.layout_name.currentData())

    def _on_colours(self) -> None:
        self._tell(colours=self.colours.currentData())

    def _on_picture(self) -> None:
        self._tell(picture=self.picture.currentData())

    def _on_opacity(self, opacity: float) -> None:
        self._tell(opacity=round(opacity, 2))

    def _on_opacity_reset(self) -> None:
        self._tell(opacity=STANDARD_OPACITY)

    def _on_dpi(self, dpi: int) -> None:
        self._tell(dpi=dpi)

    def _on_inches(self, inches: float) -> None:
        self._tell(inches=inches)

    def _on_boxes(self, boxes: bool) -> None:
        self._tell(boxes=boxes)

    def _tell(self, **changes: Any) -> None:
        self.changed.emit(changes)


def choice_box(items: dict[Any, str], name: str, tip: str) -> QComboBox:
    """Return a combo box; ``items`` maps each value to its text."""
    combo = QComboBox()
    for key, text in items.items():
        combo.addItem(text, key)
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setMinimumWidth(px(80))
    return combo
