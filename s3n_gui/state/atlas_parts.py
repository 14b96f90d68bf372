"""The parts of an atlas of the current model in each image, for pages that show images: which part a peak belongs to."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.part_place import SAME_PLACE, PartPlace
from s3n_core.parts.atlas.sources import model_of, name_below
from s3n_core.runs.model_paths import is_of_model
from s3n_gui.background.tasks import Tasks
from s3n_gui.state.session import Session

if TYPE_CHECKING:
    from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
    from s3n_core.parts.atlas.placed_parts import PlacedParts


class AtlasParts(QObject):
    """Reads the session's atlas in the background, once a page has asked for it.

    Signals:
        changed: There is another atlas, its parts were edited, or there is none.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._found: PlacedParts | None = None
        self._model: Path | None = None  # the file of its model, where that lies now
        # What was found out of images and models by their paths: pages ask for each whenever they draw it.
        self._names: dict[Path, str | None] = {}
        self._known: dict[Path, bool] = {}
        self._active = False
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)
        self._tasks.failed.connect(self._on_failed)
        session.model_atlas_changed.connect(self._read)
        session.atlas_edited.connect(self._read)
        session.model_changed.connect(self._on_model)

    def activate(self) -> None:
        """Read the atlas from now on; called when the page is shown."""
        if not self._active:
            self._active = True
            self._read()

    def knows(self, model: Path | None) -> bool:
        """Return whether the atlas is read and of a model."""
        if self._model is None or model is None:
            return False
        if model not in self._known:
            self._known[model] = is_of_model(self._model, model)
        return self._known[model]

    def names(self, model: Path | None) -> tuple[str, ...]:
        """Return the names of the parts, if the atlas is of a model; hidden ones are left out."""
        return self._found.names if self._found is not None and self.knows(model) else ()

    def places(self, path: Path, model: Path | None) -> tuple[PartPlace, ...]:
        """Return the peaks of an image with their parts, if the atlas is of a model and has the image."""
        found, file = self._found, self._file(path, model)
        return () if found is None or file is None else found.places(file)

    def has_peak(self, path: Path, model: Path | None, x: float, y: float) -> bool:
        """Return whether the atlas is of a model and has a peak at a place of an image, in pixels of the original."""
        found, file = self._found, self._file(path, model)
        return found is not None and file is not None and found.has_peak(file, x, y)

    def of(self, peaks: PeakDescriptors, model: Path | None) -> tuple[PartPlace | None, ...]:
        """Return each peak of any image with its part, None where that is hidden; nothing if the atlas is of another model."""
        if self._found is None or not self.knows(model):
            return ()
        try:
            return self._found.of(peaks)
        except AtlasError:  # the model's file has changed since
            return ()

    def files_with(self, name: str) -> frozenset[str]:
        """Return the names of the images, below the data set's folder, in which a part has a peak."""
        return frozenset() if self._found is None else self._found.files_with(name)

    def close(self) -> None:
        """Stop reading."""
        self._tasks.close()

    def _file(self, path: Path, model: Path | None) -> str | None:
        """Return the name that an image has in the atlas if it is there; None if it lies elsewhere, or without an atlas."""
        if self._found is None or not self.knows(model):
            return None
        if path not in self._names:
            self._names[path] = name_below(self._found.root, path)
        return self._names[path]

    @Slot()
    def _read(self) -> None:
        if not self._active:
            return
        folder = self._session.model_atlas
        if folder is None:
            self._tasks.forget("parts")
            self._take(None, None)
        else:
            self._tasks.run("parts", partial(_placed, folder, self._session.model))

    @Slot(object)
    def _on_model(self, model: Path | None) -> None:
        if model is not None and not self.knows(model):
            self._read()  # it may be the same one, which has moved

    def _on_read(self, name: str, result: tuple[PlacedParts, Path | None]) -> None:
        self._take(*result)

    def _on_failed(self, name: str, error: Exception) -> None:
        self._take(None, None)  # the Parts page says what is wrong

    def _take(self, found: PlacedParts | None, model: Path | None) -> None:
        if found is not None or self._found is not None:
            self._found, self._model = found, model
            self._names.clear()
            self._known.clear()
            self.changed.emit()


def part_at(places: tuple[PartPlace, ...], x: float, y: float, side: float) -> PartPlace | None:
    """Return the atlas's peak at a place, which has a part; None if it has none there.

    Args:
        places: The peaks of the image.
        x: The place, in pixels of the original.
        y: Alike.
        side: The longer side of the image, in pixels.
    """
    nearest = min(places, key=lambda place: math.hypot(place.x - x, place.y - y), default=None)
    if nearest is None or math.hypot(nearest.x - x, nearest.y - y) > SAME_PLACE * side:
        return None
    return nearest


def _placed(folder: Path, model: Path | None) -> tuple[PlacedParts, Path | None]:
    from s3n_core.parts.atlas.placed_parts import PlacedParts  # loads numpy, not at the window's start

    found = PlacedParts(folder)
    return found, Path(found.header.model_path) if model is None else model_of(found.header, model)
