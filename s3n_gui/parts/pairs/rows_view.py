"""The rows of the parts: name, bars and crops, painted; moved through with the keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QLineEdit, QToolTip, QWidget

from s3n_core.inspection.number_text import number_text, signed_decimals, signed_percent
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import font, number_font, px, theme, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf, paint_crop
from s3n_gui.parts.crops.crop_drag import DropState, paint_drop
from s3n_gui.parts.pairs.bars import paint_found, paint_measure, side_colour
from s3n_gui.parts.pairs.part_row import PartRow
from s3n_gui.parts.pairs.row_layout import Placed, RowLayout
from s3n_gui.parts.part_names import bare_name
from s3n_gui.widgets.part_swatch import SIDE, draw_swatch

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_TITLES = ("Part", "Found in", "Read there", "Hiding it changes")
_TIPS = (
    "The part's name; press F2 or double-click to change it",
    "In how many images of each class the part is found",
    "What the part contributes to the difference between the classes, as a share of the sum of all absolute contributions\n"
    "(the rows below the parts included), with its 95 % interval. It says where the difference is read, not what is relied on",
    "In how many images the predicted class changes when the part is hidden, and for a random patch of the same size.\n"
    "The bar is the loss of the margin beyond that of random patches, with its 95 % interval; the grey tick is a random patch",
)


class RowsView(QAbstractScrollArea):
    """The rows.

    Signals:
        selected: The current row is that of another part; its number, -1 for none.
        rename_asked: A part's number and its new name.
        pointed: The `Crop` under the mouse and its rectangle in this widget; None where there is none.
        large_asked: Show a `Crop`'s photograph large.
        opened: Inspect a `Crop`'s image.
    """

    selected = Signal(int)
    rename_asked = Signal(int, str)
    pointed = Signal(object, QRect)
    large_asked = Signal(object)
    opened = Signal(object)

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails, self._path_of = thumbnails, path_of
        self.rows: tuple[PartRow, ...] = ()
        self._layout = RowLayout((), 1)
        self._current, self._at = -1, (0, 0)
        self._over: tuple[int, int, int] | None = None
        self._drop: DropState | None = None
        self._bounds = ((0.0, 1.0), (0.0, 1.0))
        self._editor = _NameField(self.viewport())
        self._editor.setAccessibleName("Name of the part")
        self._editor.hide()
        self._editor.editingFinished.connect(self._on_named)
        self._renamed = -1
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Parts of the two classes")
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.failed.connect(self._on_thumbnail)
        thumbnails.outdated.connect(self.viewport().update)
        theme().changed.connect(self._fit)

    # -- content -----------------------------------------------------------------------------------------------------------

    def show_rows(self, rows: Sequence[PartRow]) -> None:
        """Show other rows; the part that was current stays current, if it is there."""
        part, renamed = self.current_part, self._renamed
        self.rows = tuple(rows)
        self._bounds = _bounds(self.rows)
        self._over = None
        self._current = self._renamed = -1  # the field waits until its row has been scrolled to
        self._fit()
        self.select_part(part)
        self._renamed = renamed
        self._place_editor()

    @property
    def current_part(self) -> int:
        """The number of the current part; -1 without one."""
        return self.rows[self._current].part if 0 <= self._current < len(self.rows) else -1

    @property
    def current_row(self) -> PartRow | None:
        """The current row."""
        return self.rows[self._current] if 0 <= self._current < len(self.rows) else None

    @property
    def current_crop(self) -> Crop | None:
        """The crop that the keys have reached."""
        row = self.current_row
        return None if row is None else _crop(row, *self._at)

    def current_place(self) -> tuple[Crop, QRect] | None:
        """Return the crop that the keys have reached, and where it is in the viewport; None without one."""
        crop = self.current_crop
        return None if crop is None else (crop, self._layout.crop_place(self._shown(self._current), *self._at))

    def crop_at(self, place: QPoint) -> Crop | None:
        """Return the crop at a place of the viewport; None beside all crops."""
        hit = self._hit(place)
        return None if hit is None else _crop(self.rows[hit[0]], *hit[1:])

    def part_at(self, place: QPoint) -> int:
        """Return the part whose row is at a place of the viewport; -1 for none."""
        hit = self._hit(place)
        return -1 if hit is None else self.rows[hit[0]].part

    def show_drop(self, state: DropState | None) -> None:
        """Show which parts the crop that is dragged can be dropped on; None: none is dragged."""
        self._drop = state
        self.viewport().update()

    def select_part(self, part: int) -> None:
        """Make a part's row the current one, without a signal."""
        found = next((index for index, row in enumerate(self.rows) if row.part == part and part >= 0), -1)
        if found != self._current:
            self._current, self._at = found, (0, 0)
            self._show_current()

    def step(self, step: int) -> None:
        """Go to the next row (1) or the previous one (-1)."""
        parts = [index for index, row in enumerate(self.rows) if row.part >= 0]
        if not parts:
            return
        place = parts.index(self._current) + step if self._current in parts else 0 if step > 0 else len(parts) - 1
        self._go(parts[min(max(place, 0), len(parts) - 1)])

    def step_crop(self, step: int) -> None:
        """Go to the next crop of the current row (1) or the previous one (-1)."""
        row = self.current_row
        if row is None:
            return
        places = [(0, number) for number in range(len(row.crops_a))] + [
            (1, number) for number in range(len(row.crops_b))
        ]
        if places:
            now = places.index(self._at) if self._at in places else 0
            self._at = places[min(max(now + step, 0), len(places) - 1)]
            self.viewport().update()

    def rename(self) -> None:
        """Let the user name the current part, in its row."""
        row = self.current_row
        if row is None or row.part < 0:
            return
        self._show_current()
        self._renamed = row.part
        self._editor.setText(bare_name(row.name))
        self._editor.show()
        self._editor.selectAll()
        self._editor.setFocus()
        self._place_editor()

    def crops_shown(self) -> list[tuple[Crop, QRect]]:
        """Return the crops that are at least partly visible, and where they are in the viewport."""
        return [
            (crop, self._layout.crop_place(self._shown(placed.row), side, number))
            for placed in self._visible()
            if placed.row >= 0
            for side, crops in enumerate((self.rows[placed.row].crops_a, self.rows[placed.row].crops_b))
            for number, crop in enumerate(crops)
        ]

    def is_ready(self) -> bool:
        """Return whether all visible crops are loaded."""
        return all(self._thumbnails.is_settled(self._path_of(crop.file)) for crop, _ in self.crops_shown())

    # -- Qt ----------------------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Return a preferred size."""
        return QSize(px(760), px(400))

    def minimumSizeHint(self) -> QSize:
        """Return a size at which bars can be read."""
        return QSize(px(460), px(110))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out the rows anew."""
        super().resizeEvent(event)
        self._fit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move the rows, and the field that is over one."""
        super().scrollContentsBy(dx, dy)
        self._place_editor()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible rows, and the titles above them."""
        painter = QPainter(self.viewport())
        for placed in self._visible():
            if placed.row < 0:
                self._paint_heading(painter, placed)
            else:
                self._paint_row(painter, placed.row)
        self._paint_titles(painter)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move through rows and crops."""
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.step(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.step_crop(1 if key == Qt.Key.Key_Right else -1)
        elif key == Qt.Key.Key_Space and self.current_crop is not None:
            self.large_asked.emit(self.current_crop)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current_crop is not None:
            self.opened.emit(self.current_crop)
        elif key == Qt.Key.Key_F2:
            self.rename()
        elif key == Qt.Key.Key_Escape and self._editor.isVisible():
            self._renamed = -1  # leaving the field would take the name over
            self._editor.hide()
            self.setFocus()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the row, and the crop, under the mouse."""
        hit = self._hit(event.position().toPoint())
        if hit is not None and self.rows[hit[0]].part >= 0:
            self._go(hit[0])
            if hit[2] >= 0:
                self._at = hit[1:]
                self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Inspect the crop under the mouse, or name the part."""
        place = event.position().toPoint()
        hit = self._hit(place)
        if hit is None:
            return
        crop = _crop(self.rows[hit[0]], *hit[1:])
        if crop is not None:
            self.opened.emit(crop)
        elif self._layout.blocks(self._shown(hit[0]))[0].contains(place):
            self.rename()

    def viewportEvent(self, event: QEvent) -> bool:
        """Track the mouse, and explain the titles."""
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._point(event.position().toPoint())
        elif event.type() == QEvent.Type.Leave:
            self._point(QPoint(-1, -1))
        elif event.type() == QEvent.Type.ToolTip:
            place = self.viewport().mapFromGlobal(event.globalPos())  # type: ignore[attr-defined]
            if place.y() < self._head:
                for tip, column in zip(_TIPS, self._layout.columns(0, self._head), strict=True):
                    if column.contains(place):
                        QToolTip.showText(event.globalPos(), tip, self.viewport())  # type: ignore[attr-defined]
            return True
        handled: bool = super().viewportEvent(event)
        return handled

    # -- painting ----------------------------------------------------------------------------------------------------------

    def _paint_titles(self, painter: QPainter) -> None:
        colours = tokens()
        painter.fillRect(QRect(0, 0, self._layout.width, self._head), QColor(colours.card))
        painter.setFont(font("caption", semibold=True))
        painter.setPen(QColor(colours.quiet))
        for title, column in zip(_TITLES, self._layout.columns(0, self._head), strict=True):
            text = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, column.width())
            painter.drawText(column, _LEFT, text)
        painter.fillRect(QRect(0, self._head - 1, self._layout.width, 1), QColor(colours.border))

    def _paint_heading(self, painter: QPainter, placed: Placed) -> None:
        place = QRect(px(12), placed.top + self._shift, self._layout.width - 2 * px(12), placed.height)
        painter.setFont(font("caption", semibold=True))
        painter.setPen(QColor(tokens().quiet))
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, placed.heading)

    def _paint_row(self, painter: QPainter, index: int) -> None:
        row, place, colours = self.rows[index], self._shown(index), tokens()
        if index == self._current:
            painter.fillRect(place, QColor(colours.selection))
            painter.fillRect(QRect(place.left(), place.top(), 3, place.height()), QColor(colours.accent))
        elif self._over is not None and self._over[0] == index:
            painter.fillRect(place, QColor(colours.hover))
        quiet = row.kind in ("not shown", "rest")
        name, found, share, effect = self._layout.blocks(place)
        self._paint_name(painter, row, name, quiet=quiet)
        if row.found is not None:
            paint_found(painter, found, row.found, row.images)
        grey = QColor(colours.strong_border)
        if row.share is not None:
            colour = grey if quiet else side_colour(0) if row.share >= 0 else side_colour(1)
            paint_measure(
                painter, share, share_text(row), row.share, row.share_interval, self._bounds[0], colour=colour
            )
        if row.effect is not None:
            colour = side_colour(0) if row.kind == "matters" else grey
            if row.kind == "background" and row.effect_interval is not None and row.effect_interval[0] > 0:
                colour = QColor(colours.caution)
            paint_measure(
                painter,
                effect,
                effect_text(row),
                row.effect,
                row.effect_interval,
                self._bounds[1],
                colour=colour,
                control=True,
            )
        self._paint_crops(painter, index, place, opacity=0.7 if quiet else 1.0)
        painter.fillRect(QRect(place.left(), place.bottom(), place.width(), 1), QColor(colours.border))
        paint_drop(painter, place, self._drop, row.part)

    def _paint_name(self, painter: QPainter, row: PartRow, place: QRect, *, quiet: bool) -> None:
        colours, half = tokens(), place.height() // 2
        bold: QFont = font("body", semibold=row.part >= 0)
        painter.setFont(bold)
        painter.setPen(QColor(colours.quiet if quiet else colours.text))
        lines = QRect(place.left(), place.top(), place.width(), half if row.caption else place.height())
        room = px(SIDE) + px(5)
        if row.part >= 0:
            colour = part_colour(row.part, colours, background=row.kind == "background")
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            draw_swatch(painter, lines.left(), lines.center().y() + 0.5, colour)
            painter.restore()
        lines.adjust(room, 0, 0, 0)
        elided = painter.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideRight, lines.width())
        painter.drawText(lines, _LEFT, elided)
        if row.caption:
            painter.setFont(number_font("caption"))
            painter.setPen(QColor(colours.quiet))
            elided = painter.fontMetrics().elidedText(row.caption, Qt.TextElideMode.ElideRight, lines.width())
            painter.drawText(QRect(lines.left(), place.top() + half, lines.width(), half), _LEFT, elided)

    def _paint_crops(self, painter: QPainter, index: int, place: QRect, *, opacity: float) -> None:
        row, colours = self.rows[index], tokens()
        if not row.crops_a and not row.crops_b:
            return
        painter.setFont(font("caption", semibold=True))
        for side, crops in enumerate((row.crops_a, row.crops_b)):
            painter.setPen(QColor(colours.quiet))
            painter.drawText(self._layout.letter_place(place, side), _LEFT, "AB"[side])
            if not crops:
                room = self._layout.crop_place(place, side, 0)
                room.setWidth(6 * self._layout.crop)
                painter.drawText(room, _LEFT, "no peak in this class")
            for number, crop in enumerate(crops):
                room = self._layout.crop_place(place, side, number)
                image = self._thumbnails.image(self._path_of(crop.file))
                paint_crop(painter, QRectF(room), crop, image, opacity=opacity)
                marked = self._over == (index, side, number)
                current = index == self._current and self._at == (side, number) and self.hasFocus()
                if marked or current:
                    painter.setPen(QPen(QColor(colours.accent), 2))
                    painter.drawRoundedRect(room.adjusted(1, 1, -1, -1), 4, 4)

    # -- places ------------------------------------------------------------------------------------------------------------

    @property
    def _head(self) -> int:
        return px(26)

    @property
    def _shift(self) -> int:
        """Where the rows begin in the viewport."""
        return self._head - self.verticalScrollBar().value()

    def _shown(self, index: int) -> QRect:
        return self._layout.of_row(index).translated(0, self._shift)

    def _visible(self) -> list[Placed]:
        return self._layout.rows_between(self._head - self._shift, self.viewport().height() - self._shift)

    def _hit(self, place: QPoint) -> tuple[int, int, int] | None:
        """Return row, side and crop at a place; crop -1 beside all crops; None beside all rows."""
        if place.y() < self._head:
            return None
        for placed in self._visible():
            shown = self._shown(placed.row) if placed.row >= 0 else QRect()
            if not shown.contains(place):
                continue
            row = self.rows[placed.row]
            for side, crops in enumerate((row.crops_a, row.crops_b)):
                for number in range(len(crops)):
                    if self._layout.crop_place(shown, side, number).contains(place):
                        return placed.row, side, number
            return placed.row, 0, -1
        return None

    def _fit(self) -> None:
        room = self.viewport().width()
        self._layout = RowLayout(self.rows, max(room, 1))
        bar = self.verticalScrollBar()
        bar.setRange(0, max(self._layout.height + self._head - self.viewport().height(), 0))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(px(40))
        self._place_editor()
        self.viewport().update()

    # -- selection ---------------------------------------------------------------------------------------------------------

    def _go(self, index: int) -> None:
        if index != self._current:
            self._current, self._at = index, (0, 0)
            self._show_current()
            self.selected.emit(self.current_part)

    def _show_current(self) -> None:
        if self._current >= 0:
            place, bar = self._layout.of_row(self._current), self.verticalScrollBar()
            room = self.viewport().height() - self._head
            if place.top() < bar.value():
                bar.setValue(place.top())
            elif place.bottom() > bar.value() + room:
                bar.setValue(min(place.bottom() - room + 1, place.top()))
            self.setAccessibleDescription(_described(self.rows[self._current]))
        self.viewport().update()

    def _point(self, place: QPoint) -> None:
        over = self._hit(place)
        if over == self._over:
            return
        self._over = over
        crop = None if over is None else _crop(self.rows[over[0]], *over[1:])
        room = QRect()
        if over is not None and crop is not None:
            room = self._layout.crop_place(self._shown(over[0]), *over[1:])
        self.pointed.emit(crop, room)
        self.viewport().update()

    def _place_editor(self) -> None:
        """Put the field over the name of its part. Out of sight it is left, as by Tab; without a row it is gone."""
        if self._renamed < 0:
            return
        index = next((index for index, row in enumerate(self.rows) if row.part == self._renamed), -1)
        if index < 0:
            self._renamed = -1
            self._editor.hide()
            return
        name = self._layout.blocks(self._shown(index))[0]
        place = QRect(name.left() - px(4), name.top(), name.width() + px(8), px(28))
        if self.viewport().rect().adjusted(0, self._head, 0, 0).contains(place):
            self._editor.setGeometry(place)
        else:
            self._on_named()

    def _on_named(self) -> None:
        """Take the name over, on Return and when the field is left."""
        part, self._renamed = self._renamed, -1  # hiding the field leaves it once more
        wanted = self._editor.hasFocus() or self._editor.isModified()
        if self._editor.hasFocus():
            self.setFocus()
        self._editor.hide()
        if part >= 0 and wanted:
            self.rename_asked.emit(part, self._editor.text().strip())

    def _on_thumbnail(self, path: Path) -> None:
        self.viewport().update()


class _NameField(QLineEdit):
    """The field over a part's name: while it is edited, the keys are not those of the rows, but for Escape."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        event.setAccepted(event.key() != Qt.Key.Key_Escape)


def share_text(row: PartRow) -> str:
    """Return a row's share with its interval: "+24.1 % (18 to 30)"."""
    if row.share is None:
        return ""
    text = signed_percent(row.share)
    if row.share_interval is None:
        return text
    low, high = (number_text(round(100 * end)) for end in row.share_interval)
    return f"{text} ({low} to {high})"


def effect_text(row: PartRow) -> str:
    """Return what hiding a part changes: "18 of 80 (random 3.1)", in predictions."""
    if row.changed is None:
        return "" if row.effect is None else f"margin {signed_decimals(row.effect)}"
    changed, hidden, random = row.changed
    return f"{changed:,} of {hidden:,} (random {random:.1f})"


def _crop(row: PartRow, side: int, number: int) -> Crop | None:
    crops = (row.crops_a, row.crops_b)[side]
    return crops[number] if 0 <= number < len(crops) else None


def _bounds(rows: Sequence[PartRow]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of the axes of shares and of effects, with zero between them."""
    ends = []
    for of_row in (
        [(row.share, row.share_interval) for row in rows],
        [(row.effect, row.effect_interval) for row in rows],
    ):
        values = [end for value, interval in of_row for end in (value or 0.0, *(interval or ()))]
        low, high = min([0.0, *values]), max([0.0, *values])
        room = max(high - low, 1e-6)
        ends.append((low - 0.04 * room, high + 0.04 * room))
    return ends[0], ends[1]


def _described(row: PartRow) -> str:
    words = [row.name, row.caption]
    if row.found is not None:
        words.append(f"found in {row.found[0]} of {row.images[0]} and {row.found[1]} of {row.images[1]} images")
    words += [share_text(row), effect_text(row)]
    return ", ".join(word for word in words if word)
