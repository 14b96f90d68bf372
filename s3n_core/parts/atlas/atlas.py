"""The atlas: the parts found in a set of images, where and in which classes they are, and edits of them. Without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from html import escape
from io import TextIOWrapper
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas_files import (
    ASSIGNMENTS,
    CENTROIDS,
    CLASS_MEANS,
    DESCRIPTORS,
    EDITS,
    IMAGES,
    OUTSIDE,
    PEAKS,
    PEAKS_CSV,
    SETS,
    AtlasHeader,
    AtlasImage,
    Collection,
    descriptor_reader,
    image_of,
    open_array,
    read_header,
    read_image_lines,
)
from s3n_core.parts.atlas.clustering import Clusters, Read, background_parts, fit_clusters
from s3n_core.parts.atlas.neighbours import Neighbour, NeighbourIndex, index_of
from s3n_core.parts.atlas.part_edits import EditedParts, EditKind, PartEdit, read_edits, write_edits
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.parts.atlas.peak_rows import PeakRows
from s3n_core.parts.atlas.projection import plane
from s3n_core.system.atomic_files import open_atomic, write_json
from s3n_core.system.csv_tables import CsvWriter
from s3n_core.system.json_values import from_json
from s3n_core.system.line_files import only_writer

PEAK_COLUMNS = ("image", "class", "split", "x", "y", "response", "set", "part", "contribution")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSummary:
    """What is known of one part over all images.

    Attributes:
        part: Its number, from 0.
        name: Its name.
        background: Whether it holds background.
        hidden: Whether a person has hidden it.
        peaks: Number of its peaks.
        cells: Number of the drawn cells that it holds.
        images: Number of images in which it has a peak.
        place: Mean (x, y) of its peaks as fractions of the image's width and height; None without peaks.
        spread: Their standard deviation, alike.
        response: Mean R of its peaks, in [0, 1]; None without peaks.
        contribution: Mean contribution of a peak to the margin of the image's class over its strongest rival, in logits.
        strong: The share of its peaks in D, those in both sets counted half; the others are in C.
        classes: (class, images of the class in which it has a peak, images of the class), the most frequent first.
    """

    part: int
    name: str
    background: bool
    hidden: bool
    peaks: int
    cells: int
    images: int
    place: tuple[float, float] | None
    spread: tuple[float, float] | None
    response: float | None
    contribution: float | None
    strong: float | None
    classes: tuple[tuple[str, int, int], ...]

    @property
    def is_empty(self) -> bool:
        """Whether it holds neither peaks nor drawn cells any more."""
        return not (self.peaks or self.cells)

    @property
    def marks(self) -> tuple[str, ...]:
        """What a list says beside the name (`part_marks`)."""
        return part_marks(self.peaks, self.cells, background=self.background, hidden=self.hidden)

    @property
    def title(self) -> str:
        """Its name and marks: "part 3 (background, drawn cells only)"."""
        return marked_name(self.name, self.marks)

    @property
    def found_text(self) -> str:
        """How often it is found: "12 peaks in 8 images"."""
        if self.peaks:
            return f"{self.peaks:,} peak{_s(self.peaks)} in {self.images:,} image{_s(self.images)}"
        return "no peak" + (f", {self.cells:,} drawn cell{_s(self.cells)}" if self.cells else "")


def marked_name(name: str, marks: Sequence[str]) -> str:
    """Return a part's name with its marks: "part 3 (background, drawn cells only)"."""
    return f"{name} ({', '.join(marks)})" if marks else name


def part_marks(peaks: int, cells: int, *, background: bool = False, hidden: bool = False) -> tuple[str, ...]:
    """Return what a list says of a part beside its name.

    Args:
        peaks: Number of its peaks.
        cells: Number of its drawn cells. A group of drawn cells only is what k-means makes of a background without peaks; a part
            without either is empty, because a person has moved all its peaks to other parts.
        background: Whether it holds background.
        hidden: Whether a person has hidden it.
    """
    holds = "" if peaks else "drawn cells only" if cells else "empty"
    return tuple(filter(None, ("background" if background else "", "hidden" if hidden else "", holds)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPart:
    """One part in the images of a class.

    Attributes:
        part: Its number, from 0.
        name: Its name.
        images: In how many of them it has a peak.
        total: Number of images of the class.
        contribution: What its peaks contribute to the margin of the class over the strongest rival, in logits, as the mean
            over all images of the class.
    """

    part: int
    name: str
    images: int
    total: int
    contribution: float


class Atlas:
    """The parts found in a set of images. `find_parts` opens it with its model and images, so that it can compare classes.

    Args:
        path: The folder of a finished atlas.

    Raises:
        AtlasError: There is none, or it is damaged.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        path = Path(path)
        header = read_header(path)
        if header is None:
            raise AtlasError(f"There is no finished atlas in {path}; `s3n parts build` builds or finishes one.")
        self.path = path
        self.header: AtlasHeader = header
        clusters = Clusters(open_array(path, CENTROIDS), np.array(header.reach, dtype=np.float32))
        self._parts = EditedParts(clusters, read_edits(path / EDITS))

    @cached_property
    def collection(self) -> Collection:
        """Which model and images the places come from."""
        return from_json(Collection, self.header.collection)

    @property
    def classes(self) -> tuple[str, ...]:
        """The model's class names, by index."""
        return self.collection.classes

    @property
    def parts(self) -> EditedParts:
        """The parts, after all edits."""
        return self._parts

    @cached_property
    def images(self) -> tuple[AtlasImage, ...]:
        """The images, those that could not be used included."""
        return tuple(image_of(line) for line in read_image_lines(self.path / IMAGES))

    @cached_property
    def places(self) -> NDArray[Any]:
        """All peaks and drawn cells (`atlas_files.PLACE`), through a memory map."""
        return open_array(self.path, PEAKS)

    @property
    def part_of(self) -> NDArray[np.int64]:
        """The part of each place, (n,)."""
        if self._part_of is None:
            self._part_of = self.parts.applied(open_array(self.path, ASSIGNMENTS), self._read, moved=self._moved)
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
        said = {part: self.parts.said_background(part) for part in self.parts.numbers}
        return frozenset(part for part in said if said[part] or (said[part] is None and part in found))

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

    def summaries(self) -> tuple[PartSummary, ...]:
        """Return what is known of each part, the most frequent first, empty ones last."""
        at_peaks = ~np.asarray(self.places["background"])
        places, part_of = self.places[at_peaks], self.part_of[at_peaks]
        sizes = np.array([(max(image.width, 1), max(image.height, 1)) for image in self.images])
        shares = np.stack([places["x"], places["y"]], axis=1) / sizes[places["image"]]
        strong = np.choose(places["set"], (1.0, 0.0, 0.5, np.nan))
        labels = [image.label for image in self.images]
        totals = {name: labels.count(name) for name in dict.fromkeys(labels) if name is not None}
        background, counts, found = self.background, self.counts, []
        for part in self.parts.numbers:
            own = part_of == part
            images = np.unique(places["image"][own]).tolist()
            by_class = dict.fromkeys(totals, 0)
            for image in images:
                if (name := labels[image]) is not None:
                    by_class[name] += 1
            some = bool(own.any())
            in_sets = strong[own][np.isfinite(strong[own])]
            classes = sorted(by_class, key=lambda name: -by_class[name] / totals[name])
            found.append(
                PartSummary(
                    part=part,
                    name=self.parts.name(part),
                    background=part in background,
                    hidden=self.parts.is_hidden(part),
                    peaks=counts[part][0],
                    cells=counts[part][1],
                    images=len(images),
                    place=_pair(shares[own].mean(axis=0)) if some else None,
                    spread=_pair(shares[own].std(axis=0)) if some else None,
                    response=float(places["response"][own].mean()) if some else None,
                    contribution=float(places["contribution"][own].mean()) if some else None,
                    strong=float(in_sets.mean()) if in_sets.size else None,
                    classes=tuple((name, by_class[name], totals[name]) for name in classes if by_class[name]),
                )
            )
        return tuple(sorted(found, key=lambda summary: (-summary.peaks, -summary.cells)))

    def class_parts(self, name: str) -> tuple[ClassPart, ...]:
        """Return the parts of a class, those whose peaks contribute most first.

        Raises:
            AtlasError: There is no such class, or no image of it.
        """
        label = self.classes[self.class_index(name)]
        images = [number for number, image in enumerate(self.images) if image.label == label and not image.error]
        if not images:
            raise AtlasError(f"The atlas has no image of {displayed_class(label)}.")
        own = np.isin(self.places["image"], images) & ~np.asarray(self.places["background"])
        places, part_of = self.places[own], self.part_of[own]
        found = []
        for part in self.parts.numbers:
            of_part = part_of == part
            if of_part.any() and not self.parts.is_hidden(part):
                found.append(
                    ClassPart(
                        part=part,
                        name=self.parts.name(part),
                        images=len(np.unique(places["image"][of_part])),
                        total=len(images),
                        contribution=float(places["contribution"][of_part].sum(dtype=np.float64)) / len(images),
                    )
                )
        return tuple(sorted(found, key=lambda part: -part.contribution))

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
        """Give a part a name; an empty one gives it its number again."""
        self._edit(lambda parts: PartEdit(kind="rename", parts=(parts.number(part),), name=name))

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
            AtlasError: There is no such part any more.
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
        with open_atomic(path) as file:
            text = TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
            writer = CsvWriter(text, excel=excel)
            writer.write(PEAK_COLUMNS)
            writer.write_all(self._peak_rows())
            text.flush()
            text.detach()

    def write_coco(self, path: Path) -> None:
        """Write the strongest peak of every part in every image as COCO key points.

        Background, hidden and empty parts are left out. Every image has one annotation, whose key points are the parts in the
        order of ``categories[0]["keypoints"]``; a part that was not found is (0, 0, 0).

        Raises:
            OutputError: The file cannot be written.
        """
        shown = self.on_object
        index = {part: number for number, part in enumerate(shown)}
        points = np.zeros((len(self.images), len(shown), 3))
        best = np.zeros((len(self.images), len(shown)))
        for place, part in zip(self.places, self.part_of.tolist(), strict=True):
            if place["background"] or part not in index:
                continue
            key = int(place["image"]), index[part]
            if place["response"] > best[key]:
                best[key], points[key] = place["response"], (place["x"], place["y"], 2)
        used = [number for number, image in enumerate(self.images) if not image.error]
        write_json(
            path,
            {
                "images": [
                    {"id": number + 1, "file_name": image.file, "width": image.width, "height": image.height}
                    for number, image in ((number, self.images[number]) for number in used)
                ],
                "categories": [
                    {"id": 1, "name": "object", "keypoints": [self.parts.name(part) for part in shown], "skeleton": []}
                ],
                "annotations": [
                    {
                        "id": number + 1,
                        "image_id": number + 1,
                        "category_id": 1,
                        "keypoints": [round(float(value), 2) for value in points[number].reshape(-1)],
                        "num_keypoints": int((points[number, :, 2] > 0).sum()),
                        "iscrowd": 0,
                        "bbox": [0, 0, self.images[number].width, self.images[number].height],
                        "area": self.images[number].width * self.images[number].height,
                    }
                    for number in used
                ],
            },
        )

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

    def _moved(self, edit: PartEdit, parts: NDArray[np.int64]) -> NDArray[np.intp]:
        row = self.peak_rows.at(edit.image, edit.x, edit.y)
        return np.array([] if row is None else [row], dtype=np.intp)

    @cached_property
    def _means(self) -> NDArray[np.float32] | None:
        return open_array(self.path, CLASS_MEANS) if self.header.centred else None

    @cached_property
    def _drawn_cells(self) -> NDArray[np.bool_]:
        return np.ascontiguousarray(self.places["background"])

    @cached_property
    def _outside(self) -> NDArray[np.int8] | None:
        return np.asarray(open_array(self.path, OUTSIDE)) if (self.path / OUTSIDE).exists() else None

    @cached_property
    def _neighbours(self) -> NeighbourIndex:
        return index_of(self.path, self._read, len(self.places), centred=self.header.centred)

    @cached_property
    def _read(self) -> Read:
        return descriptor_reader(open_array(self.path, DESCRIPTORS), np.asarray(self.places["predicted"]), self._means)

    def _peak_rows(self) -> Iterator[tuple[object, ...]]:
        for place, part in zip(self.places, self.part_of.tolist(), strict=True):
            if not place["background"]:
                image = self.images[int(place["image"])]
                yield (
                    image.file,
                    image.label or "",
                    image.split or "",
                    round(float(place["x"]), 1),
                    round(float(place["y"]), 1),
                    round(float(place["response"]), 4),
                    SETS[int(place["set"])],
                    self.parts.name(part),
                    float(f"{place['contribution']:.6g}"),
                )

    def _edit(self, make: Callable[[EditedParts], PartEdit]) -> None:
        with self._journal():
            self._take(self.parts.with_edit(self.parts.marked(make(self.parts))))

    @contextmanager
    def _journal(self) -> Iterator[None]:
        """Lock the journal, and read what another program has written meanwhile."""
        with only_writer(self.path / EDITS):
            self._parts, self._part_of = replace(self._parts, edits=read_edits(self.path / EDITS)), None
            yield

    def _take(self, parts: EditedParts) -> None:
        write_edits(self.path / EDITS, parts.edits)
        self._parts, self._part_of = parts, None
        self.write_peaks(self.path / PEAKS_CSV)  # with the names and parts as they are now


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _pair(values: NDArray[Any]) -> tuple[float, float]:
    first, second = values.tolist()
    return float(first), float(second)
