"""The palette itself: a field and its results, over the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QLineEdit, QListView, QVBoxLayout, QWidget
from shiboken6 import isValid

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, SPACE
from s3n_gui.frame.palette.results import ResultDelegate, ResultModel, spoken
from s3n_gui.frame.palette.sources import PaletteSources

_WIDTH, _TOP, _MARGIN = 640, 56, 16  # pixels
_PAGE_STEPS = 6
_STEPS = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Tab: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Backtab: -1,
    Qt.Key.Key_PageDown: _PAGE_STEPS,
    Qt.Key.Key_PageUp: -_PAGE_STEPS,
}

_ENDS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape})


class Palette(QWidget):
    """Covers the window while it is open: a click outside closes it, as Esc does. The focus returns to where it was."""

    def __init__(self, sources: PaletteSources, window: QWidget) -> None:
        """Create the palette, hidden.

        Args:
            sources: Finds the entries.
            window: The window that it covers.
        """
        super().__init__(window)
        self.setProperty("floats", True)
        self._sources, self._window = sources, window
        self._before: QWidget | None = None
        self.setAccessibleName("Command palette")
        self.panel = QFrame(self)
        self.panel.setObjectName("palettePanel")
        self.field = _Field()
        self.field.setPlaceholderText("Search actions, images, runs and classes")
        self.field.setAccessibleName("Search actions, images, runs and classes")
        self.field.stepped.connect(self._step)
        self.field.chosen.connect(self.choose)
        self.field.left.connect(self.close_palette)
        self.field.textChanged.connect(self._find)
        self.results = ResultModel(self)
        self.list = QListView()
        self.list.setAccessibleName("Results")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setModel(self.results)
        self.list.setItemDelegate(ResultDelegate(self.list))
        self.list.clicked.connect(self._on_clicked)
        self.nothing = QLabel("Nothing matches. Try fewer letters.")
        self.nothing.setProperty("role", "quiet")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        keys = QLabel("↑ ↓ choose    Enter open    Esc close")
        keys.setProperty("role", "caption")
        icon = QLabel()
        set_icon(icon, "search")
        head = QHBoxLayout()
        head.setContentsMargins(14, SPACE, 14, SPACE)
        head.setSpacing(INSIDE_GROUP)
        head.addWidget(icon)
        head.addWidget(self.field, 1)
        line = QFrame()
        line.setProperty("role", "line")
        column = QVBoxLayout(self.panel)
        column.setContentsMargins(0, SPACE, 0, INSIDE_GROUP)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(line)
        column.addWidget(self.list, 1)
        column.addWidget(self.nothing, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(14, SPACE, 14, 0)
        foot.addWidget(keys)
        column.addLayout(foot)
        self.hide()
        sources.changed.connect(self._find)
        theme().changed.connect(self.fit)

    def open(self) -> None:
        """Show the palette with an empty field, or close it if it is open."""
        if self.isVisible():
            self.close_palette()
            return
        self._before = QApplication.focusWidget()
        self._sources.gather()
        self.field.clear()
        self.fit()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)
        self._find()

    def close_palette(self) -> None:
        """Hide the palette; the focus returns to where it was."""
        if self.isHidden():
            return
        before, self._before = self._before, None
        self.hide()
        # The widget may have been deleted meanwhile, as buttons of a job are when it ends.
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    def choose(self) -> None:
        """Close the palette and open the current entry."""
        entry = self.results.entry(self.list.currentIndex().row())
        if entry is not None:
            self.close_palette()  # first: what is opened may move the focus, and actions may depend on it
            self._sources.remember(entry)
            entry.open()

    def _find(self) -> None:
        if self.isHidden():
            return
        groups = self._sources.find(self.field.text())
        self.results.show(groups)
        self.list.setVisible(bool(groups))
        self.nothing.setVisible(not groups)
        self._make_current(self.results.next_entry(-1, 1))
        self.list.scrollToTop()

    def _make_current(self, row: int) -> None:
        self.list.setCurrentIndex(self.results.index(row) if row >= 0 else QModelIndex())
        entry = self.results.entry(row)
        self.field.setAccessibleDescription(spoken(entry) if entry is not None else "Nothing matches")
        if row == 1:
            self.list.scrollToTop()  # with the heading above the first entry

    def _step(self, step: int) -> None:
        row, direction = self.list.currentIndex().row(), 1 if step > 0 else -1
        for _ in range(abs(step)):
            following = self.results.next_entry(row, direction)
            if abs(step) > 1 and (following - row) * direction < 0:
                break  # a whole page stops at the end
            row = following
        self._make_current(row)

    def _on_clicked(self, index: QModelIndex) -> None:
        self.list.setCurrentIndex(index)
        self.choose()

    def fit(self) -> None:
        """Cover the window again after its size has changed."""
        window = self._window.size()
        self.resize(window)
        width = min(px(_WIDTH), window.width() - 2 * _MARGIN)
        height = min(px(460), window.height() - _TOP - _MARGIN)
        self.panel.setGeometry((window.width() - width) // 2, _TOP, width, height)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close on a click outside the panel."""
        if not self.panel.geometry().contains(event.position().toPoint()):
            self.close_palette()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dim the window a little."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 60))
        painter.end()


class _Field(QLineEdit):
    """The field: keys that do not edit its text move in the results, before any shortcut of the window.

    Signals:
        stepped: By how many entries to move.
        chosen: Enter was pressed.
        left: Esc was pressed.
    """

    stepped = Signal(int)
    chosen = Signal()
    left = Signal()

    def event(self, event: QEvent) -> bool:
        """Claim the keys that would otherwise be shortcuts, and Tab, which would move the focus."""
        if isinstance(event, QKeyEvent) and (event.key() in _STEPS or event.key() in _ENDS):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self.keyPressEvent(event)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, choose or leave; other keys edit the text."""
        key = Qt.Key(event.key())
        if key in _STEPS:
            self.stepped.emit(_STEPS[key])
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key in _ENDS:
            self.chosen.emit()
        else:
            super().keyPressEvent(event)
