"""The card of comments below the curves, each with its icon."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QSpacerItem, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.training.sentences import Saying, Tone

_ICONS: dict[Tone, str] = {"good": "check", "plain": "info", "caution": "caution", "bad": "error"}
_WORDS: dict[Tone, str] = {"good": "Good", "plain": "Note", "caution": "Warning", "bad": "Failed"}
_MARGIN, _BETWEEN = 8, 6
_LEAST_HEIGHT, _LARGEST_HEIGHT, _LOW_HEIGHT = 44, 132, 66
_SCROLL_BAR, _EDGE = 10, 2


def rich_text(text: str) -> str:
    """Return a sentence as Qt rich text; names between backticks are set verbatim."""
    family = "Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    return re.sub(r"`([^`]+)`", rf'<span style="font-family:{family}">\1</span>', html.escape(text))


class WordsCard(QFrame):
    """Shows the comments on the curves.

    It is as high as its sentences, up to a limit, and never cuts one off. While a run is shown it only grows, so that
    the curves above do not jump whenever a sentence comes or goes.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("What the curves say")
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(12, _MARGIN, 12, _MARGIN)
        self._column.setSpacing(_BETWEEN)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 1, 1, 1)
        whole.addWidget(scroll)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._said: tuple[Saying, ...] = ()
        self._rows: list[_Row] = []
        self._height = 0
        self._low = False
        self._gap = QSpacerItem(0, 0)
        self._column.addItem(self._gap)
        theme().changed.connect(self._fit)
        self._fit()

    def show_sayings(self, said: Sequence[Saying]) -> None:
        """Replace the comments."""
        if tuple(said) == self._said:
            return
        self._said = tuple(said)
        for row in self._rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self._rows = [_Row(saying, self) for saying in said]
        for index, row in enumerate(self._rows):
            self._column.insertWidget(index, row)
        self._reserve()

    def forget(self) -> None:
        """Reset the reserved height for another run."""
        self._height = 0

    def set_low(self, low: bool) -> None:
        """Set whether there is little height: then only the first sentences are visible, and the others are scrolled to."""
        if low != self._low:
            self._low = low
            self._height = 0
            self._reserve()
            self.updateGeometry()

    def texts(self) -> list[str]:
        """Return the texts of the comments."""
        return [saying.text for saying in self._said]

    def sizeHint(self) -> QSize:
        """Return the reserved height; the width is flexible."""
        return QSize(px(240), max(self._height, px(_LEAST_HEIGHT)))

    def minimumSizeHint(self) -> QSize:
        """Return the size hint: the card needs its full height."""
        return QSize(px(120), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Recompute the height for the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._height = 0
            self._reserve()

    def _reserve(self) -> None:
        width = self.width() - 2 * (12 + _EDGE)
        count, height = self._room(width)
        if count < len(self._rows):
            height = self._room(width - _SCROLL_BAR)[1]
        if height > self._height:
            self._height = height
            self.updateGeometry()
        seen = self.sizeHint().height()
        count, used = self._room(width - _SCROLL_BAR if count < len(self._rows) else width, seen)
        # If more height is reserved than the visible sentences need, push the next one out of sight.
        self._column.removeItem(self._gap)
        self._gap = QSpacerItem(0, seen - used + _MARGIN if count < len(self._rows) else 0)
        self._column.insertItem(count, self._gap)

    def _room(self, width: int, most: int = 0) -> tuple[int, int]:
        """Return how many sentences fit completely, and the card's height for them, in pixels."""
        count, height = 0, 2 * (_MARGIN + _EDGE) - _BETWEEN
        for row in self._rows:
            further = height + row.height_for(width) + _BETWEEN
            if count and further > (most or px(_LOW_HEIGHT if self._low else _LARGEST_HEIGHT)):
                break
            count, height = count + 1, further
        return count, height

    def _fit(self) -> None:
        self._height = 0
        self._reserve()
        self.updateGeometry()


class _Row(QWidget):
    """An icon and a sentence."""

    def __init__(self, saying: Saying, parent: QWidget) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(INSIDE_GROUP)
        self._mark, self._text = QLabel(self), QLabel(rich_text(saying.text), self)
        colour = {"good": tokens().good, "caution": tokens().caution, "bad": tokens().bad}.get(saying.tone)
        set_icon(self._mark, _ICONS[saying.tone], colour=colour)
        self._mark.setToolTip(_WORDS[saying.tone])
        self._mark.setAccessibleName(_WORDS[saying.tone])
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setAccessibleName(saying.text)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._text, 1)

    def height_for(self, width: int) -> int:
        """Return its height at a width, both in pixels."""
        self._text.ensurePolished()
        return max(self._mark.height(), self._text.heightForWidth(max(60, width - self._mark.width() - INSIDE_GROUP)))
