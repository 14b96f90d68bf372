"""The form on the left: images, files, panels and appearance."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import label_text, place_text, tip_text
from s3n_gui.export.export_choice import TESTED_PEAKS, ExportChoice
from s3n_gui.export.look_form import LookForm, choice_box
from s3n_gui.export.panel_picker import PanelPicker
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.opening import data_set_title, model_title
from s3n_gui.state.session import Session
from s3n_gui.state.split_choice import SplitChoice, split_text
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.elided_button import ElidedButton
from s3n_gui.widgets.model_menu import ModelMenu
from s3n_gui.widgets.number_fields import WholeNumberField, commit
from s3n_gui.widgets.selection_chip import SelectionChip

_MOST_IMAGES = 10_000_000


class ExportForm(ColumnScrollArea):
    """The controls, which show a choice and emit what the user changes.

    Signals:
        changed: Names of fields of ``ExportChoice`` and their new values (a dict).
        folder_asked: Choose another folder of images.
        data_set_asked: Use the open data set.
    """

    changed = Signal(dict)
    folder_asked = Signal()
    data_set_asked = Signal()

    def __init__(self, session: Session, models: ModelChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.models = ModelMenu(models, self)
        self.models.chosen.connect(models.use)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Export settings")
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
        self._make_rival()
        self._head("Appearance")
        self.look = LookForm()
        self.look.changed.connect(self.changed)
        self._column.addWidget(self.look)
        self._column.addStretch(1)
        self.setWidget(inside)

    # -- building ----------------------------------------------------------------------------------------------------------

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
        self.chosen = SelectionChip(self._session, counts=True, parent=self)
        self._sources = menu
        self.split = choice_box(
            {},
            "Split",
            "Export all images, or only one split; at first those that are predicted and measured by themselves",
        )
        self.split.activated.connect(self._on_split)
        self.limited = QCheckBox("Only the first")
        self.limited.setToolTip("Export only the first images of the list")
        self.first = WholeNumberField()
        self.first.setRange(1, _MOST_IMAGES)
        self.first.setValue(20)
        self.first.setAccessibleName("Number of images")
        self.first.setToolTip("Number of images to export")
        self.limited.toggled.connect(self._on_first)
        self.first.valueChanged.connect(self._on_first)
        self.model = _chooser("model", "Model to use")
        self.model.clicked.connect(self._on_model)
        row = QHBoxLayout()
        row.addWidget(self.limited)
        row.addWidget(self.first)
        row.addStretch(1)
        for widget in (self.images, self.chosen, self.split, self.model):
            self._column.addWidget(widget)
        self._column.addLayout(row)

    def _make_files(self) -> None:
        self._head("Files")
        self.sheet = _box("One labelled sheet", "All panels on one sheet, with the scores")
        self.singles = _box("Separate panels", "Each panel as a separate file, in one folder per image")
        self.arrays = _box("All numbers (.npz)", "Maps, grids, scores and peaks as NumPy arrays, for other programs")
        self.report = _box("HTML report", "One page with all images, for a browser: report.html")
        self.test_peaks = _box(
            "Test of the peaks",
            f"Hide the {TESTED_PEAKS} strongest peaks of each image, one at a time, beside 20 random places: "
            "hidden_peaks.csv. Takes about twenty times as long",
        )
        rows = QVBoxLayout()
        rows.setSpacing(0)  # the same spacing as in the panel picker
        for box, slot in (
            (self.sheet, self._on_sheet),
            (self.singles, self._on_singles),
            (self.arrays, self._on_arrays),
            (self.report, self._on_report),
            (self.test_peaks, self._on_test_peaks),
        ):
            box.toggled.connect(slot)
            rows.addWidget(box)
        self._column.addLayout(rows)

    def _make_rival(self) -> None:
        self.rival = QLineEdit()
        self.rival.setPlaceholderText("strongest rival")
        self.rival.setClearButtonEnabled(True)
        self.rival.setAccessibleName("Rival of contributions")
        self.rival.setToolTip(
            "Class that contributions compare the predicted class with, by its name in the model; empty: its strongest rival"
        )
        self.rival.editingFinished.connect(self._on_rival)
        self._session.data_set_changed.connect(self._offer_classes)
        self._offer_classes()
        label = QLabel("Rival")
        label.setProperty("role", "quiet")
        label.setBuddy(self.rival)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(label)
        row.addWidget(self.rival, 1)
        self._column.addLayout(row)

    def _offer_classes(self) -> None:
        """Complete the rival's name by the classes of the open data set, which are usually those of the model."""
        data_set = self._session.data_set
        completer = QCompleter([] if data_set is None else list(data_set.classes), self.rival)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.rival.setCompleter(completer)

    def commit(self) -> bool:
        """Take over what is typed in fields that were not left yet.

        Returns:
            Whether all of it was taken; a field that refuses its text says why.
        """
        if self.rival.isEnabled():
            self._on_rival()
        problems = [commit(field) for field in (self.first, self.look.dpi, self.look.inches)]
        return not any(problems)

    # -- showing and reporting changes -------------------------------------------------------------------------------------

    def show_choice(self, choice: ExportChoice, splits: SplitChoice) -> None:
        """Show a choice and the splits of its images, without emitting ``changed``."""
        fields = (self.limited, self.first, self.sheet, self.singles, self.arrays, self.report, self.test_peaks)
        blocked = [(field, field.blockSignals(True)) for field in fields]
        self.images.setText(label_text(data_set_title(choice.images)) if choice.images else "Choose images…")
        self.images.setToolTip(
            tip_text(f"The images: {place_text(choice.images, 80)}") if choice.images else "The images to export"
        )
        # Not the session's, which other pages go on with while this one exports other images.
        self.chosen.show_selection(choice.only)
        self.model.setText(label_text(model_title(choice.model)) if choice.model else "Choose a model…")
        self.model.setToolTip(
            tip_text(f"The model: {place_text(choice.model, 80)}" if choice.model else "The model to use")
        )
        parts = splits.available if choice.split in splits.available else (*splits.available, choice.split)
        shown = [split_text(name, count) for name, count in zip_longest(parts, splits.counts)]
        if [self.split.itemText(i) for i in range(self.split.count())] != shown:
            self.split.clear()
            for name, text in zip(parts, shown, strict=True):
                self.split.addItem(text, name)
        self.split.setVisible(len(parts) > 1 and choice.images is not None and choice.only is None)
        self.split.setCurrentIndex(max(self.split.findData(choice.split), 0))
        self.limited.setChecked(choice.first is not None)
        self.first.setEnabled(choice.first is not None)
        if choice.first is not None:
            self.first.setValue(choice.first)
        for name in ("sheet", "singles", "arrays", "report", "test_peaks"):
            getattr(self, name).setChecked(getattr(choice, name))
        pictures = choice.sheet or choice.singles
        self.panels.show_panels(choice.panels)
        self.panels.setEnabled(pictures)
        self.rival.setEnabled(choice.has_contributions)
        if not self.rival.hasFocus():
            self.rival.setText(choice.versus or "")
        self.look.show_choice(choice)
        for field, before in blocked:
            field.blockSignals(before)

    def _tell(self, **changes: Any) -> None:
        self.changed.emit(changes)

    def _on_images(self) -> None:
        self._sources.popup(self.images.mapToGlobal(self.images.rect().bottomLeft()))

    def _on_model(self) -> None:
        self.models.show_below(self.model)

    def _on_split(self) -> None:
        self._tell(split=self.split.currentData())

    def _on_first(self) -> None:
        self._tell(first=self.first.value() if self.limited.isChecked() else None)

    def _on_sheet(self, on: bool) -> None:
        self._tell(sheet=on)

    def _on_singles(self, on: bool) -> None:
        self._tell(singles=on)

    def _on_arrays(self, on: bool) -> None:
        self._tell(arrays=on)

    def _on_test_peaks(self, on: bool) -> None:
        self._tell(test_peaks=on)

    def _on_rival(self) -> None:
        self._tell(versus=self.rival.text().strip() or None)

    def _on_report(self, on: bool) -> None:
        self._tell(report=on)

    def _on_panels(self, panels: tuple[str, ...]) -> None:
        self._tell(panels=panels)


def _chooser(icon: str, name: str) -> QPushButton:
    button = ElidedButton(name=True)
    set_icon(button, icon)
    button.setAccessibleName(name)
    button.setStyleSheet("QPushButton { text-align: left; padding: 0 10px; }")
    return button


def _box(text: str, tip: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setToolTip(tip)
    return box
