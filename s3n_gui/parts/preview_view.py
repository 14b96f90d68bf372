"""The parts that a running search has found so far: a line of crops a part."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from s3n_core.parts.atlas.preview import AtlasPreview, PreviewPart
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf
from s3n_gui.parts.pairs.crop_strip import CropStrip


class PreviewView(QFrame):
    """The preview; hidden while there is none."""

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails, self._path_of = thumbnails, path_of
        self.setProperty("role", "card")
        self.title, self.lead = QLabel(), QLabel("Groups of what was found so far. The result may differ.")
        self.title.setProperty("role", "section")
        self.lead.setProperty("role", "quiet")
        self.lead.setWordWrap(True)
        self.lines: list[tuple[QLabel, CropStrip]] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(20, 12, 20, 16)
        self._column.setSpacing(INSIDE_GROUP)
        self._column.addWidget(self.title)
        self._column.addWidget(self.lead)
        self.hide()

    def show_preview(self, preview: AtlasPreview | None, total: int) -> None:
        """Show another preview; None: none.

        Args:
            preview: The preview.
            total: Number of all images of the search.
        """
        self.setVisible(preview is not None)
        if preview is None:
            return
        self.title.setText(f"Preview from {preview.images:,} of {count_text(total, 'image')}")
        while len(self.lines) < len(preview.parts):
            label, strip = QLabel(), CropStrip(self._thumbnails, self._path_of)
            label.setProperty("role", "quiet")
            self._column.addWidget(label)
            self._column.addWidget(strip)
            self.lines.append((label, strip))
        for number, (label, strip) in enumerate(self.lines):
            part = preview.parts[number] if number < len(preview.parts) else None
            label.setVisible(part is not None)
            strip.show_crops(() if part is None else _crops(part, preview))
            if part is not None:
                peaks, images = count_text(part.peaks, "peak"), count_text(part.images, "image")
                label.setText(f"{peaks} in {images}, from the most to the least typical")

    def is_ready(self) -> bool:
        """Return whether all crops are loaded."""
        return self.isHidden() or all(
            self._thumbnails.is_settled(self._path_of(crop.file)) for _, strip in self.lines for crop in strip.crops
        )


def _crops(part: PreviewPart, preview: AtlasPreview) -> tuple[Crop, ...]:
    return tuple(
        Crop(
            file=example.file,
            x=example.x,
            y=example.y,
            width=preview.sizes[example.file][0],
            height=preview.sizes[example.file][1],
        )
        for example in part.examples
    )
