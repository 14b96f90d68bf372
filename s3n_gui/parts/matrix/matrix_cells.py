"""The cells: classes in rows, parts in columns, painted; a click opens one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.number_text import signed_decimals
from s3n_core.parts.comparison.class_effects import ClassEffects
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import font, number_font, px, theme, tokens
from s3n_gui.appearance.tokens import mixed
from s3n_gui.appearance.wording import percent_text, tip_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.crop import paint_crop
from s3n_gui.parts.part_names import part_name
from s3n_gui.widgets.part_swatch import SIDE, draw_swatch

Kind = Literal["contribution", "found", "effect"]
_REST = "elsewhere"
STRONGEST = 0.5
"""How much of the full colour the largest value has, so that its number can be read."""
_CENTRE = Qt.AlignmentFlag.AlignCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_ARROWS = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}


class MatrixCells(QAbstractScrollArea):
    """The matrix. The last column is what is read elsewhere.

    Signals:
        opened: A class, and the number of a part; -1 for the last column.
        pointed_part: The number of a part whose heading was clicked, or reached with the keys and chosen with Enter.
    """

    opened = Signal(str, int)
    pointed_part = Signal(int)

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._content: AtlasContent | None = None
        self._kind: Kind = "contribution"
        self._effects: ClassEffects | None = None
        self._part = -1
        self._at: tuple[int, int] = (0, 0)  # the cell that the keys have reached; row -1: the heading of the column
        self._over: tuple[int, int] | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Classes by parts")
        self.viewport().setMouseTracking(True)
        thumbnails.ready.connect(self._on_thumbnail)
        theme().changed.connect(self._fit)

    # -- content -----------------------------------------------------------------------------------------------------------

    def show_content(self, content: AtlasContent | None) -> None:
        """Show another atlas, or the same after an edit."""
        self._content = content
        self._at, self._over = (0, 0), None
        self._fit()

    def show_effects(self, effects: ClassEffects | None) -> None:
        """Show what hiding each part costs each class; None: it is not known, or not read yet."""
        self._effects = effects
        self.viewport().update()

    def show_kind(self, kind: Kind) -> None:
        """Show contributions, in how many images parts are found, or what hiding them costs."""
        self._kind = kind
        self._fit()

    def select_part(self, part: int) -> None:
        """Mark the column of a part; -1: none."""
        self._part = part
        self.viewport().update()

    @property
    def columns(self) -> int:
        """The number of columns, that of the rest included where it is shown."""
        if self._content is None:
            return 0
        return len(self._content.matrix.parts) + (self._kind == "contribution")

    def heading_of(self, column: int) -> QRect:
        """Return where a column's heading is in the viewport."""
        cell = self._cell(0, column)
        return QRect(cell.left(), 0, cell.width(), self._head)

    def text_of(self, row: int, column: int) -> str:
        """Return the number in a cell."""
        assert self._content is not None
        matrix = self._content.matrix
        if self._kind == "found":
            return f"{int(matrix.found[row, column]):,}" if matrix.found[row, column] else ""
        if self._kind == "effect":
            effect = self._effect(row, column)
            return "" if effect is None else signed_decimals(effect)
        value = float(matrix.rest[row] if column == len(matrix.parts) else matrix.contributions[row, column])
        return "" if abs(value) < 0.005 else signed_decimals(value)

    def words_of(self, row: int, column: int) -> str:
        """Return the description of a cell."""
        assert self._content is not None
        content, matrix = self._content, self._content.matrix
        name, images = displayed_class(matrix.classes[row]), int(matrix.images[row])
        if column == len(matrix.parts):
            return (
                f"{name}: {signed_decimals(matrix.rest[row])} logits are read elsewhere, at no peak or at hidden parts"
            )
        part = part_name(content.atlas, matrix.parts[column], content.names)
        if self._kind == "effect":
            return self._effect_words(name, part, row, column)
        if matrix.parts[column] in content.without_peaks:
            return f"{name}: {part} has no peak in any image; it holds drawn cells only"
        value, share = float(matrix.contributions[row, column]), float(matrix.shares[row, column])
        found = f"{name}: {part} found in {int(matrix.found[row, column]):,} of {images:,} images"
        of_all = f"{percent_text(share)} of the sum of absolute values, the rest included"
        return f"{found}; contributes {signed_decimals(value)} logits, {of_all}"

    def _heading_words(self, column: int) -> str:
        """Return the description of a part's heading."""
        assert self._content is not None
        content = self._content
        return f"{part_name(content.atlas, content.matrix.parts[column], content.names)}: Enter selects the part"

    def is_shown(self, row: int, column: int) -> bool:
        """Return whether hiding the part of a cell was shown to cost more than random patches."""
        known = self._effects is not None and self._effect(row, column) is not None
        return known and bool(self._effects.beats_random[row, column])  # type: ignore[union-attr]

    def _effect(self, row: int, column: int) -> float | None:
        """Return what hiding the part of a cell costs; None where it is not measured."""
        found = self._effects
        if found is None or column >= found.effects.shape[1] or not np.isfinite(found.effects[row, column]):
            return None
        return float(found.effects[row, column])

    def _effect_words(self, name: str, part: str, row: int, column: int) -> str:
        found, effect = self._effects, self._effect(row, column)
        if found is None or effect is None:
            if found is not None and found.measured[row]:
                return f"{name}: {part} was hidden in no image"
            since = " since the parts were edited" if found is not None and found.outdated[row] else ""
            return f"{name}: not measured{since}; Measure hides each part in every image of the class"
        costs = f"hiding {part} costs {signed_decimals(effect)} logits more"
        words = f"{name}: {costs} than hiding random patches of the same size"
        if np.isfinite(found.low[row, column]):
            low, high = (signed_decimals(float(ends[row, column])) for ends in (found.low, found.high))
            words += f" (95 % interval {low} to {high})"
        changed, of = int(found.changed[row, column]), int(found.hidden[row, column])
        words += (
            f"; it changes {changed:,} of {of:,} predictions, a random patch {found.changed_random[row, column]:.1f}"
        )
        if not np.isfinite(found.low[row, column]):
            return f"{words}. Too few images to show that it matters"
        return words if self.is_shown(row, column) else f"{words}. Not shown to matter"

    # -- Qt ----------------------------------------------------------------------------------------------------------------

    def minimumSizeHint(self) -> QSize:
        """Return a small size: what does not fit scrolls."""
        return QSize(px(300), px(140))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Set the ranges of the scroll bars."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible cells and both headings."""
        content = self._content
        if content is None:
            return
        painter, colours = QPainter(self.viewport()), tokens()
        painter.fillRect(self.viewport().rect(), QColor(colours.card))
        painter.setFont(number_font("body"))
        values = content.matrix.contributions
        if self._kind == "effect" and self._effects is not None:
            values = np.nan_to_num(self._effects.effects)
        largest = float(np.abs(values).max(initial=0))
        for row in range(len(content.matrix.classes)):
            if self._cell(row, 0).bottom() < self._head or self._cell(row, 0).top() > self.viewport().height():
                continue
            for column in range(self.columns):
                self._paint_cell(painter, content, row, column, largest)
        self._paint_names(painter, content)
        self._paint_parts(painter, content)
        painter.end()

    def viewportEvent(self, event: QEvent) -> bool:
        """Track the mouse, and describe the cell under it."""
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._point(self._hit(event.position().toPoint()))
        elif event.type() == QEvent.Type.Leave:
            self._point(None)
        elif event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            hit = self._hit(event.pos())
            if hit is not None:
                QToolTip.showText(event.globalPos(), tip_text(self.words_of(*hit)), self.viewport(), self._cell(*hit))
            return True
        handled: bool = super().viewportEvent(event)
        return handled

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open the cell, or select the part, under the mouse."""
        place = event.position().toPoint()
        hit = self._hit(place)
        if hit is not None:
            self._at = hit
            self._open(hit)
        elif self._content is not None and place.y() < self._head:
            for column, part in enumerate(self._content.matrix.parts):
                if self.heading_of(column).contains(place) and place.x() > self._side:
                    self._at = (-1, column)
                    self.pointed_part.emit(part)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor with the arrow keys, up to the headings; Enter opens the cell, or selects the part."""
        step = _ARROWS.get(Qt.Key(event.key()))
        rows = 0 if self._content is None else len(self._content.matrix.classes)
        if not rows or not self.columns:  # images without labels are of no class
            super().keyPressEvent(event)
        elif step is not None:
            assert self._content is not None
            parts = len(self._content.matrix.parts)
            top = -1 if self._at[1] < parts else 0  # nothing can be chosen above the last column
            row = min(max(self._at[0] + step[0], top), rows - 1)
            last = self.columns - 1 if row >= 0 else parts - 1
            self._at = row, min(max(self._at[1] + step[1], 0), last)
            self.setAccessibleDescription(self.words_of(*self._at) if row >= 0 else self._heading_words(self._at[1]))
            self._show(self._cell(max(row, 0), self._at[1]))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._at[0] < 0:
                assert self._content is not None
                self.pointed_part.emit(self._content.matrix.parts[self._at[1]])
            else:
                self._open(self._at)
        else:
            super().keyPressEvent(event)

    # -- painting ----------------------------------------------------------------------------------------------------------

    def _paint_cell(self, painter: QPainter, content: AtlasContent, row: int, column: int, largest: float) -> None:
        matrix, colours, place = content.matrix, tokens(), self._cell(row, column)
        rest = quiet = column == len(matrix.parts)
        if self._kind == "found":
            strength, colour = matrix.found[row, column] / max(matrix.images[row], 1), colours.accent
        elif self._kind == "effect":
            value, shown = self._effect(row, column) or 0.0, self.is_shown(row, column)
            strength, colour = abs(value) / max(largest, 1e-9), colours.accent if shown else colours.strong_border
            quiet = not shown
        else:
            value = 0.0 if rest else float(matrix.contributions[row, column])
            strength, colour = abs(value) / max(largest, 1e-9), colours.favour if value >= 0 else colours.against
        painter.fillRect(place.adjusted(1, 1, 0, 0), QColor(mixed(colours.card, colour, STRONGEST * float(strength))))
        painter.setPen(QColor(colours.quiet if quiet else colours.text))
        painter.drawText(place, _CENTRE, self.text_of(row, column))
        if self._over == (row, column) or (self.hasFocus() and self._at == (row, column)):
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRect(place.adjusted(1, 1, -1, -1))

    def _paint_names(self, painter: QPainter, content: AtlasContent) -> None:
        colours = tokens()
        painter.fillRect(QRect(0, 0, self._side, self.viewport().height()), QColor(colours.card))
        painter.setFont(font("body"))
        painter.setPen(QColor(colours.text))
        metrics = painter.fontMetrics()
        for row, name in enumerate(content.matrix.classes):
            cell = self._cell(row, 0)
            place = QRect(px(12), cell.top(), self._side - px(20), cell.height())
            painter.drawText(
                place, _LEFT, metrics.elidedText(displayed_class(name), Qt.TextElideMode.ElideRight, place.width())
            )

    def _paint_parts(self, painter: QPainter, content: AtlasContent) -> None:
        colours, matrix = tokens(), content.matrix
        painter.fillRect(QRect(0, 0, self.viewport().width(), self._head), QColor(colours.card))
        painter.setClipRect(QRect(self._side, 0, self.viewport().width() - self._side, self._head))
        painter.setFont(font("caption", semibold=True))
        metrics = painter.fontMetrics()
        background = content.atlas.background
        for column in range(self.columns):
            cell = self._cell(0, column)
            part = matrix.parts[column] if column < len(matrix.parts) else -1
            name = _REST if part < 0 else part_name(content.atlas, part, content.names)
            side = px(40)
            crop = content.crops.get(part)
            if crop is not None:
                room = QRectF(cell.center().x() - side / 2, px(8), side, side)
                paint_crop(painter, room, crop, self._thumbnails.image(content.path_of(crop.file)))
            elif part in content.without_peaks:
                painter.setPen(QColor(colours.quiet))
                painter.drawText(QRect(cell.left() + 2, px(8), cell.width() - 4, side), _CENTRE, "no peak")
            quiet = part < 0 or part in background
            painter.setPen(
                QColor(colours.accent if part == self._part and part >= 0 else colours.quiet if quiet else colours.text)
            )
            words = QRect(cell.left() + 2, px(50), cell.width() - 4, px(20))
            if part >= 0:
                pen = painter.pen()
                before = px(SIDE) + px(5)
                text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, words.width() - before)
                left = words.center().x() - (before + metrics.horizontalAdvance(text)) / 2
                colour = part_colour(part, colours, background=part in background)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                words.setLeft(round(draw_swatch(painter, left, words.center().y() + 0.5, colour)))
                painter.setPen(pen)
                painter.drawText(words, _LEFT, text)
            else:
                painter.drawText(words, _CENTRE, name)
            if part == self._part and part >= 0:
                painter.fillRect(QRect(cell.left() + 2, self._head - 3, cell.width() - 4, 2), QColor(colours.accent))
            if self.hasFocus() and self._at == (-1, column):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(colours.accent), 2))
                painter.drawRect(self.heading_of(column).adjusted(1, 1, -1, -2))
        painter.setClipping(False)
        painter.fillRect(QRect(0, self._head - 1, self.viewport().width(), 1), QColor(colours.border))

    # -- places ------------------------------------------------------------------------------------------------------------

    @property
    def _head(self) -> int:
        return px(76)

    @property
    def _side(self) -> int:
        return min(px(200), max(self.viewport().width() // 3, px(90)))

    @property
    def _wide(self) -> int:
        """The width of a cell: at least that of a number, more where there is room."""
        room = self.viewport().width() - self._side
        return min(max(room // max(self.columns, 1), px(84)), px(132))

    def _cell(self, row: int, column: int) -> QRect:
        wide, high = self._wide, px(32)
        left = self._side + column * wide - self.horizontalScrollBar().value()
        return QRect(left, self._head + row * high - self.verticalScrollBar().value(), wide, high)

    def _hit(self, place: QPoint) -> tuple[int, int] | None:
        if self._content is None or place.x() < self._side or place.y() < self._head:
            return None
        first = self._cell(0, 0)
        row, column = (place.y() - first.top()) // first.height(), (place.x() - first.left()) // first.width()
        inside = 0 <= row < len(self._content.matrix.classes) and 0 <= column < self.columns
        return (row, column) if inside else None

    def _fit(self) -> None:
        rows = 0 if self._content is None else len(self._content.matrix.classes)
        columns = self.columns
        for bar, need, room in (
            (self.horizontalScrollBar(), self._side + columns * self._wide, self.viewport().width()),
            (self.verticalScrollBar(), self._head + rows * px(32) + px(8), self.viewport().height()),
        ):
            bar.setRange(0, max(need - room, 0))
            bar.setPageStep(room)
            bar.setSingleStep(px(32))
        self.viewport().update()

    def _show(self, cell: QRect) -> None:
        """Scroll to a cell."""
        for bar, low, high, first, room in (
            (self.horizontalScrollBar(), cell.left(), cell.right(), self._side, self.viewport().width()),
            (self.verticalScrollBar(), cell.top(), cell.bottom(), self._head, self.viewport().height()),
        ):
            if low < first:
                bar.setValue(bar.value() + low - first)
            elif high > room:
                bar.setValue(bar.value() + high - room)
        self.viewport().update()

    def _open(self, cell: tuple[int, int]) -> None:
        assert self._content is not None
        matrix = self._content.matrix
        part = matrix.parts[cell[1]] if cell[1] < len(matrix.parts) else -1
        self.opened.emit(matrix.classes[cell[0]], part)

    def _point(self, cell: tuple[int, int] | None) -> None:
        if cell != self._over:
            self._over = cell
            self.viewport().update()

    def _on_thumbnail(self, path: Path) -> None:
        self.viewport().update()
