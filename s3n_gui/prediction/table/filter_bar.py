"""The bar above the table: search, filter by kind, number of rows, and Save as."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from s3n_gui.appearance.theme import number_font, px, set_icon, theme
from s3n_gui.appearance.wording import count_text, label_text, tip_text
from s3n_gui.prediction.table.row_order import KINDS, Kind

_KIND_TEXTS: dict[Kind, tuple[str, str]] = {
    "all": ("All predictions", "Every image"),
    "mistakes": ("Mistakes", "Images that are predicted wrongly"),
    "right": ("Correct", "Images that are predicted correctly"),
    "disagreements": (
        "Disagreements",
        "Images for which O, D and C do not all agree with the joint prediction",
    ),
    "below": ("Below the threshold", "Images with a confidence below the threshold, or without a prediction"),
    "unreadable": ("Without a prediction", "Images that could not be read"),
}
_DEBOUNCE_MILLISECONDS = 150
_WIDE, _COUNT_FITS = 900, 560
"""From these widths, in pixels at the usual text size, the buttons have words, and the number of images is shown."""
_PAIR_ROOM, _NARROW_PAIR_ROOM = 280, 90


class FilterBar(QWidget):
    """The filter of the table.

    Signals:
        changed: The text or the kind has changed.
        pair_cleared: Remove the filter by a class or a pair of classes.
        inspect_asked: Inspect the shown images, or the selected ones.
        export_asked: Export exactly these.
        save_asked: Save the shown rows to a file.
    """

    changed = Signal()
    pair_cleared = Signal()
    inspect_asked = Signal()
    export_asked = Signal()
    save_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a file, class or label")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find rows by file, class or label")
        self.search.setToolTip("Show only rows whose file, class, label or problem contains this text (Ctrl+F)")
        self.kind = QComboBox()
        self.kind.setAccessibleName("Filter predictions")
        self.kind.setToolTip("Filter predictions")
        for number, name in enumerate(KINDS):
            title, tip = _KIND_TEXTS[name]
            self.kind.addItem(title, name)
            self.kind.setItemData(number, tip, Qt.ItemDataRole.ToolTipRole)
        self.pair = QPushButton()
        set_icon(self.pair, "close")
        self.pair.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.pair.setToolTip("Filtered; click to show all images")
        self.pair.setMaximumWidth(px(320))
        self.pair.hide()
        self.pair_words = ""
        self.inspect = QPushButton("Inspect these")
        self.inspect.setToolTip("Inspect only these images; press Enter on a row to begin with that one")
        set_icon(self.inspect, "inspect")
        self.export = QPushButton("Export these")
        self.export.setToolTip("Export figures and numbers of exactly these images")
        set_icon(self.export, "export")
        for button in (self.inspect, self.export):
            button.hide()
        self.count = QLabel()
        self.count.setProperty("role", "quiet")
        self.save = QPushButton()
        self.save.setAccessibleName("Save as…")
        self.save.setToolTip("Save what the table shows, in its order, as CSV or JSON (Ctrl+S)")
        set_icon(self.save, "save")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.search)
        row.addWidget(self.kind)
        row.addWidget(self.pair)
        row.addWidget(self.inspect)
        row.addWidget(self.export)
        row.addStretch(1)
        row.addWidget(self.count)
        row.addWidget(self.save)
        self._show_words()
        self._debounce = QTimer(self, singleShot=True, interval=_DEBOUNCE_MILLISECONDS)
        self._debounce.timeout.connect(self.changed)
        self.search.textChanged.connect(self._on_text)
        self.kind.activated.connect(self._on_kind)
        self.pair.clicked.connect(self.pair_cleared)
        self.inspect.clicked.connect(self.inspect_asked)
        self.export.clicked.connect(self.export_asked)
        self.save.clicked.connect(self.save_asked)
        theme().changed.connect(self._fit)
        self._fit()

    @property
    def shown_kind(self) -> Kind:
        """The chosen kind of predictions."""
        kind: Kind = self.kind.currentData()
        return kind

    def show_kind(self, kind: Kind) -> None:
        """Set the kind of predictions."""
        self.kind.setCurrentIndex(KINDS.index(kind))

    def show_pair(self, words: str) -> None:
        """Show the filter by a class or a pair of classes; empty without one."""
        self.pair_words = words
        room = px(_PAIR_ROOM if self._is_wide else _NARROW_PAIR_ROOM)
        shown = self.pair.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room)
        self.pair.setText(label_text(shown))
        self.pair.setAccessibleName(words)
        self.pair.setToolTip(tip_text(f"Filtered: {words}; click to show all images"))
        self.pair.setVisible(bool(words))

    def show_actions(self, filtered: bool, chosen: int) -> None:
        """Offer to inspect and to export these images: the selected rows, or the rows that a filter leaves.

        Args:
            filtered: Whether a filter hides rows.
            chosen: The number of selected rows; one or none counts as no selection.
        """
        what = f"{chosen:,}" if chosen > 1 else "these"
        for button, verb in ((self.inspect, "Inspect"), (self.export, "Export")):
            button.setAccessibleName(f"{verb} {what}")
            button.setVisible(filtered or chosen > 1)
        self._show_words()

    def show_count(self, shown: int, total: int) -> None:
        """Set the number of shown rows and of all rows."""
        whole = count_text(total, "image")
        self.count.setText(whole if shown == total else f"{shown:,} of {whole}")
        self.save.setEnabled(shown > 0)
        for button in (self.inspect, self.export):
            button.setEnabled(shown > 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the buttons without words where they do not fit."""
        super().resizeEvent(event)
        self._show_words()

    @property
    def _is_wide(self) -> bool:
        return self.width() >= px(_WIDE)

    def _show_words(self) -> None:
        wide = self._is_wide
        for button in (self.inspect, self.export, self.save):
            button.setText(button.accessibleName() if wide else "")
        self.count.setVisible(self.width() >= px(_COUNT_FITS))
        self.show_pair(self.pair_words)

    def _on_text(self) -> None:
        self._debounce.start()

    def _on_kind(self) -> None:
        self._debounce.stop()
        self.changed.emit()

    def _fit(self) -> None:
        self.search.setMinimumWidth(px(110))
        self.search.setMaximumWidth(px(240))
        self.count.setFont(number_font("body"))
