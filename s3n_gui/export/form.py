"""The form at the left: which images, what files, which panels, and how they look."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from s3n_core.export.look import COLOUR_MAPS
from s3n_core.export.panels import LAYOUTS
from s3n_gui.export.export_choice import (
    HIGHEST_DPI,
    LEAST_INCHES,
    LOWEST_DPI,
    MOST_INCHES,
    ExportChoice,
)
from s3n_gui.export.panel_picker import PanelPicker
from s3n_gui.opening import model_title
from s3n_gui.theme import px, set_icon
from s3n_gui.wording import place_text

_PARTS = {"all": "All images", "train": "Part train", "val": "Part val", "test": "Part test"}
_LAYOUTS = {"auto": "By the image's shape", "wide": "Branches in rows", "tall": "Branches in columns"}
_MOST_IMAGES = 10_000_000


class ExportForm(QScrollArea):
    """The controls; they show a choice and say what a person changes, no more.

    Signals:
        changed: Names of fields of ``ExportChoice`` and their new values (a dict).
        folder_asked: Another folder of images is wanted.
        data_set_asked: The open data set is wanted.
        model_asked: Another model is wanted.
    """

    changed = Signal(dict)
    folder_asked = Signal()
    data_set_asked = Signal()
    model_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("What is exported")
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 12, 0)
        self._column.setSpacing(6)
        self._make_images()
        self._make_files()
        self._head("Panels")
        self.panels = PanelPicker()
        self.panels.changed.connect(self._on_panels)
        self._column.addWidget(self.panels)
        self._make_look()
        self._column.addStretch(1)
        self.setWidget(inside)

    # -- making it ---------------------------------------------------------------------------------------------------------

    def _head(self, text: str) -> None:
        if self._column.count():
            self._column.addSpacing(12)
        label = QLabel(text)
        label.setProperty("role", "section")
        self._column.addWidget(label)

    def _make_images(self) -> None:
        self._head("Images")
        self.images = _chooser("folder", "Images to export")
        menu = QMenu(self)
        menu.addAction("Choose folder…", self.folder_asked.emit)
        self.own = menu.addAction("The open data set", self.data_set_asked.emit)
        self.images.clicked.connect(self._on_images)
        self._sources = menu
        self.part = _combo(_PARTS, "Part of the data set", "Every image, or one part of the data set only")
        self.part.activated.connect(self._on_part)
        self.limited = QCheckBox("Only the first")
        self.limited.setToolTip("Export the first images of the list only")
        self.first = QSpinBox()
        self.first.setRange(1, _MOST_IMAGES)
        self.first.setValue(20)
        self.first.setLocale(QLocale.c())
        self.first.setAccessibleName("Number of images")
        self.first.setToolTip("How many images of the list are exported")
        self.limited.toggled.connect(self._on_first)
        self.first.valueChanged.connect(self._on_first)
        self.model = _chooser("model", "Model whose evidence is shown")
        self.model.clicked.connect(self.model_asked)
        row = QHBoxLayout()
        row.addWidget(self.limited)
        row.addWidget(self.first)
        row.addStretch(1)
        for widget in (self.images, self.part, self.model):
            self._column.addWidget(widget)
        self._column.addLayout(row)

    def _make_files(self) -> None:
        self._head("Files for each image")
        self.sheet = _box("One labelled sheet", "All panels on one sheet, with scores and the rule of Eq. 3")
        self.singles = _box("Each panel by itself", "Every panel as a picture of its own, in a folder for each image")
        self.arrays = _box("All numbers (.npz)", "Maps, grids, scores and peaks as NumPy arrays, for programs")
        for name in ("sheet", "singles", "arrays"):
            box = getattr(self, name)
            box.setObjectName(name)
            box.toggled.connect(self._on_box)
            self._column.addWidget(box)

    def _make_look(self) -> None:
        self._head("Look")
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.layout_name = _combo({name: _LAYOUTS[name] for name in LAYOUTS}, "Layout", "How panels stand on a sheet")
        self.colours = _combo(
            {name: name.capitalize() for name in COLOUR_MAPS},
            "Palette",
            "Colours of the maps; all are perceptually even",
        )
        self.picture = _combo({"png": "PNG, exact", "jpeg": "JPEG, smaller"}, "Format", "Format of the pictures")
        self.dpi = QSpinBox()
        self.dpi.setRange(LOWEST_DPI, HIGHEST_DPI)
        self.dpi.setSingleStep(50)
        self.dpi.setSuffix(" dpi")
        self.inches = QDoubleSpinBox()
        self.inches.setRange(LEAST_INCHES, MOST_INCHES)
        self.inches.setSingleStep(0.5)
        self.inches.setDecimals(1)
        self.inches.setSuffix(" in")
        for number, name, tip in (
            (self.dpi, "Resolution", "Pixels an inch: 100 for a screen, 300 for print"),
            (self.inches, "Size of single pictures", "Long side of a panel that stands by itself, in inches"),
        ):
            number.setLocale(QLocale.c())
            number.setKeyboardTracking(False)
            number.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            number.setAccessibleName(name)
            number.setToolTip(tip)
        for title, widget in (
            ("Layout", self.layout_name),
            ("Palette", self.colours),
            ("Format", self.picture),
            ("Resolution", self.dpi),
            ("Single size", self.inches),
        ):
            label = QLabel(title)
            label.setProperty("role", "quiet")
            form.addRow(label, widget)
        for combo, name in ((self.layout_name, "layout"), (self.colours, "colours"), (self.picture, "picture")):
            combo.setObjectName(name)
            combo.activated.connect(self._on_combo)
        self.dpi.valueChanged.connect(self._on_dpi)
        self.inches.valueChanged.connect(self._on_inches)
        self._column.addLayout(form)

    # -- both ways ---------------------------------------------------------------------------------------------------------

    def show_choice(self, choice: ExportChoice, parts: tuple[str, ...]) -> None:
        """Show a choice and the parts that its images have, without telling anybody."""
        fields = (self.limited, self.first, self.sheet, self.singles, self.arrays, self.dpi, self.inches)
        blocked = [(field, field.blockSignals(True)) for field in fields]
        self.images.setText((choice.images.name or str(choice.images)) if choice.images else "Choose images…")
        self.images.setToolTip(
            f"The images: {place_text(choice.images, 80)}" if choice.images else "The images to export"
        )
        self.model.setText(model_title(choice.model) if choice.model else "Choose a model…")
        self.model.setToolTip(
            f"The model: {place_text(choice.model, 80)}" if choice.model else "The model to look into"
        )
        if [self.part.itemData(i) for i in range(self.part.count())] != list(parts):
            self.part.clear()
            for name in parts:
                self.part.addItem(_PARTS[name], name)
        self.part.setVisible(len(parts) > 1 and choice.images is not None)
        self.part.setCurrentIndex(max(self.part.findData(choice.part), 0))
        self.limited.setChecked(choice.first is not None)
        self.first.setEnabled(choice.first is not None)
        if choice.first is not None:
            self.first.setValue(choice.first)
        for name in ("sheet", "singles", "arrays"):
            getattr(self, name).setChecked(getattr(choice, name))
        pictures = choice.sheet or choice.singles
        self.panels.show_panels(choice.panels)
        self.panels.setEnabled(pictures)
        for combo, value in (
            (self.layout_name, choice.layout),
            (self.colours, choice.colours),
            (self.picture, choice.picture),
        ):
            combo.setCurrentIndex(combo.findData(value))
            combo.setEnabled(pictures)
        self.layout_name.setEnabled(choice.sheet)
        self.dpi.setValue(choice.dpi)
        self.dpi.setEnabled(pictures)
        self.inches.setValue(choice.inches)
        self.inches.setEnabled(choice.singles)
        for field, before in blocked:
            field.blockSignals(before)

    def _tell(self, **changes: Any) -> None:
        self.changed.emit(changes)

    def _on_images(self) -> None:
        self._sources.popup(self.images.mapToGlobal(self.images.rect().bottomLeft()))

    def _on_part(self) -> None:
        self._tell(part=self.part.currentData())

    def _on_first(self) -> None:
        self._tell(first=self.first.value() if self.limited.isChecked() else None)

    def _on_box(self, on: bool) -> None:
        self._tell(**{self.sender().objectName(): on})

    def _on_panels(self, panels: tuple[str, ...]) -> None:
        self._tell(panels=panels)

    def _on_combo(self) -> None:
        combo = self.sender()
        assert isinstance(combo, QComboBox)
        self._tell(**{combo.objectName(): combo.currentData()})

    def _on_dpi(self, dpi: int) -> None:
        self._tell(dpi=dpi)

    def _on_inches(self, inches: float) -> None:
        self._tell(inches=inches)


def _chooser(icon: str, name: str) -> QPushButton:
    button = QPushButton()
    set_icon(button, icon)
    button.setAccessibleName(name)
    button.setStyleSheet("QPushButton { text-align: left; padding: 0 10px; }")
    return button


def _box(text: str, tip: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setToolTip(tip)
    return box


def _combo(items: dict[Any, str], name: str, tip: str) -> QComboBox:
    combo = QComboBox()
    for key, text in items.items():
        combo.addItem(text, key)
    combo.setAccessibleName(name)
    combo.setToolTip(tip)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setMinimumWidth(px(80))
    return combo
