"""The bar above the table: search, filter by kind, number of rows, and Save as."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QWidget

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
_VIEWS = (("predict", "Table", "Show a table (Ctrl+G)"), ("data", "Images", "Show images with their peaks (Ctrl+G)"))
_DEBOUNCE_MILLISECONDS = 150
_LEVELS = 7


class FilterBar(QWidget):
    """The filter of the table.

    Signals:
        changed: The text or the kind has changed.
        pair_cleared: Remove the filter by a class or a pair of classes.
        part_chosen: Show only images with a peak of this part; "": all.
        why_asked: Say what tells the two classes of the pair apart.
        inspect_asked: Inspect the shown images, or the selected ones.
        export_asked: Export exactly these.
        save_asked: Save the shown rows to a file.
        view_chosen: "table" or "images".
        cards_toggled: Show or hide accuracy, confusion and classes.
    """

    changed = Signal()
    pair_cleared = Signal()
    part_chosen = Signal(str)
    why_asked = Signal()
    inspect_asked = Signal()
    export_asked = Signal()
    save_asked = Signal()
    view_chosen = Signal(str)
    cards_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find")
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
        self.part = QComboBox()
        self.part.setAccessibleName("Filter by part")
        self.part.setToolTip("Show only images with a peak of this part of the atlas")
        self.part.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.part.setMinimumContentsLength(8)
        self.part.hide()
        self.pair = QPushButton()
        set_icon(self.pair, "close")
        self.pair.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.pair.setToolTip("Filtered; click to show all images")
        self.pair.setMaximumWidth(px(320))
        self.pair.hide()
        self.why = QPushButton("Why?")
        set_icon(self.why, "parts")
        self.why.setToolTip("What tells these two classes apart, and whether the model relies on it (page Parts)")
        self.why.hide()
        self.pair_words = ""
        self._what, self._compacting, self._level = "these", False, 0
        self.inspect, self.export, self.save = QPushButton(), QPushButton(), QPushButton()
        self.inspect.setToolTip("Inspect only these images; press Enter on a row to begin with that one")
        set_icon(self.inspect, "inspect")
        self.export.setToolTip("Export figures and numbers of exactly these images")
        set_icon(self.export, "export")
        for button in (self.inspect, self.export):
            button.hide()
        self.count = QLabel()
        self.count.setProperty("role", "quiet")
        self.save.setAccessibleName("Save as…")
        self.save.setToolTip("Save what the table shows, in its order, as CSV or JSON (Ctrl+S)")
        set_icon(self.save, "save")
        self.views = QButtonGroup(self)
        for number, (icon, title, tip) in enumerate(_VIEWS):
            view = QToolButton()
            set_icon(view, icon)
            view.setCheckable(True)
            view.setText(title)
            view.setAccessibleName(title)
            view.setToolTip(tip)
            self.views.addButton(view, number)
        self.views.button(0).setChecked(True)
        self.cards = QToolButton()
        set_icon(self.cards, "panel-bottom")
        self.cards.setCheckable(True)
        self.cards.setChecked(True)
        self.cards.setText("Accuracy")
        self.cards.setAccessibleName("Accuracy, confusion and classes")
        self.cards.setToolTip("Show or hide accuracy, confusion and classes (Ctrl+])")
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.search)
        row.addWidget(self.kind)
        row.addWidget(self.part)
        row.addWidget(self.pair)
        row.addWidget(self.why)
        row.addWidget(self.inspect)
        row.addWidget(self.export)
        row.addStretch(1)
        row.addWidget(self.count)
        self._switch = switch = QHBoxLayout()
        switch.setSpacing(0)
        for view_button in self.views.buttons():
            switch.addWidget(view_button)
        row.addLayout(switch)
        row.addWidget(self.cards)
        row.addWidget(self.save)
        self._debounce = QTimer(self, singleShot=True, interval=_DEBOUNCE_MILLISECONDS)
        self._debounce.timeout.connect(self.changed)
        self.search.textChanged.connect(self._on_text)
        self.kind.activated.connect(self._on_kind)
        self.pair.clicked.connect(self.pair_cleared)
        self.part.activated.connect(self._on_part)
        self.why.clicked.connect(self.why_asked)
        self.inspect.clicked.connect(self.inspect_asked)
        self.export.clicked.connect(self.export_asked)
        self.save.clicked.connect(self.save_asked)
        self.views.idClicked.connect(self._on_view)
        self.cards.clicked.connect(self.cards_toggled)
        self._polished = QTimer(self, singleShot=True, interval=0)  # the controls take the new text size one by one
        self._polished.timeout.connect(self._compact)
        theme().changed.connect(self._polished.start)
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

    def show_parts(self, names: Sequence[str], chosen: str) -> None:
        """Offer to filter by the parts of an atlas.

        Args:
            names: Their names; without any, there is nothing to choose.
            chosen: The name of the chosen one; "": all images.
        """
        self.part.clear()
        self.part.addItem("Any part", "")
        for name in names:
            self.part.addItem(name, name)
        self.part.setCurrentIndex(max(self.part.findData(chosen), 0))
        self.part.setVisible(bool(names))
        self._compact()

    def _on_part(self) -> None:
        self.part_chosen.emit(self.part.currentData())

    def show_pair(self, words: str, *, confused: bool = False) -> None:
        """Show the filter by a class or a pair of classes.

        Args:
            words: Its text; empty without one.
            confused: Whether it is a pair of two different classes.
        """
        self.pair_words = words
        self.why.setVisible(confused)
        self.pair.setAccessibleName(words)
        self.pair.setToolTip(tip_text(f"Filtered: {words}; click to show all images"))
        self.pair.setVisible(bool(words))
        self._compact()

    def show_actions(self, filtered: bool, chosen: int) -> None:
        """Offer to inspect and to export these images: the selected rows, or the rows that a filter leaves.

        Args:
            filtered: Whether a filter hides rows.
            chosen: The number of selected rows; one or none counts as no selection.
        """
        self._what = f"{chosen:,}" if chosen > 1 else "these"
        for button in (self.inspect, self.export):
            button.setVisible(filtered or chosen > 1)
        self._compact()

    def show_count(self, shown: int, total: int) -> None:
        """Set the number of shown rows and of all rows."""
        whole = count_text(total, "image")
        self.count.setText(whole if shown == total else f"{shown:,} of {whole}")
        self._compact()
        self.save.setEnabled(shown > 0)
        for button in (self.inspect, self.export):
            button.setEnabled(shown > 0)

    def show_view(self, name: str) -> None:
        """Show which view is shown: "table" or "images"."""
        self.views.button(0 if name == "table" else 1).setChecked(True)

    def _on_view(self, number: int) -> None:
        self.view_chosen.emit("images" if number else "table")

    def _on_text(self) -> None:
        self._debounce.start()

    def _on_kind(self) -> None:
        self._debounce.stop()
        self.changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out words in a narrow window."""
        super().resizeEvent(event)
        self._compact()

    def event(self, event: QEvent) -> bool:
        """Shorten the words when a control has become wider than its place, as it takes a larger text size."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self._level < _LEVELS - 1 and self._lacks_room():
            self._compact()
        return done

    def minimumSizeHint(self) -> QSize:
        """Return a small width: what does not fit is shortened."""
        return QSize(px(240), super().minimumSizeHint().height())

    def _compact(self) -> None:
        if self._compacting:  # showing a widget lays out the line at once
            return
        self._compacting = True
        for level in range(_LEVELS):
            self._level = level
            self._show_words(level)
            if not self._lacks_room():
                break
        self._compacting = False

    def _lacks_room(self) -> bool:
        self._switch.invalidate()  # a change of a widget invalidates only the layout that it is in
        self._row.invalidate()
        return self._row.minimumSize().width() > self.width()

    def _show_words(self, level: int) -> None:
        """Show texts beside the icons; each level has fewer of them, the last one has none."""
        beside, alone = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        for number, button in enumerate((*self.views.buttons(), self.cards)):
            assert isinstance(button, QToolButton)
            button.setToolButtonStyle(beside if level < (2 if number < 2 else 1) else alone)
        self.save.setText("Save as…" if level < 3 else "")
        for action, verb in ((self.inspect, "Inspect"), (self.export, "Export")):
            action.setAccessibleName(f"{verb} {self._what}")
            action.setText(f"{verb} {self._what}" if level < 4 else "")
        self.why.setText("Why?" if level < 4 else "")
        self.why.setAccessibleName("Why?")
        room = px(280) if level < 3 else px(120)
        words = self.pair.fontMetrics().elidedText(self.pair_words, Qt.TextElideMode.ElideMiddle, room)
        self.pair.setText(label_text(words))
        self.count.setVisible(level < 5)
        self.kind.setMinimumWidth(0 if level < _LEVELS - 1 else px(90))  # 0: as wide as its longest text

    def _fit(self) -> None:
        self.search.setMinimumWidth(px(90))
        self.search.setMaximumWidth(px(240))
        self.count.setFont(number_font("body"))
        self._compact()
