"""The card at the right: the chosen part, its counter-examples, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QRect, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.appearance.wording import count_text, label_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf
from s3n_gui.parts.pairs.crop_strip import CropStrip
from s3n_gui.parts.pairs.part_facts import PartFacts
from s3n_gui.parts.pairs.place_square import PlaceSquare
from s3n_gui.parts.pairs.steady_box import SteadyBox
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea


class PartCard(ColumnScrollArea):
    """The card.

    Signals:
        rename_asked: The new name; empty: its number again.
        merge_asked: The number of another part to merge into this one.
        split_asked: Split it.
        background_asked: Whether it is background.
        hide_asked: Hide it.
        inspect_asked: Inspect the images with the part: "found", or those without it: "absent", or where hiding it changes
            nothing: "idle".
        pointed: The `Crop` under the mouse, its rectangle, and the strip that it is in.
        opened: Inspect a `Crop`.
    """

    rename_asked = Signal(str)
    merge_asked = Signal(int)
    split_asked = Signal()
    background_asked = Signal(bool)
    hide_asked = Signal()
    inspect_asked = Signal(str)
    pointed = Signal(object, QRect, object)
    opened = Signal(object)

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._others: Sequence[tuple[int, str]] = ()
        self._part = -1
        self.nothing = QLabel(
            "Select a part to see where it lies, where it is missing, and to name, merge or split it."
        )
        self.nothing.setProperty("role", "quiet")
        self.nothing.setWordWrap(True)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the part")
        self.name.setToolTip("The part's name, which the atlas keeps (F2)")
        self.square = PlaceSquare()
        self.square_words, self.facts = _quiet(), _quiet()
        self.steady = SteadyBox()
        self.found = QPushButton("Inspect these images")
        self.found.setToolTip("Inspect the images of the two classes in which the part has a peak")
        set_icon(self.found, "inspect")
        self.absent_words, self.idle_words = _quiet(), _quiet()
        self.absent, self.idle = CropStrip(thumbnails, path_of), CropStrip(thumbnails, path_of)
        self.absent_link, self.idle_link = _link("Inspect them"), _link("Inspect them")
        self.merge, self.split = QPushButton("Merge with"), QPushButton("Split")
        self.background, self.hide_part = QPushButton("It is background"), QPushButton("Hide")
        self._menu = QMenu(self)
        self.merge.setMenu(self._menu)
        self.merge.setToolTip("Make this part and another one the same")
        self.split.setToolTip("Divide this part into two")
        self.background.setCheckable(True)
        self.background.setToolTip("Mark the part as background, or as part of the object")
        self.hide_part.setToolTip(
            "What a hidden part contributes stands in the row of no part; Edit > Undo shows it again"
        )
        self._inside = QWidget()
        self._lay_out()
        self._connect()
        self.show_facts(None, ())

    def _lay_out(self) -> None:
        self._body = QFrame()
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(self.name)
        column.addWidget(self.square)
        column.addWidget(self.square_words)
        column.addWidget(self.facts)
        column.addWidget(self.steady)
        column.addWidget(self.found)
        for words, strip, link in (
            (self.absent_words, self.absent, self.absent_link),
            (self.idle_words, self.idle, self.idle_link),
        ):
            column.addWidget(words)
            column.addWidget(strip)
            column.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
        for button in (self.merge, self.split, self.background, self.hide_part):
            column.addWidget(button)
        whole = QVBoxLayout(self._inside)
        whole.setContentsMargins(12, 12, 12, 12)
        whole.addWidget(self.nothing)
        whole.addWidget(self._body)
        whole.addStretch(1)
        self.setWidget(self._inside)

    def _connect(self) -> None:
        self.name.editingFinished.connect(self._on_named)
        self.split.clicked.connect(self.split_asked)
        self.hide_part.clicked.connect(self.hide_asked)
        self.background.clicked.connect(self.background_asked)
        self._menu.aboutToShow.connect(self._fill_menu)
        self._menu.triggered.connect(self._on_merge)
        self.found.clicked.connect(self._on_found)
        self.absent_link.clicked.connect(self._on_absent)
        self.idle_link.clicked.connect(self._on_idle)
        for strip in (self.absent, self.idle):
            strip.pointed.connect(partial(self._on_pointed, strip))
            strip.opened.connect(self.opened)

    def show_facts(self, facts: PartFacts | None, others: Sequence[tuple[int, str]]) -> None:
        """Show a part, or None.

        Args:
            facts: What is known of it.
            others: Numbers and names of the other parts, to merge it with.
        """
        typed = self.name.hasFocus() and self.name.isModified() and facts is not None and facts.part == self._part
        self._others, self._part = others, -1 if facts is None else facts.part
        self.nothing.setVisible(facts is None)
        self._body.setVisible(facts is not None)
        if facts is None:
            return
        if not typed:
            with QSignalBlocker(self.name):
                self.name.setText(facts.name)
                self.name.setCursorPosition(0)
        self.square.show_places(facts.places, facts.part, background=facts.is_background)
        what = "object's box" if facts.on_object else "image"
        self.square_words.setText(f"Its peaks on the {what}, scaled to a square.")
        self.facts.setText(" ".join(facts.sentences))
        self.steady.show_part(facts.steady, measured=facts.is_measured, outdated=facts.is_outdated)
        self._show_strip(self.absent_words, self.absent, self.absent_link, facts.absent, "Not found in")
        self._show_strip(self.idle_words, self.idle, self.idle_link, facts.idle, "Hiding it changes nothing in")
        self.background.setChecked(facts.is_background)
        self.merge.setEnabled(bool(others))

    def _show_strip(
        self, words: QLabel, strip: CropStrip, link: QPushButton, crops: tuple[Crop, ...], start: str
    ) -> None:
        words.setText(f"{start} {count_text(len(crops), 'image')} of these classes.")
        words.setVisible(bool(crops))
        link.setVisible(bool(crops))
        strip.show_crops(crops)

    def _fill_menu(self) -> None:
        self._menu.clear()
        for part, name in self._others:
            self._menu.addAction(label_text(name)).setData(part)

    def _on_merge(self, action: QAction) -> None:
        self.merge_asked.emit(int(action.data()))

    def _on_named(self) -> None:
        self.name.setModified(False)
        self.rename_asked.emit(self.name.text().strip())

    def _on_found(self) -> None:
        self.inspect_asked.emit("found")

    def _on_absent(self) -> None:
        self.inspect_asked.emit("absent")

    def _on_idle(self) -> None:
        self.inspect_asked.emit("idle")

    def _on_pointed(self, strip: QWidget, crop: object, place: QRect) -> None:
        self.pointed.emit(crop, place, strip)


def _quiet() -> QLabel:
    label = QLabel()
    label.setProperty("role", "quiet")
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _link(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "link")
    return button
