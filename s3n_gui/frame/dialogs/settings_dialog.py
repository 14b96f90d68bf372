"""The settings dialog: each control writes its setting immediately, without an OK button."""

from __future__ import annotations

from pathlib import Path

import psutil
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QShowEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.models.device_names import DEVICES, MIXED, PRECISIONS, precision_refusal
from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import BETWEEN_GROUPS, INSIDE_GROUP, SPACE
from s3n_gui.appearance.wording import place_text, tip_text
from s3n_gui.background.card_memory import CardMemory
from s3n_gui.background.device_probe import DeviceProbe
from s3n_gui.frame.dialogs.precision_words import precision_words
from s3n_gui.state.settings import SETTINGS, Settings
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.dialog_size import fit_in_window
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.number_fields import WholeNumberField

_THEMES = (("system", "Match system"), ("light", "Light"), ("dark", "Dark"))
_DEVICE_WORDS = {"auto": "Automatic", "cpu": "Processor (CPU)", "cuda": "NVIDIA GPU (CUDA)", "mps": "Apple GPU (MPS)"}
_PRECISION_WORDS = {"auto": "Automatic", MIXED: "float32 (O) and bfloat16 (D, C)"}
_SIZES = ((0.8, "80 %"), (0.9, "90 %"), (1.0, "100 %"), (1.1, "110 %"), (1.25, "125 %"), (1.4, "140 %"), (1.6, "160 %"))


class SettingsDialog(QDialog):
    """The user's settings for the whole program.

    Signals:
        precision_help_asked: The help about precisions was asked for.
    """

    precision_help_asked = Signal()

    def __init__(self, settings: Settings, probe: DeviceProbe, card: CardMemory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._settings, self._probe, self._card = settings, probe, card
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(BETWEEN_GROUPS)
        self._grid.setVerticalSpacing(SPACE)
        self._grid.setColumnStretch(1, 1)
        self.themes = QButtonGroup(self)
        self.text_size = QComboBox()
        self.device = QComboBox()
        self._device_words = QLabel()
        self.precision = QComboBox()
        self._precision_words = QLabel()
        self._precision_words.setTextFormat(Qt.TextFormat.PlainText)
        self._precision_words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.idle = self._number("idle_minutes", " min")
        self.idle.valueChanged.connect(self._on_idle)
        self.thumbnails = self._number("thumbnail_cache_mb", " MB")
        self.thumbnails.valueChanged.connect(self._on_thumbnails)
        self.runs = ElidedLabel()
        self._section("Appearance")
        self._row("Theme", self._theme_row())
        self._row("Text size", self.text_size, "Also Ctrl++ and Ctrl+-")
        self._section("Engine")
        self._row("Device", self.device, self._device_words)
        self._row("Precision", self._precision_row(), self._precision_words)
        self._row("Unload model after", self.idle, "Frees graphics memory when the model is idle")
        self._section("Storage")
        self._row("Thumbnail cache", self.thumbnails, "A larger cache scrolls faster")
        self._row("Run folder", self._runs_row(), "New runs are saved here; existing runs are not moved")
        self._fill()
        reset = QPushButton("Reset all settings")
        reset.clicked.connect(self._on_reset)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(reset)
        foot.addStretch(1)
        foot.addWidget(buttons)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, INSIDE_GROUP, 0)
        rows.addLayout(self._grid)
        rows.addStretch(1)
        area = ColumnScrollArea()
        area.setWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(BETWEEN_GROUPS, 16, BETWEEN_GROUPS, 16)
        column.setSpacing(BETWEEN_GROUPS)
        column.addWidget(area, 1)
        column.addLayout(foot)
        theme().changed.connect(self._fit)
        settings.changed.connect(self._fill)
        probe.answered.connect(self._show_devices)
        card.changed.connect(self._show_devices)
        self._show_devices()
        self._fit()
        probe.ask()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the measured precisions anew: a command may have added one."""
        self._show_devices()
        super().showEvent(event)

    def _fit(self) -> None:
        """Take the size of the content, within the window's."""
        for box, width in (
            (self.text_size, 220),
            (self.device, 220),
            (self.precision, 260),
            (self.idle, 140),
            (self.thumbnails, 140),
        ):
            box.setMaximumWidth(px(width))
        fit_in_window(self, self.sizeHint().expandedTo(QSize(px(600), 0)))

    def _section(self, title: str) -> None:
        label = QLabel(title)
        label.setProperty("role", "section")
        row = self._grid.rowCount()
        if row > 1:
            self._grid.setRowMinimumHeight(row, 12)
            row += 1
        self._grid.addWidget(label, row, 0, 1, 2)

    def _row(self, title: str, control: QWidget, words: str | QLabel = "") -> None:
        row = self._grid.rowCount()
        label = QLabel(title)
        label.setBuddy(control)
        control.setAccessibleName(title)
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(control, row, 1)
        if not words:
            self._grid.setRowMinimumHeight(row + 1, INSIDE_GROUP - SPACE)
            return
        hint = QLabel(words) if isinstance(words, str) else words
        hint.setProperty("role", "caption")
        hint.setWordWrap(True)
        hint.setContentsMargins(0, 0, 0, INSIDE_GROUP)
        if isinstance(words, str):
            control.setToolTip(words)
        self._grid.addWidget(hint, row + 1, 1)

    def _theme_row(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        for index, (_, word) in enumerate(_THEMES):
            button = QPushButton(word)
            button.setCheckable(True)
            self.themes.addButton(button, index)
            row.addWidget(button)
        row.addStretch(1)
        self.themes.idClicked.connect(self._on_theme)
        for factor, word in _SIZES:
            self.text_size.addItem(word, factor)
        self.text_size.activated.connect(self._on_size)
        for name in DEVICES:
            self.device.addItem(_DEVICE_WORDS[name], name)
        self.device.activated.connect(self._on_device)
        for precision in PRECISIONS:
            self.precision.addItem(_PRECISION_WORDS.get(precision, precision), precision)
        self.precision.activated.connect(self._on_precision)
        return holder

    def _precision_row(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(INSIDE_GROUP)
        about = QPushButton("About precision")
        about.clicked.connect(self.precision_help_asked)
        row.addWidget(self.precision, 1)
        row.addWidget(about)
        row.addStretch(1)
        self.precision.setAccessibleName("Precision")
        holder.setFocusProxy(self.precision)
        return holder

    def _runs_row(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(INSIDE_GROUP)
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._on_choose_runs)
        row.addWidget(self.runs, 1)
        row.addWidget(choose)
        return holder

    def _number(self, name: str, unit: str) -> WholeNumberField:
        setting = SETTINGS[name]
        box = WholeNumberField()
        box.setObjectName(name)
        box.setRange(int(setting.lowest), int(setting.highest))
        box.setSuffix(unit)
        box.setSingleStep(16 if setting.highest > 1000 else 1)
        return box

    def _fill(self) -> None:
        settings = self._settings
        button = self.themes.button([name for name, _ in _THEMES].index(settings.theme))
        button.setChecked(True)
        nearest = min(range(len(_SIZES)), key=lambda index: abs(_SIZES[index][0] - settings.font_factor))
        self.text_size.setCurrentIndex(nearest)
        self.device.setCurrentIndex(DEVICES.index(settings.device))
        self.precision.setCurrentIndex(PRECISIONS.index(settings.precision))
        for box in (self.idle, self.thumbnails):
            box.blockSignals(True)
            box.setValue(int(settings.value(box.objectName())))
            box.blockSignals(False)
        self.runs.setText(place_text(settings.runs_root, 60))
        self.runs.setToolTip(tip_text(str(settings.runs_root)))
        self._show_devices()

    def _show_devices(self) -> None:
        devices, wanted = self._probe.devices, self._settings.device
        if not devices.chosen:
            text = devices.reason or "Looking for devices…"
        else:
            device = devices.chosen if wanted == "auto" else wanted
            words = [devices.usable.get(device, devices.missing.get(device, "")), self._memory_text(device)]
            text = ", ".join(word.strip(". ") for word in words if word) + "."
            if wanted == "auto" and devices.reason:
                text += f" {devices.reason[:1].upper()}{devices.reason[1:].rstrip('.')}."
        self._device_words.setText(text)
        self._show_precisions(devices.chosen if wanted == "auto" else wanted)

    def _show_precisions(self, device: str) -> None:
        """Offer the precisions that a device can use, and say what was measured; an empty device is not known yet."""
        items = self.precision.model()
        assert isinstance(items, QStandardItemModel)
        for index, precision in enumerate(PRECISIONS):
            refusal = precision_refusal(precision, device)
            items.item(index).setEnabled(not refusal)
            items.item(index).setToolTip(refusal)
        self._precision_words.setText(precision_words(self._settings.precision, device))

    def _memory_text(self, device: str) -> str:
        if device not in self._probe.devices.usable:
            return ""
        if device == "cuda":
            return self._card.text
        return f"{psutil.virtual_memory().available / 2**30:.3g} GB of memory free"

    def _on_theme(self, index: int) -> None:
        self._settings.set("theme", _THEMES[index][0])

    def _on_size(self, index: int) -> None:
        self._settings.set("font_factor", _SIZES[index][0])

    def _on_device(self, index: int) -> None:
        self._settings.set("device", DEVICES[index])

    def _on_precision(self, index: int) -> None:
        self._settings.set("precision", PRECISIONS[index])

    def _on_idle(self, minutes: int) -> None:
        self._settings.set("idle_minutes", minutes)

    def _on_thumbnails(self, megabytes: int) -> None:
        self._settings.set("thumbnail_cache_mb", megabytes)

    def _on_choose_runs(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose the run folder", str(self._settings.runs_root))
        if folder:
            self._settings.set("runs_folder", str(Path(folder)))

    def _on_reset(self) -> None:
        self._settings.reset()
