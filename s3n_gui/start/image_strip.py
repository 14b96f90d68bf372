"""The recent images in one line: as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.appearance.wording import tip_text
from s3n_gui.start.thumbnail_row import ThumbnailRow
from s3n_gui.state.recent import RecentItem
from s3n_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from s3n_gui.background.thumbnails import ThumbnailLoader

_PICTURE = (112, 84)  # pixels
_PADDING = 4


class ImageStrip(QFrame):
    """A titled line of thumbnails; a press opens the image.

    Signals:
        chosen: The ``Path`` of an image.
    """

    chosen = Signal(object)

    def __init__(self, loader: Callable[[], ThumbnailLoader], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Recent images")
        self._loader = loader
        self._shown: tuple[Path, ...] = ()
        self.buttons: list[_ImageButton] = []
        title = QLabel("Images")
        title.setProperty("role", "section")
        self._row = QHBoxLayout()
        self._row.setSpacing(INSIDE_GROUP)
        self._row.setContentsMargins(-_PADDING, 0, 0, 0)  # aligns the first image with the title
        self._row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, 12, PAGE_MARGIN, 12)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(title)
        column.addLayout(self._row)
        theme().changed.connect(self._fit)

    def show_items(self, items: Sequence[RecentItem]) -> None:
        """Show these images, the first ones first; without any the strip is hidden."""
        items = [item for item in items if item.exists]
        self.setVisible(bool(items))
        paths = tuple(item.path for item in items)
        if paths == self._shown:
            return
        self._shown = paths
        for button in self.buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = [_ImageButton(item, self._loader) for item in items]
        for place, button in enumerate(self.buttons):
            button.chosen.connect(self.chosen)
            self._row.insertWidget(place, button)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Return room for two images; the others are hidden if there is no more."""
        return QSize(2 * px(_PICTURE[0] + 24), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many images as fit."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = px(_PICTURE[0]) + 2 * _PADDING + INSIDE_GROUP
        room = self.width() - 2 * PAGE_MARGIN + INSIDE_GROUP
        for place, button in enumerate(self.buttons):
            button.setVisible((place + 1) * width <= room)


class _ImageButton(QPushButton):
    """One thumbnail with the name below it."""

    chosen = Signal(object)

    def __init__(self, item: RecentItem, loader: Callable[[], ThumbnailLoader]) -> None:
        super().__init__()
        self._path = item.path
        self.setProperty("role", "row")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{item.path.name}, {item.detail}".removesuffix(", "))
        self.setToolTip(tip_text(str(item.path)))
        name = ElidedLabel(item.path.name, name=True)
        name.setProperty("role", "caption")
        name.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        column = QVBoxLayout(self)
        column.setContentsMargins(_PADDING, _PADDING, _PADDING, _PADDING)
        column.setSpacing(SPACE)
        column.addWidget(ThumbnailRow(loader(), [item.path], "image", _PICTURE))
        column.addWidget(name)
        self.clicked.connect(self._on_clicked)
        theme().changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """Return the size of the thumbnail and its name."""
        return QSize(px(_PICTURE[0]) + 2 * _PADDING, px(_PICTURE[1]) + px(18) + SPACE + 2 * _PADDING)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._path)
