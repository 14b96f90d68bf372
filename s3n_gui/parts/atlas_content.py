"""What the page shows of an atlas, read in a background thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from s3n_core.datasets.records import Annotation, DataSet, ImageRecord
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.key_points import KeyPointName, key_point_names
from s3n_core.parts.atlas.part_summaries import PartSummary
from s3n_core.parts.atlas.sources import has_images_of
from s3n_core.parts.comparison.class_matrix import ClassMatrix, class_matrix
from s3n_core.parts.comparison.class_pairs import ClassPair, class_pairs
from s3n_core.parts.comparison.stored_comparisons import kept_comparisons
from s3n_core.parts.steadiness.steadiness_measures import key_point_accuracy
from s3n_core.parts.steadiness.steadiness_result import PlaceAccuracy, Steadiness
from s3n_core.parts.steadiness.stored_steadiness import kept_steadiness
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.peak_crops import crop_of


@dataclass(frozen=True, eq=False)
class AtlasContent:
    """An atlas and what has been computed from it.

    Attributes:
        atlas: The atlas; edits give another one.
        records: Records of its images by name, if its data set is open: for boxes and key points.
        root: The folder of its images, as the open data set names it.
        parts: What is known of each part, the most frequent first.
        pairs: The pairs of classes that are confused, or nearly.
        matrix: The classes by parts.
        names: Names of parts from key points.
        crops: The peak of each part that contributes most.
        accuracy: How far the peaks of parts are from their key points, where there are any.
        steadiness: How steady the parts are, those left out that were edited since; None if nothing was measured.
        winners: The part that was shown to matter most, of each pair of classes that is compared; B is None for all others.
    """

    atlas: Atlas
    records: Mapping[str, ImageRecord]
    root: Path
    parts: tuple[PartSummary, ...]
    pairs: tuple[ClassPair, ...]
    matrix: ClassMatrix
    names: Mapping[int, KeyPointName]
    crops: Mapping[int, Crop]
    accuracy: Mapping[int, PlaceAccuracy]
    steadiness: Steadiness | None
    winners: Mapping[frozenset[str | None], int]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes that have images, in the order of the model."""
        return self.matrix.classes

    @cached_property
    def examples(self) -> Mapping[str, str]:
        """Name of an image of each class, one that is predicted correctly where there is one."""
        found = dict[str, str]()
        right = set[str]()
        for image in self.atlas.images:
            if image.error or image.label is None or image.label in right:
                continue
            if image.predicted is not None and self.atlas.classes[image.predicted] == image.label:
                right.add(image.label)
                found[image.label] = image.file
            else:
                found.setdefault(image.label, image.file)
        return found

    @cached_property
    def without_peaks(self) -> frozenset[int]:
        """The parts that have no peak."""
        return frozenset(summary.part for summary in self.parts if not summary.peaks)

    def path_of(self, file: str) -> Path:
        """Return the path of an image of the atlas."""
        record = self.records.get(file)
        return self.root / file if record is None else record.path

    def is_of_records(self, data_set: DataSet) -> bool:
        """Return whether paths, boxes and key points are as a data set has them; it may be opened after the atlas."""
        if data_set.root != self.root:
            return False
        given = {record.name: record for record in data_set.records}
        return all(
            self._known(self.records.get(image.file), image.file) == self._known(given.get(image.file), image.file)
            for image in self.atlas.images
        )

    def _known(self, record: ImageRecord | None, file: str) -> tuple[Path, Annotation]:
        return (self.root / file, Annotation()) if record is None else (record.path, record.annotation)


def read_content(folder: Path, data_set: DataSet | None) -> AtlasContent:
    """Read a finished atlas.

    Args:
        folder: Its folder.
        data_set: The open data set, or None.

    Raises:
        AtlasError: There is none, or it is damaged.
    """
    atlas = Atlas(folder)
    if data_set is None or not has_images_of(atlas.header, data_set.root):
        return content_of(atlas, {}, Path(atlas.header.data))
    return content_of(atlas, {record.name: record for record in data_set.records}, data_set.root)


def content_of(
    atlas: Atlas, records: Mapping[str, ImageRecord], root: Path, *, before: AtlasContent | None = None
) -> AtlasContent:
    """Compute what the page shows of an atlas.

    Args:
        atlas: The atlas.
        records: Records of its images by name.
        root: The folder of its images.
        before: The same atlas before an edit, with the same records.
    """
    matrix = class_matrix(atlas)
    if before is not None and np.array_equal(before.atlas.part_of, atlas.part_of):
        names, accuracy = before.names, before.accuracy  # names and marks change neither; the bootstrap takes seconds
    else:
        names = key_point_names(atlas, records)
        accuracy = key_point_accuracy(atlas, records)
    return AtlasContent(
        atlas=atlas,
        records=records,
        root=root,
        parts=atlas.summaries(),
        pairs=class_pairs(atlas),
        matrix=matrix,
        names=names,
        crops=_part_crops(atlas, matrix),
        accuracy=accuracy,
        steadiness=_steadiness(atlas),
        winners=_winners(atlas),
    )


def _steadiness(atlas: Atlas) -> Steadiness | None:
    try:
        return kept_steadiness(atlas)
    except AtlasError:  # a damaged one: measuring again replaces it
        return None


def _winners(atlas: Atlas) -> dict[frozenset[str | None], int]:
    """Return the part that hiding has shown to matter most, of each comparison that the atlas keeps and that is still current."""
    try:
        kept = kept_comparisons(atlas)
    except AtlasError:  # a damaged one: comparing again replaces it
        return {}
    found = {}
    for stored in kept:
        mark = stored.comparison.mark
        if stored.current and mark is not None and mark.part is not None and mark.beats_random:
            found[frozenset((stored.comparison.a, stored.comparison.b))] = mark.part
    return found


def _part_crops(atlas: Atlas, matrix: ClassMatrix) -> dict[int, Crop]:
    """Return the peak of each part that contributes most to the margin of its image."""
    at_peaks = ~np.asarray(atlas.places["background"])
    part_of, strengths = atlas.part_of, np.asarray(atlas.places["contribution"])
    found = {}
    for part in matrix.parts:
        rows = np.flatnonzero(at_peaks & (part_of == part))
        if len(rows):
            found[part] = crop_of(atlas, int(rows[int(strengths[rows].argmax())]))
    return found
