"""The filter bar above the grid: search field, filter by finding, image count and thumbnail size."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSlider, QWidget

from s3n_gui.appearance.theme import px
from s3n_gui.appearance.wording import count_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.findings import KIND_WORDS, KINDS
from s3n_gui.dataset.images.grid import LARGEST, SMALLEST, USUAL

_PAUSE_MILLISECONDS = 150


class FilterBar(QWidget):
    """The filter bar.

    Signals:
        tile_chosen: The width of a tile, in pixels.
    """

    tile_chosen = Signal(int)

    def __init__(self, controller: DataController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find by name or class")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find images by name or class")
        self.search.setToolTip("Show only images whose name or class contains all these words (Ctrl+F)")
        self.search.setMinimumWidth(80)
        self.search.setMaximumWidth(px(280))
        self.trouble = QComboBox()
        self.trouble.setAccessibleName("Filter images")
        self.trouble.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.trouble.setMinimumContentsLength(8)
        self.trouble.setToolTip("Show only images with findings, or images that are left out")
        self.clear = QPushButton("Show all")
        self.clear.setProperty("role", "link")
        self.clear.setToolTip("Clear all filters (Esc)")
        self.clear.clicked.connect(self.show_all)
        self.count = QLabel()
        self.count.setProperty("role", "quiet")
        self.tile_slider = QSlider(Qt.Orientation.Horizontal)
        self.tile_slider.setRange(SMALLEST, LARGEST)
        self.tile_slider.setValue(USUAL)
        self.tile_slider.setFixedWidth(px(80))
        self.tile_slider.setAccessibleName("Thumbnail size")
        self.tile_slider.setToolTip("Larger or smaller thumbnails")
        self.tile_slider.valueChanged.connect(self.tile_chosen)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.search, 3)
        row.addWidget(self.trouble, 1)
        row.addWidget(self.clear)
        row.addStretch(1)
        row.addWidget(self.count)
        row.addWidget(self.tile_slider)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self._on_pause)
        self.search.textChanged.connect(self._on_text)
        self.trouble.activated.connect(self._on_trouble)
        controller.listed_changed.connect(self._show)
        controller.marks_changed.connect(self._fill)
        self._fill()
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the less important controls when the bar is narrow."""
        super().resizeEvent(event)
        self.tile_slider.setVisible(self.width() >= px(480))
        self.count.setVisible(self.width() >= px(380))

    def show_all(self) -> None:
        """Clear all filters."""
        self._pause.stop()
        self._controller.set_filter(labels=None, use=None, text="", trouble=None)

    def _fill(self) -> None:
        kinds: list[tuple[str, str | None]] = [("All images", None)]
        found = [finding.kind for finding in self._controller.checking.findings or () if finding.images]
        if found:
            if set(found) - {"small-class"}:
                kinds.append(("With findings", "any"))
            kinds += [(KIND_WORDS[kind], kind) for kind in KINDS if kind in found]
        if self._controller.planning.left_out:
            kinds.append(("Left out", "left-out"))
        self.trouble.clear()
        for word, kind in kinds:
            self.trouble.addItem(word, kind)
        self.trouble.setVisible(len(kinds) > 1)
        self._show()

    def _show(self) -> None:
        chosen, survey = self._controller.filter, self._controller.survey
        if self.search.text().strip() != chosen.text:
            self.search.blockSignals(True)
            self.search.setText(chosen.text)
            self.search.blockSignals(False)
        self.trouble.setCurrentIndex(max(self.trouble.findData(chosen.trouble), 0))
        self.clear.setVisible(not chosen.is_empty)
        total, listed = 0 if survey is None else len(survey), len(self._controller.listed)
        self.count.setText(count_text(total, "image") if listed == total else f"{listed:,} of {total:,}")

    def _on_text(self) -> None:
        self._pause.start()

    def _on_pause(self) -> None:
        self._controller.set_filter(text=self.search.text().strip())

    def _on_trouble(self) -> None:
        self._controller.set_filter(trouble=self.trouble.currentData())
