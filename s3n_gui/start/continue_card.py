"""The card that restores where the user left off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.appearance.wording import ago_text, tip_text
from s3n_gui.start.thumbnail_row import ThumbnailRow
from s3n_gui.state.last_place import LastPlace
from s3n_gui.state.opening import data_set_title, model_title
from s3n_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from s3n_gui.background.thumbnails import ThumbnailLoader

_PICTURE = (176, 148)  # pixels


class ContinueCard(QFrame):
    """Shows the last data set, run, model, image and page.

    Signals:
        chosen: The button was pressed.
    """

    chosen = Signal()

    def __init__(self, place: LastPlace, page: str, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        """Create the card.

        Args:
            place: Where the user left off.
            page: The title of the last page.
            loader: Reads the image.
            parent: The widget that owns it.
        """
        super().__init__(parent)
        self.setProperty("role", "card")
        self.place, self._page = place, page
        title = QLabel("Continue where you left off")
        title.setProperty("role", "section")
        title.setWordWrap(True)
        self._moment = ElidedLabel()
        self._moment.setProperty("role", "caption")
        lines = [
            (icon, text)
            for icon, text in (
                ("folder", "" if place.data is None else data_set_title(place.data)),
                ("run", "" if place.run in (None, place.model) else place.run.name),  # the model may be the run's best
                ("model", "" if place.model is None else model_title(place.model)),
                ("image", "" if place.image is None else place.image.name),
            )
            if text
        ]
        self.button = QPushButton("Continue")
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self.chosen)
        words = [text for _, text in lines]
        self.button.setToolTip(tip_text(f"Open {', '.join(words)} on the page {page}"))
        self.button.setAccessibleName(f"Continue where you left off: {', '.join(words)}, page {page}")
        column = QVBoxLayout()
        column.setSpacing(SPACE)
        column.addStretch(1)
        column.addWidget(title)
        column.addWidget(self._moment)
        column.addSpacing(SPACE)
        for name, text in lines:
            column.addLayout(_line(name, text))
        column.addSpacing(INSIDE_GROUP)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, PAGE_MARGIN, 12)
        row.setSpacing(PAGE_MARGIN)
        if place.image is not None:
            row.addWidget(ThumbnailRow(loader, [place.image], "image", _PICTURE))
        row.addLayout(column, 1)
        theme().changed.connect(self._fit)
        self._fit()
        self.show_time()

    def show_time(self) -> None:
        """Show how long ago it was."""
        self._moment.setText(f"{self._page} · {ago_text(self.place.moment)}")

    def _fit(self) -> None:
        self.setMinimumHeight(px(172))
        self.setMaximumHeight(px(260))


def _line(icon: str, text: str) -> QHBoxLayout:
    mark = QLabel()
    set_icon(mark, icon)
    label = ElidedLabel(text, name=True)
    label.setToolTip(tip_text(text))
    row = QHBoxLayout()
    row.setSpacing(INSIDE_GROUP)
    row.addWidget(mark)
    row.addWidget(label, 1)
    return row
