"""The tab "Classes × parts": what each part contributes in each class, or how often it is found there."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.parts.atlas import Atlas
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.matrix.matrix_cells import MatrixCells
from s3n_gui.parts.view import PartsView

_WORDS = {
    "contribution": "What the peaks of a part contribute to the margin of a class over its strongest rival, in logits, as the "
    "mean over its images. A row sums to its margin. This is where the margin is read, not what is relied on.",
    "found": "In how many images of a class a part has a peak.",
}


class MatrixView(PartsView):
    """The tab.

    Signals:
        cell_opened: A class and a part whose row and images to show; the part is -1 for the rest.
    """

    cell_opened = Signal(str, int)

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells = MatrixCells(thumbnails)
        self.words = QLabel()
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.contribution, self.found = QPushButton("Contribution"), QPushButton("Found in")
        group = QButtonGroup(self)
        for button in (self.contribution, self.found):
            button.setCheckable(True)
            group.addButton(button)
        self.contribution.setChecked(True)
        self.contribution.setToolTip("What each part contributes in each class")
        self.found.setToolTip("In how many images of each class each part is found")
        group.buttonClicked.connect(self._on_kind)
        top = QHBoxLayout()
        top.setSpacing(INSIDE_GROUP)
        top.addWidget(self.contribution)
        top.addWidget(self.found)
        top.addSpacing(INSIDE_GROUP)
        top.addWidget(self.words, 1)
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.cells)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(INSIDE_GROUP)
        column.addLayout(top)
        column.addWidget(card, 1)
        self.cells.opened.connect(self.cell_opened)
        self.cells.pointed_part.connect(self.part_selected)
        self._on_kind()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_content(self, content: AtlasContent | None) -> None:
        """Show the classes and parts of an atlas."""
        self.cells.show_content(content)

    def set_atlas(self, atlas: Atlas | None) -> None:
        """Do nothing: `show_content` shows more."""

    def select_part(self, part: int) -> None:
        """Mark the column of a part."""
        self.cells.select_part(part)

    def _on_kind(self) -> None:
        kind = "found" if self.found.isChecked() else "contribution"
        self.words.setText(_WORDS[kind])
        self.cells.show_kind("found" if kind == "found" else "contribution")
