"""The tab "Two classes": pairs at the left, the answer and a row a part in the middle, the chosen part at the right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.answer import answer
from s3n_gui.appearance.theme import px
from s3n_gui.appearance.wording import count_text, left_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.crops.crop_drag import DropTarget
from s3n_gui.parts.crops.crop_handling import CropHandling
from s3n_gui.parts.edits import PartEdits
from s3n_gui.parts.pairs.answer_card import AnswerCard
from s3n_gui.parts.pairs.class_choosers import ClassChoosers
from s3n_gui.parts.pairs.pair_controller import PairController
from s3n_gui.parts.pairs.pair_list import PairList
from s3n_gui.parts.pairs.part_card import PartCard
from s3n_gui.parts.pairs.part_facts import PartFacts, part_facts
from s3n_gui.parts.pairs.photo import LargePhoto, PhotoTip
from s3n_gui.parts.pairs.rows_view import RowsView
from s3n_gui.parts.part_names import bare_name, part_name
from s3n_gui.parts.peak_crops import crop_of
from s3n_gui.parts.view import PartsView
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.widgets.folding_panes import FoldingPanes
from s3n_gui.widgets.side_button import SideButton

_SMALL_SIDE, _LARGE_SIDE = 400, 1280
"""Sides of the squares that photographs are read into, in pixels: for crops, and for the large one."""


class PairView(PartsView):
    """The tab.

    Signals:
        inspect_asked: An `ImageSelection`, or None, and the `Crop` to inspect.
    """

    inspect_asked = Signal(object, object)

    def __init__(
        self, pairs: PairController, edits: PartEdits, cache_bytes: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.controller, self._edits = pairs, edits
        self.thumbnails = ThumbnailLoader(_SMALL_SIDE, self, cache_bytes=cache_bytes)
        self.large_images = ThumbnailLoader(_LARGE_SIDE, self, cache_bytes=cache_bytes, threads=1)
        self.pairs, self.kinds = PairList(self.thumbnails), QComboBox()
        self.kinds.addItem("Most confused", "pairs")
        self.kinds.addItem("All classes", "classes")
        self.kinds.setAccessibleName("List pairs or classes")
        self.kinds.setToolTip("The pairs that the model confuses most, or each class beside all others")
        self.classes, self.answer = ClassChoosers(), AnswerCard()
        self.rows = RowsView(self.thumbnails, self.path_of)
        self.card = PartCard(self.thumbnails, self.path_of)
        self.tip = PhotoTip(self.thumbnails, self.path_of, self)
        self.large = LargePhoto(self.large_images, self.path_of, self)
        self.left_button = SideButton("left", "panel-left", "Pairs of classes", "Ctrl+[")
        self.right_button = SideButton("right", "panel-right", "Selected part", "Ctrl+]")
        self._content: AtlasContent | None = None
        self._facts: PartFacts | None = None
        self._lay_out()
        self._connect()
        self._show_pair()

    def _lay_out(self) -> None:
        left = _card()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 8, 0, 4)
        column.setSpacing(4)
        title = QVBoxLayout()
        title.setContentsMargins(8, 0, 8, 4)
        title.addWidget(self.kinds)
        column.addLayout(title)
        column.addWidget(self.pairs, 1)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.left_button)
        line.addWidget(self.classes, 1)
        line.addWidget(self.right_button)
        column.addLayout(line)
        column.addWidget(self.answer)
        rows = _card()
        inside = QVBoxLayout(rows)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.rows)
        column.addWidget(rows, 1)
        right = _card()
        inside = QVBoxLayout(right)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.card)
        self.panes = FoldingPanes(middle, left=left, right=right, widths=[px(190), px(700), px(250)])
        self.panes.set_focused(middle, self.rows)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.panes)

    def _connect(self) -> None:
        controller = self.controller
        self.left_button.asked.connect(self.panes.show_side)
        self.right_button.asked.connect(self.panes.show_side)
        self.panes.folded.connect(self._show_sides)
        controller.chosen.connect(self._show_chosen)
        controller.changed.connect(self._show_pair)
        controller.job_changed.connect(self._show_answer)
        self.pairs.chosen.connect(controller.set_pair)
        self.kinds.activated.connect(self._on_kind)
        self.classes.chosen.connect(controller.set_pair)
        self.classes.swap_asked.connect(controller.swap)
        self.answer.compare_asked.connect(controller.compare)
        self.answer.stop_asked.connect(controller.cancel)
        self.rows.selected.connect(self._on_selected)
        self.rows.rename_asked.connect(self.rename)
        self.rows.pointed.connect(self._on_row_pointed)
        self.rows.large_asked.connect(self.large.show_crop)
        self.rows.opened.connect(self.open_crop)
        self.card.rename_asked.connect(self._on_card_name)
        self.card.merge_asked.connect(self._merge)
        self.card.split_asked.connect(self.split_part)
        self.card.background_asked.connect(self._set_background)
        self.card.hide_asked.connect(self.hide_part)
        self.card.inspect_asked.connect(self._inspect)
        self.card.pointed.connect(self._on_strip_pointed)
        self.card.opened.connect(self.open_crop)
        self.large.closed.connect(self.rows.setFocus)
        self.large.stepped.connect(self._on_stepped)
        self.large.opened.connect(self.open_crop)

    # -- the atlas ---------------------------------------------------------------------------------------------------------

    def path_of(self, file: str) -> Path:
        """Return the path of an image of the atlas."""
        return Path(file) if self._content is None else self._content.path_of(file)

    def show_content(self, content: AtlasContent | None) -> None:
        """Show another atlas, or the same after an edit."""
        other = content is None or self._content is None or content.root != self._content.root
        self._content = content
        if other:
            self.thumbnails.clear()
            self.large_images.clear()
            self.large.close_it()
        self.pairs.show_content(content)
        self.classes.show_classes(() if content is None else content.classes)
        self.controller.show_content(content)
        self._show_chosen()

    def set_crops(self, crops: CropHandling) -> None:
        """Let the crops of rows and card be moved to other parts."""
        crops.watch(self.rows.viewport(), self.rows.crop_at)
        crops.watch(self.rows, self.rows.crop_at, self.rows.current_place)
        for strip in (self.card.absent, self.card.idle):
            crops.watch(strip, strip.crop_at, strip.current_place)
        crops.watch(self.large, self.large.crop_at, self.large.current_place, large=True)
        crops.add_target(DropTarget(self.rows, self.rows.part_at, self.rows.show_drop))
        crops.touched.connect(self._on_touched)

    def set_atlas(self, atlas: Atlas | None) -> None:
        """Do nothing: `show_content` shows more."""

    def select_part(self, part: int) -> None:
        """Mark a part."""
        self.rows.select_part(part)
        self._show_part()

    def is_ready(self) -> bool:
        """Return whether the rows and their crops are drawn."""
        return self.controller.is_ready() and (not self.isVisible() or (self.rows.is_ready() and self.large.is_ready()))

    def set_cache_bytes(self, most: int) -> None:
        """Set the size of each cache of thumbnails."""
        for loader in (self.thumbnails, self.large_images):
            loader.set_cache_bytes(most)

    def shut_down(self) -> None:
        """Stop the threads."""
        self.thumbnails.close()
        self.large_images.close()

    def hideEvent(self, event: QHideEvent) -> None:
        """Close what floats."""
        super().hideEvent(event)
        self.tip.show_crop(None, QRect())
        self.large.close_it()

    # -- commands ----------------------------------------------------------------------------------------------------------

    def rename(self, part: int, name: str) -> None:
        """Give a part a name; an empty one gives it its number again."""
        if self._content is not None and name != self._content.atlas.parts.name(part):
            self._edits.make(f"name {name}" if name else "name", lambda atlas: atlas.rename(part, name))

    def split_part(self) -> None:
        """Split the current part."""
        part = self.rows.current_part
        if part >= 0:
            self._edits.make("split", lambda atlas: atlas.split(part))

    def hide_part(self) -> None:
        """Hide the current part."""
        part = self.rows.current_part
        if part >= 0:
            self._edits.make("hiding a part", lambda atlas: atlas.hide(part))

    def _merge(self, other: int) -> None:
        part = self.rows.current_part
        if part >= 0:
            self._edits.make("merge", lambda atlas: atlas.merge(part, other))

    def _set_background(self, background: bool) -> None:
        part = self.rows.current_part
        if part >= 0:
            self._edits.make("mark", lambda atlas: atlas.set_background(part, background=background))

    def _on_card_name(self, name: str) -> None:
        if self._facts is not None and name != self._facts.name:
            self.rename(self._facts.part, name)

    def _inspect(self, what: str) -> None:
        """Inspect the images of the two classes with the current part, without it, or where hiding it changes nothing."""
        facts, content = self._facts, self._content
        if facts is None or content is None:
            return
        crops = {"absent": facts.absent, "idle": facts.idle}.get(what) or self._found(facts.part)
        name = {"absent": f"{facts.name} not found", "idle": f"hiding {facts.name} changes nothing"}.get(
            what, facts.name
        )
        if crops:
            self.inspect_asked.emit(ImageSelection(name, content.root, _files(crops)), crops[0])

    def _found(self, part: int) -> tuple[Crop, ...]:
        """Return one place of a part in each image of the two classes that has a peak of it."""
        content, controller = self._content, self.controller
        if content is None:
            return ()
        atlas, wanted = content.atlas, {controller.a, controller.b} if controller.b else set(content.classes)
        own = (atlas.part_of == part) & ~atlas.places["background"]
        found = dict[int, Crop]()
        for row in np.flatnonzero(own).tolist():
            number = int(atlas.places["image"][row])
            if number not in found and atlas.images[number].label in wanted:
                found[number] = crop_of(atlas, row)
        return tuple(found.values())

    # -- from the widgets --------------------------------------------------------------------------------------------------

    def _on_kind(self) -> None:
        self.pairs.show_kind(self.kinds.currentData())

    def _on_selected(self, part: int) -> None:
        self._show_part()
        self.part_selected.emit(part)

    def _on_touched(self) -> None:
        self.tip.show_crop(None, QRect())

    def _on_row_pointed(self, crop: Crop | None, place: QRect) -> None:
        corner = self.rows.viewport().mapTo(self, place.topLeft())
        self.tip.show_crop(crop, QRect(corner, place.size()))

    def _on_strip_pointed(self, crop: Crop | None, place: QRect, strip: QWidget) -> None:
        self.tip.show_crop(crop, QRect(strip.mapTo(self, place.topLeft()), place.size()))

    def _on_stepped(self, step: int) -> None:
        self.rows.step_crop(step)
        crop = self.rows.current_crop
        if crop is not None:
            self.large.show_crop(crop)

    def open_crop(self, crop: Crop | None) -> None:
        """Inspect a crop's image among those of the two classes that have the part."""
        content, part = self._content, self.rows.current_part
        if crop is None or content is None:
            return
        files = _files(self._found(part)) if part >= 0 else ()
        name = part_name(content.atlas, part, content.names) if part >= 0 else ""
        selection = ImageSelection(name, content.root, files) if crop.file in files else None
        self.inspect_asked.emit(selection, crop)

    # -- to the widgets ----------------------------------------------------------------------------------------------------

    def _show_sides(self) -> None:
        self.left_button.setChecked(self.panes.shows("left"))
        self.right_button.setChecked(self.panes.shows("right"))

    def _show_chosen(self) -> None:
        a, b = self.controller.a, self.controller.b
        self.classes.show_pair(a, b)
        if a:
            self.pairs.select_pair(a, b)

    def _show_pair(self) -> None:
        pair = self.controller.pair
        self.rows.show_rows(() if pair is None else pair.rows)
        self._show_answer()
        self._show_part()

    def _show_answer(self) -> None:
        controller, pair, content = self.controller, self.controller.pair, self._content
        self.classes.images.clear()
        if pair is None or content is None:
            self.answer.show_nothing()
            return
        compared = pair.comparison
        if compared is not None:
            names = {row.part: bare_name(row.name) for row in pair.rows if row.part >= 0}
            self.answer.show_answer(answer(compared, names))
        else:
            self.answer.show_open(pair.a, pair.b, outdated=pair.outdated)
            self.answer.compare.setEnabled(controller.can_compare)
        if pair.rows:
            counts = pair.rows[0].images
            self.classes.images.setText(f"{counts[0]:,} and {count_text(counts[1], 'image')}")
        job = controller.job
        if job is not None:
            left = left_text(job.seconds_left)
            state = "Stopping…" if job.status == "stopping" else "Opening the model…"
            if job.status == "running" and job.text:
                state = f"{job.text} steps" + (f" · {left}" if left else "")
            self.answer.show_job(state, job.fraction)

    def _show_part(self) -> None:
        part, content = self.rows.current_part, self._content
        known = content is not None and part in content.atlas.parts.numbers
        self._facts = part_facts(content, part, self.controller.pair) if known and content is not None else None
        others = []
        if content is not None and known:
            others = [
                (summary.part, part_name(content.atlas, summary.part, content.names))
                for summary in content.parts
                if summary.part != part and not summary.hidden and not summary.is_empty
            ]
        self.card.show_facts(self._facts, others)


def _card() -> QFrame:
    card = QFrame()
    card.setProperty("role", "card")
    return card


def _files(crops: tuple[Crop, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(crop.file for crop in crops))
