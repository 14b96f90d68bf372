"""The atlas: the parts found in a set of images, where and in which classes they are, and edits of them. Without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.errors import AtlasError
from s3n_core.method.weight_licences import notice_of, restriction_of
from s3n_core.parts.atlas.atlas_files import (
    CLASS_MEANS,
    DESCRIPTORS,
    EDITS,
    OUTSIDE,
    PEAKS,
    PEAKS_CSV,
    AtlasHeader,
    AtlasImage,
    Collection,
    descriptor_reader,
    open_array,
    read_groups,
    read_header,
    read_images,
)
from s3n_core.parts.atlas.clustering import Read, background_parts, fit_clusters
from s3n_core.parts.atlas.neighbours import Neighbour, NeighbourIndex, index_of
from s3n_core.parts.atlas.part_edits import EditedParts, EditKind, PartEdit, numbered_name, read_edits, write_edits
from s3n_core.parts.atlas.part_summaries import ClassPart, PartSummary, part_marks, part_summaries, parts_of_class
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.parts.atlas.peak_rows import PeakRows
from s3n_core.parts.atlas.peak_tables import write_coco, write_peaks
from s3n_core.parts.atlas.projection import plane
from s3n_core.system.json_values import from_json
from s3n_core.system.line_files import only_writer


class Atlas:
    """The parts found in a set of images. `find_parts` opens it with its model and images, so that it can compare classes.

    Args:
        path: The folder of a finished atlas.

    Raises:
        AtlasError: There is none, it is damaged, or a job was interrupted while it grouped it.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        path = Path(path)
        header = read_header(path)
        if header is None:
            raise AtlasError(f"There is no finished atlas in {path}; `s3n parts build` builds or finishes one.")
        self.path = path
        self.header: AtlasHeader = header
        # What is replaced when the atlas is grouped anew is read at once, so that old and new groups are never mixed.
        clusters, self._clusters_of = read_groups(path, header)
        self._means = np.array(open_array(path, CLASS_MEANS)) if header.centred else None
        edits = read_edits(path / EDITS)
        self.require_unchanged()
        self._parts = EditedParts(clusters, edits)

    @cached_property
    def collection(self) -> Collection:
        """Which model and images the places come from."""
        return from_json(Collection, self.header.collection)

    @property
    def classes(self) -> tuple[str, ...]:
        """The model's class names, by index."""
        return self.collection.classes

    @property
    def licence(self) -> str:
        """The licence of the weights that the model began with, if tables must tell of it (`WeightLicence.short`); else ""."""
        found = restriction_of(self.header.origin)
        return "" if found is None else found.short

    @property
    def licence_notice(self) -> str:
        """What pages and pictures say of that licence; "" if nothing need be said."""
        return notice_of(self.header.origin)

    @property
    def parts(self) -> EditedParts:
        """The parts, after all edits."""
        return self._parts

    @cached_property
    def images(self) -> tuple[AtlasImage, ...]:
        """The images, those that could not be used included.

        Raises:
            AtlasError: Their file is missing or damaged, or the atlas was built anew since it was opened.
        """
        self._require_same_places()
        return read_images(self.path, self.collection.count)

    @cached_property
    def places(self) -> NDArray[Any]:
        """All peaks and drawn cells (`atlas_files.PLACE`), through a memory map."""
        self._require_same_places()
        return open_array(self.path, PEAKS)

    @property
    def part_of(self) -> NDArray[np.int64]:
        """The part of each place, (n,)."""
        if self._part_of is None:
            self._part_of = self.parts.applied(self._clusters_of, self._read, moved=self._moved)
        return self._part_of

    _part_of: NDArray[np.int64] | None = None

    def descriptors(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the descriptors of some places as they are compared, (n, D)."""
        return self._read(rows)

    @property
    def background(self) -> frozenset[int]:
        """The parts that hold background: those that a person has marked, and those that were found and not unmarked."""
        most = max(self.parts.numbers) + 1
        found = background_parts(self.part_of, np.asarray(self.places["background"]), most, self._outside)
        return self.parts.background(found)

    @property
    def counts(self) -> dict[int, tuple[int, int]]:
        """How many peaks and drawn cells each part holds."""
        drawn, most = np.asarray(self.places["background"]), max(self.parts.numbers) + 1
        peaks, cells = (np.bincount(self.part_of[kind], minlength=most).tolist() for kind in (~drawn, drawn))
        return {part: (peaks[part], cells[part]) for part in self.parts.numbers}

    @property
    def listed(self) -> tuple[int, ...]:
        """The parts that lists and tables show: those with most peaks first, groups of drawn cells only last.

        Hidden parts are left out, and empty ones, whose peaks a person has all moved to other parts.
        """
        counts = self.counts
        some = [part for part in counts if any(counts[part]) and not self.parts.is_hidden(part)]
        return tuple(sorted(some, key=lambda part: (-counts[part][0], -counts[part][1])))

    @property
    def on_object(self) -> list[int]:
        """The listed parts that are not background, in the order of their numbers."""
        background = self.background
        return sorted(part for part in self.listed if part not in background)

    @property
    def marks(self) -> dict[int, tuple[str, ...]]:
        """What lists say of each part beside its name (`part_marks`)."""
        background = self.background
        return {
            part: part_marks(*counts, background=part in background, hidden=self.parts.is_hidden(part))
            for part, counts in self.counts.items()
        }

    def compared(self, descriptors: NDArray[np.float32], predicted: int) -> NDArray[np.float32]:
        """Return descriptors (n, D) of an image with a predicted class as those of the atlas are compared."""
        means = self._means
        return descriptor_reader(descriptors.astype(np.float16), np.full(len(descriptors), predicted), means)(
            np.arange(len(descriptors))
        )

    def parts_of(self, peaks: PeakDescriptors) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        """Return what an image's peaks are to this atlas, whether or not the image is one of its own.

        Args:
            peaks: The peaks.

        Returns:
            Their descriptors as they are compared, (n, D); the part of each, (n,); whether it lies within its reach, (n,).

        Raises:
            AtlasError: They are of another model.
        """
        self.require(peaks.model)
        descriptors = self.compared(peaks.values, peaks.predicted)
        parts, near = self.parts.of(descriptors)
        return descriptors, parts, near

    def require(self, model: str) -> None:
        """Check that a model, given by its digest, is the atlas's.

        Raises:
            AtlasError: It is another one.
        """
        if model != self.collection.model:
            raise AtlasError(f"This atlas is of another model ({self.collection.model}, not {model}).")

    def require_unchanged(self) -> None:
        """Check that the folder still holds what was opened.

        Raises:
            AtlasError: The atlas was grouped anew since, or built anew.
        """
        if read_header(self.path) != self.header:
            raise AtlasError(f"The atlas in {self.path} was grouped anew since it was opened; open it again.")

    def summaries(self) -> tuple[PartSummary, ...]:
        """Return what is known of each part, the most frequent first, empty ones last."""
        return part_summaries(self.places, self.part_of, self.images, self.parts, self.counts, self.background)

    def class_parts(self, name: str) -> tuple[ClassPart, ...]:
        """Return the parts of a class, those whose peaks contribute most first.

        Raises:
            AtlasError: There is no such class, or no image of it.
        """
        label = self.classes[self.class_index(name)]
        return parts_of_class(label, self.places, self.part_of, self.images, self.parts)

    def class_index(self, name: str) -> int:
        """Return the index of a class that is given by its name, or by the name that is displayed.

        Raises:
            AtlasError: There is none, or several are displayed so.
        """
        if name in self.classes:
            return self.classes.index(name)
        shown = [index for index, known in enumerate(self.classes) if displayed_class(known) == name]
        if len(shown) == 1:
            return shown[0]
        near = get_close_matches(name, [*self.classes, *map(displayed_class, self.classes)], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise AtlasError(f"The atlas has no class {name!r}{hint}")

    def nearest(
        self,
        place: int | NDArray[np.floating[Any]],
        count: int = 20,
        *,
        same_image: bool = True,
        image: str | None = None,
    ) -> tuple[Neighbour, ...]:
        """Return the peaks that look most like a place, the most similar first.

        Args:
            place: A row of ``places``, which is left out itself; or a descriptor as `compared` returns it, (D,).
            count: How many, at most 200.
            same_image: Whether peaks of the same image are wanted.
            image: Name of the image that a descriptor is of, if the atlas may have it; a row's is known.

        Raises:
            AtlasError: There is no such row.
        """
        left_out = self._drawn_cells.copy()
        if isinstance(place, int | np.integer):
            if not 0 <= place < len(self.places):
                raise AtlasError(f"The atlas has no place {place}; its places are 0 to {len(self.places) - 1}.")
            descriptor = self._read(np.array([place]))[0]
            left_out[place] = True
            image = self.images[int(self.places["image"][place])].file
        else:
            descriptor = np.asarray(place, dtype=np.float32)
        if not same_image and image is not None:
            left_out[self.peak_rows.of(image)] = True
        rows, cosines = self._neighbours.nearest(descriptor, count, left_out=left_out)
        found = []
        for row, cosine in zip(rows.tolist(), cosines.tolist(), strict=True):
            at, part = self.places[row], int(self.part_of[row])
            source = self.images[int(at["image"])]
            found.append(
                Neighbour(
                    row=row,
                    image=source.file,
                    label=source.label,
                    x=float(at["x"]),
                    y=float(at["y"]),
                    part=part,
                    name=self.parts.name(part),
                    similarity=cosine,
                )
            )
        return tuple(found)

    def plane(self) -> NDArray[np.float32]:
        """Return the places on a map of two dimensions, where what looks alike lies together: float32 (n, 2)."""
        return plane(self._neighbours.projected)

    def peak_of(self, image: str, at: tuple[float, float] | None = None) -> tuple[int, float, float] | None:
        """Return the peak of an image nearest to a place, or its strongest one: its row in ``places``, and its x and y.

        Args:
            image: The image's name.
            at: (x, y) in original pixels; None: the strongest peak.

        Returns:
            The peak; None if the atlas has no such image, or no peak in it.
        """
        rows = self.peak_rows.of(image)
        if not rows.size:
            return None
        strongest = int(rows[int(np.argmax(self.places["response"][rows]))])
        row = strongest if at is None else self.peak_rows.nearest(image, *at)
        return None if row is None else (row, float(self.places["x"][row]), float(self.places["y"][row]))

    def rename(self, part: str | int, name: str) -> None:
        """Give a part a name; an empty one gives it its number again.

        Raises:
            AtlasError: There is no such part, or another one has the name.
        """
        wanted = name.strip()

        def make(parts: EditedParts) -> PartEdit:
            number = parts.number(part)
            # Its own "part N" is no name: in another clustering the part may have another number.
            return PartEdit(kind="rename", parts=(number,), name="" if wanted == numbered_name(number) else wanted)

        self._edit(make)

    def merge(self, part: str | int, other: str | int) -> None:
        """Make two parts one, with the first one's name and number."""
        self._edit(lambda parts: PartEdit(kind="merge", parts=(parts.number(part), parts.number(other))))

    def hide(self, part: str | int, *, hidden: bool = True) -> None:
        """Hide a part, or show it again. What it contributes then stands in the rest row."""
        self._edit(lambda parts: PartEdit(kind="hide" if hidden else "show", parts=(parts.number(part),)))

    def set_background(self, part: str | int, *, background: bool = True) -> None:
        """Mark a part as background, or as part of the object, whatever was found."""
        kind: EditKind = "background" if background else "object"
        self._edit(lambda parts: PartEdit(kind=kind, parts=(parts.number(part),)))

    def reassign(self, part: str | int, image: str, x: float, y: float) -> None:
        """Move a peak to a part; the cells that it owns in a comparison go with it.

        Args:
            part: The part that it belongs to from now on.
            image: The image's name.
            x: The peak's place, in pixels of the original.
            y: Alike.

        Raises:
            AtlasError: There is no such part, no peak at this place, or it belongs to the part already.
        """

        def make(parts: EditedParts) -> PartEdit:
            number, row = parts.number(part), self.peak_rows.at(image, x, y)
            if row is None:
                raise AtlasError(f"The atlas has no peak at ({x:.0f}, {y:.0f}) px of {image}.")
            if self.part_of[row] == number:
                raise AtlasError(f"This peak of {image} belongs to {parts.name(number)} already.")
            place = self.places[row]
            return PartEdit(kind="reassign", parts=(number,), image=image, x=float(place["x"]), y=float(place["y"]))

        self._edit(make)

    def split(self, part: str | int) -> int:
        """Split a part into two by k-means and return the number of the new one.

        Raises:
            AtlasError: It has too few places.
        """
        with self._journal():
            number = self.parts.number(part)
            rows = np.flatnonzero(self.part_of == number)
            if len(rows) < 4:
                raise AtlasError(f"{self.parts.name(number)} has only {len(rows)} places, too few to split it.")
            halves, _ = fit_clusters(lambda some: self._read(rows[some]), len(rows), 2, seed=self.collection.seed)
            edit = PartEdit(
                kind="split",
                parts=(number,),
                centroids=tuple(halves.centroids.tolist()),
                reach=tuple(halves.reach.tolist()),
            )
            self._take(self.parts.with_edit(self.parts.marked(edit)))
            return max(self.parts.numbers)

    def undo(self, only: PartEdit | None = None) -> PartEdit:
        """Undo the last edit and return it, for `redo`.

        Args:
            only: Undo nothing but this edit; None: whatever is the last.

        Raises:
            AtlasError: There is none, or another program has made another one since.
        """
        with self._journal():
            undone = self.parts.undone()
            last = self.parts.edits[-1]
            if only is not None and last != only:
                raise AtlasError("Another program has edited this atlas since; nothing was undone.")
            self._take(undone)
            return last

    def redo(self, edit: PartEdit) -> None:
        """Make an edit again that was undone.

        Raises:
            AtlasError: There is no such part any more, or another one has its name by now.
        """
        self._edit(lambda _: edit)

    def as_of(self, edits: int) -> Atlas:
        """Return the atlas as it was after so many of its edits; this one does not change."""
        found = copy(self)
        found._parts, found._part_of = replace(self.parts, edits=self.parts.edits[:edits]), None
        return found

    def write_peaks(self, path: Path, *, excel: bool = False) -> None:
        """Write all peaks as CSV; (x, y) in original pixels, contributions in logits.

        Raises:
            OutputError: The file cannot be written.
        """
        names = {part: self.parts.name(part) for part in self.parts.numbers}
        write_peaks(path, self.places, self.part_of, self.images, names, licence=self.licence, excel=excel)

    def write_coco(self, path: Path) -> None:
        """Write the strongest peak of every part in every image as COCO key points.

        Background, hidden and empty parts are left out. Every image has one annotation, whose key points are the parts in the
        order of ``categories[0]["keypoints"]``; a part that was not found is (0, 0, 0).

        Raises:
            OutputError: The file cannot be written.
        """
        names = {part: self.parts.name(part) for part in self.on_object}
        write_coco(path, self.places, self.part_of, self.images, names, notice=self.licence_notice)

    def __repr__(self) -> str:
        return f"<Atlas: {len(self.parts.numbers)} parts in {len(self.images)} images, {self.path}>"

    def _repr_html_(self) -> str:
        """Show the parts and their names in a notebook."""
        rows = "".join(
            f"<tr><td>{part + 1}</td><td>{escape(self.parts.name(part))}</td></tr>" for part in self.parts.numbers
        )
        return f"<p>{len(self.images)} images, {escape(str(self.path))}</p><table>{rows}</table>"

    @cached_property
    def peak_rows(self) -> PeakRows:
        """The rows of the peaks by image."""
        return PeakRows(self.places, self.images)

    def _require_same_places(self) -> None:
        """Check that the places were not collected anew: a place, its cluster, its descriptor and its image belong together."""
        header = read_header(self.path)
        if header is None or header.collection != self.header.collection:
            raise AtlasError(f"The atlas in {self.path} was built anew since it was opened; open it again.")

    def _moved(self, edit: PartEdit, parts: NDArray[np.int64]) -> NDArray[np.intp]:
        row = self.peak_rows.at(edit.image, edit.x, edit.y)
        return np.array([] if row is None else [row], dtype=np.intp)

    @cached_property
    def _drawn_cells(self) -> NDArray[np.bool_]:
        return np.ascontiguousarray(self.places["background"])

    @cached_property
    def _outside(self) -> NDArray[np.int8] | None:
        return np.asarray(open_array(self.path, OUTSIDE)) if (self.path / OUTSIDE).exists() else None

    @cached_property
    def _neighbours(self) -> NeighbourIndex:
        self.require_unchanged()
        return index_of(self.path, self._read, len(self.places), centred=self.header.centred)

    @cached_property
    def _read(self) -> Read:
        self._require_same_places()
        return descriptor_reader(open_array(self.path, DESCRIPTORS), np.asarray(self.places["predicted"]), self._means)

    def _edit(self, make: Callable[[EditedParts], PartEdit]) -> None:
        with self._journal():
            edit = make(self.parts)
            if edit.kind == "rename":
                self.parts.require_free_name(edit.parts[0], edit.name)
            self._take(self.parts.with_edit(self.parts.marked(edit)))

    @contextmanager
    def _journal(self) -> Iterator[None]:
        """Lock the journal, and read what another program has written meanwhile.

        Raises:
            AtlasError: The atlas was grouped anew since it was opened: its journal is of other parts.
        """
        with only_writer(self.path / EDITS):
            self.require_unchanged()
            self._parts, self._part_of = replace(self._parts, edits=read_edits(self.path / EDITS)), None
            yield

    def _take(self, parts: EditedParts) -> None:
        write_edits(self.path / EDITS, parts.edits)
        self._parts, self._part_of = parts, None
        self.write_peaks(self.path / PEAKS_CSV)  # with the names and parts as they are now
