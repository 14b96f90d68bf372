"""The tab Class: one class's parts, the strongest first, with crops and the classes that share each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.number_text import signed_decimals
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.examples import PartExample, part_examples
from s3n_core.parts.comparison.class_portrait import PortraitPart, class_portrait
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import px, theme, tokens
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.tasks import Tasks
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf
from s3n_gui.parts.crops.crop_drag import DropState, DropTarget, paint_drop
from s3n_gui.parts.crops.crop_handling import CropHandling
from s3n_gui.parts.pairs.crop_strip import CropStrip
from s3n_gui.parts.view import PartsView
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.part_swatch import swatch

_CROPS = 10
_MOST_PARTS = 40
_MOST_SHARING = 4


@dataclass(frozen=True, eq=False)
class _Portrait:
    """What the tab shows of a class."""

    name: str
    parts: tuple[PortraitPart, ...]
    examples: tuple[tuple[PartExample, ...], ...]
    sizes: dict[str, tuple[int, int]]


class PortraitView(PartsView):
    """The tab.

    Signals:
        opened: A `Crop` was double-clicked.
    """

    opened = Signal(object)

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.filter, self.classes = QLineEdit(), QListWidget()
        self.heading, self.words = ElidedLabel(name=True), QLabel()
        self.rows: list[PortraitRow] = []
        self._atlas: Atlas | None = None
        self._part = -1
        self._name: str | None = None  # the class that the rows are of
        self._crops: CropHandling | None = None
        self._tasks = Tasks(self)
        self._lay_out()
        self.filter.textChanged.connect(self._on_filter)
        self.classes.currentItemChanged.connect(self._on_class)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_failed)
        theme().changed.connect(self._fit)

    def _lay_out(self) -> None:
        self.filter.setPlaceholderText("Filter classes")
        self.filter.setClearButtonEnabled(True)
        self.classes.setAccessibleName("Classes")
        self.classes.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.classes.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.heading.setProperty("role", "section")
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self._left = QWidget()
        column = QVBoxLayout(self._left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.filter)
        column.addWidget(self.classes, 1)
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(8)
        self._column.addStretch(1)
        self._scroll = ColumnScrollArea()
        self._scroll.setWidget(self._inside)
        right = QVBoxLayout()
        right.setSpacing(4)
        right.addWidget(self.heading)
        right.addWidget(self.words)
        right.addSpacing(4)
        right.addWidget(self._scroll, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self._left)
        row.addLayout(right, 1)
        self._fit()

    def set_atlas(self, atlas: Atlas | None) -> None:
        """Show an atlas; the class stays where the atlas has it."""
        current = self.shown_class
        if atlas is None or self._atlas is None or atlas.path != self._atlas.path:
            self._tasks.forget("portrait")
            self._show(None)
        self._atlas = atlas
        counts = dict.fromkeys(() if atlas is None else atlas.classes, 0)
        for image in () if atlas is None else atlas.images:
            if image.label in counts and not image.error:
                counts[image.label] += 1
        self.classes.blockSignals(True)
        self.classes.clear()
        for name, count in counts.items():
            if count:
                item = QListWidgetItem(displayed_class(name))
                item.setData(Qt.ItemDataRole.UserRole, name)
                item.setToolTip(f"{displayed_class(name)}: {count_text(count, 'image')}")
                self.classes.addItem(item)
        self.classes.blockSignals(False)
        names = [self.classes.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.classes.count())]
        if names:
            self.classes.setCurrentRow(names.index(current) if current in names else 0)
        else:
            self._show(None)
        self._on_filter(self.filter.text())

    def set_crops(self, crops: CropHandling) -> None:
        """Let crops be moved to the parts of the rows."""
        self._crops = crops
        crops.add_target(DropTarget(self._scroll, self._part_at, self._show_drop))

    def select_part(self, part: int) -> None:
        """Mark the row of a part."""
        self._part = part
        for row in self.rows:
            row.set_selected(row.part == part)
        self._let_tab_reach_one()

    def show_class(self, name: str) -> None:
        """Show a class, given by its name."""
        for row in range(self.classes.count()):
            if self.classes.item(row).data(Qt.ItemDataRole.UserRole) == name:
                self.classes.setCurrentRow(row)

    @property
    def shown_class(self) -> str | None:
        """The name of the class that is shown."""
        item = self.classes.currentItem()
        name: str | None = None if item is None else item.data(Qt.ItemDataRole.UserRole)
        return name

    def is_ready(self) -> bool:
        """Return whether all content is drawn."""
        return not self._tasks.is_open("portrait")

    def shut_down(self) -> None:
        """Stop the threads."""
        self._tasks.close()

    def path_of(self, file: str) -> Path:
        """Return the path of an image of the atlas."""
        return Path(file) if self._atlas is None else Path(self._atlas.header.data) / file

    def _part_at(self, place: QPoint) -> int:
        inside = self._inside.mapFrom(self._scroll.viewport(), place)
        return next((row.part for row in self.rows if row.geometry().contains(inside)), -1)

    def _let_tab_reach_one(self) -> None:
        """Let Tab reach the row of the marked part, or the first one; from there the arrow keys go on."""
        reached = next((row for row in self.rows if row.part == self._part), self.rows[0] if self.rows else None)
        for row in self.rows:
            row.setFocusPolicy(Qt.FocusPolicy.StrongFocus if row is reached else Qt.FocusPolicy.ClickFocus)

    def _show_drop(self, state: DropState | None) -> None:
        for row in self.rows:
            row.show_drop(state)

    def _on_filter(self, text: str) -> None:
        for row in range(self.classes.count()):
            item = self.classes.item(row)
            item.setHidden(text.casefold() not in item.text().casefold())

    def _on_class(self) -> None:
        if self._atlas is not None and (name := self.shown_class) is not None:
            self._tasks.run("portrait", partial(_portrait, self._atlas, name))

    def _on_done(self, name: str, result: object) -> None:
        self._show(result if isinstance(result, _Portrait) else None)

    def _on_failed(self, name: str, error: Exception) -> None:
        self._show(None)
        self.words.setText(str(error))

    def _show(self, found: _Portrait | None) -> None:
        name = None if found is None else found.name
        kept = {row.part: row for row in self.rows}
        if name != self._name:
            self._drop_rows(kept)
            self._scroll.verticalScrollBar().setValue(0)
        self.rows, self._name = [], name
        self.heading.setText("" if found is None else displayed_class(found.name))
        self.words.setText(
            ""
            if found is None
            else "Parts by what their peaks contribute to the margin over the strongest rival, in logits per image. This is "
            "read there; what the model relies on is shown for two classes."
        )
        if found is None:
            return
        most = max((abs(part.part.contribution) for part in found.parts), default=1.0) or 1.0
        for at, (part, examples) in enumerate(zip(found.parts, found.examples, strict=True)):
            # A part keeps its row after an edit, so that neither the focus nor what is in view changes.
            row = kept.pop(part.part.part, None) or self._new_row(part.part.part)
            row.show_part(
                part,
                most,
                tuple(
                    Crop(one.file, one.x, one.y, *found.sizes[one.file], f"typical: {one.rank} of {one.of}", one.row)
                    for one in examples
                ),
            )
            row.set_selected(row.part == self._part)
            self.rows.append(row)
            if self._column.indexOf(row) != at:
                self._column.removeWidget(row)
                self._column.insertWidget(at, row)
        self._drop_rows(kept)
        self._let_tab_reach_one()

    def _new_row(self, part: int) -> PortraitRow:
        row = PortraitRow(part, self._thumbnails, self.path_of)
        row.selected.connect(self._on_selected)
        row.left.connect(self._on_left)
        row.strip.opened.connect(self.opened)
        if self._crops is not None:
            self._crops.watch(row.strip, row.strip.crop_at, row.strip.current_place)
        return row

    def _drop_rows(self, rows: dict[int, PortraitRow]) -> None:
        for row in rows.values():
            self._column.removeWidget(row)
            row.deleteLater()
        rows.clear()

    def _on_selected(self, part: int) -> None:
        self.select_part(part)
        self.part_selected.emit(part)

    def _on_left(self, part: int, step: int) -> None:
        """Go to the row below another one (1), or above it (-1)."""
        at = [row.part for row in self.rows].index(part)
        row = self.rows[min(max(at + step, 0), len(self.rows) - 1)]
        self._on_selected(row.part)
        row.setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(row)

    def _fit(self) -> None:
        self._left.setMinimumWidth(px(110))
        self._left.setMaximumWidth(px(212))


class PortraitRow(QFrame):
    """A part of the class: name, contribution, where it is found, crops, and the classes that share it.

    Signals:
        selected: The number of the part, when it was clicked, or Enter was pressed.
        left: The number of the part, and where the arrow keys lead from it: 1 for the next row, -1 for the previous one.
    """

    selected = Signal(int)
    left = Signal(int, int)

    def __init__(self, part: int, thumbnails: ThumbnailLoader, path_of: PathOf) -> None:
        super().__init__()
        self.part, self._background = part, False
        self._drop: DropState | None = None
        self.setProperty("role", "card")
        self.name = ElidedLabel()
        self.name.setProperty("role", "section")
        self._swatch = QLabel()
        self.bar = ContributionBar()
        self.facts, self.sharing = QLabel(), QLabel()
        for label in (self.facts, self.sharing):
            label.setProperty("role", "quiet")
            label.setWordWrap(True)
        self.strip = CropStrip(thumbnails, path_of)
        self._words = QWidget()
        column = QVBoxLayout(self._words)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        title = QHBoxLayout()
        title.setSpacing(px(5))
        title.addWidget(self._swatch)
        title.addWidget(self.name, 1)
        column.addLayout(title)
        for widget in (self.bar, self.facts, self.sharing):
            column.addWidget(widget)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(16)
        row.addWidget(self._words, 2)
        row.addWidget(self.strip, 3)
        theme().changed.connect(self._fit)

    def show_part(self, found: PortraitPart, most: float, crops: tuple[Crop, ...]) -> None:
        """Show what is known of the part; ``most``: the largest absolute contribution of the class's parts."""
        self._background = found.background
        self.name.setText(found.part.name + (" (background)" if found.background else ""))
        self.bar.show_value(found.part.contribution, most)
        self.facts.setText(
            f"{signed_decimals(found.part.contribution)}; found in {found.part.images} of {found.part.total} images"
        )
        self.sharing.setText(sharing_text(found))
        self.setAccessibleName(f"{self.name.text()}: {self.facts.text()}")
        self.setAccessibleDescription(self.sharing.text())
        if crops != self.strip.crops:
            self.strip.show_crops(crops)
        self._fit()

    def set_selected(self, selected: bool) -> None:
        """Mark the row, or not."""
        self.setProperty("selected", selected)
        self.style().unpolish(self)
        self.style().polish(self)
        self.bar.selected = selected
        self.bar.update()

    def show_drop(self, state: DropState | None) -> None:
        """Show whether the crop that is dragged can be dropped here; None: none is dragged."""
        self._drop = state
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card, whether it has the focus, and whether a crop can be dropped on it."""
        super().paintEvent(event)
        painter = QPainter(self)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(tokens().accent), 2))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)
        paint_drop(painter, self.rect(), self._drop, self.part)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the part."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.selected.emit(self.part)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the next row or the previous one, also from the crops; Enter selects the part."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.left.emit(self.part, 1 if event.key() == Qt.Key.Key_Down else -1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.selected.emit(self.part)
        else:
            super().keyPressEvent(event)

    def _fit(self) -> None:
        colour = part_colour(self.part, tokens(), background=self._background)
        self._swatch.setPixmap(swatch(colour, self.devicePixelRatioF()))
        self._words.setMinimumWidth(px(150))
        self._words.setMaximumWidth(px(232))


class ContributionBar(QWidget):
    """A bar from the middle: to the right where a part speaks for the class, to the left where it speaks against it."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        self.selected = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_value(self, value: float, most: float) -> None:
        """Show a value; ``most`` is as long as half of the bar."""
        self._share = value / most
        self.update()

    def sizeHint(self) -> QSize:
        """Return its size."""
        return QSize(px(120), 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(0, 1, self.width(), 6)
        painter.setBrush(QColor(tokens().hover))
        painter.drawRoundedRect(whole, 3, 3)
        middle, reach = whole.width() / 2, whole.width() / 2 * abs(self._share)
        left = middle if self._share >= 0 else middle - reach
        painter.setBrush(QColor(tokens().favour if self._share >= 0 else tokens().against))
        painter.drawRect(QRectF(left, 1, reach, 6))
        painter.setBrush(QColor(tokens().quiet))
        painter.drawRect(QRectF(middle - 0.5, 0, 1, 8))
        painter.end()


def sharing_text(found: PortraitPart) -> str:
    """Return in words which classes share a part."""
    shared: Sequence[str] = [
        f"{displayed_class(one.name)} ({signed_decimals(one.contribution)})" for one in found.shared
    ]
    if not shared:
        return "In no other class is it found in half of the images."
    rest = len(shared) - _MOST_SHARING
    return "Shared by " + ", ".join(shared[:_MOST_SHARING]) + (f" and {rest} more." if rest > 0 else ".")


def _portrait(atlas: Atlas, name: str) -> _Portrait:
    parts = class_portrait(atlas, name)[:_MOST_PARTS]
    examples = tuple(part_examples(atlas, one.part.part, (name,), _CROPS) for one in parts)
    sizes = {image.file: (image.width, image.height) for image in atlas.images}
    return _Portrait(name, parts, examples, {one.file: sizes[one.file] for some in examples for one in some})
