"""A card with the recent items of one kind; clicking a row opens its item again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.appearance.theme import px, set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE, State
from s3n_gui.appearance.wording import tip_text
from s3n_gui.start.thumbnail_row import ThumbnailRow
from s3n_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from s3n_gui.background.thumbnails import ThumbnailLoader

_HEIGHT, _HEIGHT_WITH_PICTURES = 46, 58
_PICTURES = (60, 46)  # pixels


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the card.

    Attributes:
        path: The path that it opens.
        title: The name of the item.
        detail: The line below the title.
        moment: When it was opened, as text.
        icon: Name of its icon.
        removable: Whether it can be removed from the list; its files stay.
        pictures: Images that are shown instead of the icon; may be empty.
        state: "good", "caution" or "bad": the colour of the icon; "" for the text's.
    """

    path: Path
    title: str
    detail: str
    moment: str
    icon: str
    removable: bool = True
    pictures: tuple[Path, ...] = ()
    state: State | Literal[""] = ""


class RecentCard(QFrame):
    """A titled list of rows.

    Signals:
        chosen: The ``Path`` of the row that was clicked.
        remove_asked: The ``Path`` of a row to remove from the list.
    """

    chosen = Signal(object)
    remove_asked = Signal(object)

    def __init__(
        self, title: str, empty: str, loader: Callable[[], ThumbnailLoader], parent: QWidget | None = None
    ) -> None:
        """Create an empty card.

        Args:
            title: Its heading.
            empty: The text that is shown while it is empty.
            loader: Reads the images of the rows.
            parent: The widget that owns it.
        """
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName(title)
        self._rows: tuple[Row, ...] = ()
        self._loader = loader
        heading = QLabel(title)
        heading.setProperty("role", "section")
        self._empty = QLabel(empty)
        self._empty.setProperty("role", "quiet")
        self._empty.setWordWrap(True)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(INSIDE_GROUP, 0, INSIDE_GROUP, INSIDE_GROUP)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area = area
        top = QVBoxLayout()
        top.setContentsMargins(PAGE_MARGIN, 12, PAGE_MARGIN, 4)
        top.setSpacing(SPACE)
        top.addWidget(heading)
        top.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(area, 1)
        column.addStretch(0)  # keeps the text at the top while the list is hidden

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows; does nothing if they are already shown."""
        rows = tuple(rows)
        self._empty.setVisible(not rows)
        self._area.setVisible(bool(rows))
        if rows == self._rows:
            return
        self._rows = rows
        while self._column.count() > 1:
            item = self._column.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for index, row in enumerate(rows):
            button = _RowButton(row, self._loader)
            button.chosen.connect(self.chosen)
            button.remove_asked.connect(self.remove_asked)
            self._column.insertWidget(index, button)

    def row_buttons(self) -> list[QPushButton]:
        """Return the buttons of the rows, from the top."""
        items = (self._column.itemAt(index) for index in range(self._column.count() - 1))
        widgets = (item.widget() for item in items if item is not None)
        return [widget for widget in widgets if isinstance(widget, QPushButton)]


class _RowButton(QPushButton):
    """One row: icon, title over detail, and time."""

    chosen = Signal(object)
    remove_asked = Signal(object)

    def __init__(self, row: Row, loader: Callable[[], ThumbnailLoader]) -> None:
        super().__init__()
        self.row = row
        self.setProperty("role", "row")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setToolTip(tip_text(str(row.path)))
        self.setAccessibleName(f"{row.title}, {row.detail}, {row.moment}")
        icon: QWidget
        if row.pictures:
            icon = ThumbnailRow(loader(), row.pictures, row.icon, _PICTURES)
        else:
            icon = QLabel()
            set_icon(icon, row.icon, 20, colour=getattr(tokens(), row.state) if row.state else None)
        title, detail = ElidedLabel(row.title, name=True), ElidedLabel(row.detail)
        detail.setProperty("role", "caption")
        moment = QLabel(row.moment)
        moment.setProperty("role", "caption")
        words = QVBoxLayout()
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(title)
        if row.detail:
            words.addWidget(detail)
        words.addStretch(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(INSIDE_GROUP, 0, INSIDE_GROUP, 0)
        line.setSpacing(INSIDE_GROUP + 2)
        line.addWidget(icon)
        line.addLayout(words, 1)
        line.addWidget(moment, 0, Qt.AlignmentFlag.AlignVCenter)
        for label in (icon, title, detail, moment):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        if row.removable:
            self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            self.customContextMenuRequested.connect(self._show_menu)
        self.clicked.connect(self._on_clicked)
        theme().changed.connect(self._fit)
        self._fit()

    def sizeHint(self) -> QSize:
        """Return a size for two lines."""
        return QSize(super().sizeHint().width(), self._height())

    def _height(self) -> int:
        return px(_HEIGHT_WITH_PICTURES if self.row.pictures else _HEIGHT)

    def _fit(self) -> None:
        # The style sheet's minimum for buttons is lower, and wins over a height that is set in any other way.
        self.setStyleSheet(f"QPushButton {{ min-height: {self._height() - 2}px; }}")
        self.updateGeometry()

    def _show_menu(self) -> None:
        menu = QMenu(self)
        action = menu.addAction("Remove from this list")
        action.triggered.connect(self._on_remove)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.mapToGlobal(self.rect().center()))

    def _on_clicked(self) -> None:
        self.chosen.emit(self.row.path)

    def _on_remove(self) -> None:
        self.remove_asked.emit(self.row.path)
