"""The parts of an atlas by image: where each has a peak, and in which images. Without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.part_place import NO_PART, PartPlace
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors


class PlacedParts:
    """An index of the peaks of an atlas, with the parts as they are after all edits.

    Args:
        folder: The folder of a finished atlas.

    Attributes:
        root: The folder of its images.
        header: Its header.
        names: Names of the parts that have a peak and are not hidden, in the order of their numbers.

    Raises:
        AtlasError: There is no atlas, or it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._atlas = atlas = Atlas(folder)
        self.header, self.root = atlas.header, Path(atlas.header.data)
        parts = [part for part in atlas.parts.numbers if not atlas.parts.is_hidden(part)]
        self._name_of = {part: atlas.parts.name(part) for part in parts}
        self._background = atlas.background
        counts = atlas.counts
        self.names = tuple(name for part, name in self._name_of.items() if counts[part][0])
        at_peaks = ~np.asarray(atlas.places["background"])
        self._image_of, self._part_of = atlas.places["image"][at_peaks], atlas.part_of[at_peaks]
        self._rows = atlas.peak_rows  # read now, in the background

    def has_peak(self, file: str, x: float, y: float) -> bool:
        """Return whether the atlas has a peak at a place of an image, in pixels of the original, hidden parts included."""
        return self._rows.at(file, x, y) is not None

    def of(self, peaks: PeakDescriptors) -> tuple[PartPlace | None, ...]:
        """Return each peak of any image with its part; None where that is hidden.

        Raises:
            AtlasError: The peaks are of another model.
        """
        _, parts, near = self._atlas.parts_of(peaks)
        found = list[PartPlace | None]()
        for (x, y), part, within in zip(peaks.places.tolist(), parts.tolist(), near.tolist(), strict=True):
            if not within:
                found.append(PartPlace(x=x, y=y, part=-1, name=NO_PART))
            elif part in self._name_of:
                found.append(self._place(x, y, part))
            else:
                found.append(None)
        return tuple(found)

    def places(self, file: str) -> tuple[PartPlace, ...]:
        """Return the peaks of an image with their parts."""
        rows = self._rows.of(file)
        places, parts = self._atlas.places[rows], self._atlas.part_of[rows]
        return tuple(
            self._place(float(place["x"]), float(place["y"]), part)
            for place, part in zip(places, parts.tolist(), strict=True)
            if part in self._name_of
        )

    def files_with(self, name: str) -> frozenset[str]:
        """Return the names of the images in which a part has a peak."""
        wanted = [part for part, known in self._name_of.items() if known == name]
        numbers = np.unique(self._image_of[np.isin(self._part_of, wanted)])
        return frozenset(self._atlas.images[number].file for number in numbers.tolist())

    def _place(self, x: float, y: float, part: int) -> PartPlace:
        return PartPlace(x=x, y=y, part=part, name=self._name_of[part], background=part in self._background)
