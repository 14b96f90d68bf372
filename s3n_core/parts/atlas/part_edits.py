"""Edits of an atlas: parts are merged, split, renamed, hidden, marked as background; peaks are moved to another part.

A journal that can be undone and replayed. Parts are numbered from 0; a split gives its second half the next free number, a merge
keeps the first part's. Clusters and descriptors never change: the journal is applied to the cluster of each place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.clustering import Clusters, Read, chunks, nearest
from s3n_core.system.atomic_files import read_bytes, write_bytes
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.line_files import json_line

FORMAT, VERSION = "s3n-part-edits", 3  # 1 had no edits "background" and "object", 2 no "reassign"

SAME = 0.9
"""An edit is replayed on another clustering where its centroids' cosine similarity to those found there is at least this."""

EditKind = Literal["merge", "split", "rename", "hide", "show", "background", "object", "reassign"]

Moved = Callable[["PartEdit", NDArray[np.int64]], NDArray[np.intp]]
"""Returns the rows that an edit "reassign" moves, from the edit and the part of each row before it; none if it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEdit:
    """One edit.

    Attributes:
        kind: "merge" makes the second part one with the first; "split" gives the places that are nearer to the second of
            ``centroids`` to a new part; "rename", "hide" and "show" change one part; "background" and "object" say what it
            holds, whatever was found; "reassign" moves one peak of the atlas to the part.
        parts: The parts concerned.
        name: The new name, for "rename"; empty gives the part its number again.
        centroids: For "split": the two centroids.
        reach: For "split": how far each reaches.
        marks: A centroid of each part concerned, by which the edit is found again in another clustering.
        image: For "reassign": the name of the image.
        x: For "reassign": the peak's place, in pixels of the original.
        y: Alike.
        taken: Whether it came with the parts of another atlas; when these are taken again, it is left out.
    """

    kind: EditKind
    parts: tuple[int, ...]
    name: str = ""
    centroids: tuple[Any, ...] = ()
    reach: tuple[float, ...] = ()
    marks: tuple[Any, ...] = ()
    image: str = ""
    x: float = 0.0
    y: float = 0.0
    taken: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what the edit does as JSON values: without an image where it concerns none, and without where it comes from."""
        fields: dict[str, Any] = to_json(self)
        left_out = ("taken",) if self.image else ("image", "x", "y", "taken")
        return {name: fields[name] for name in fields if name not in left_out}


@dataclass(frozen=True, eq=False)
class EditedParts:
    """Clusters with the edits applied to them.

    Attributes:
        clusters: The clusters.
        edits: The edits, oldest first.
    """

    clusters: Clusters
    edits: tuple[PartEdit, ...] = ()
    _names: dict[int, str] = field(init=False)
    _hidden: set[int] = field(init=False)
    _background: dict[int, bool] = field(init=False)
    _numbers: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        names, hidden, numbers = dict[int, str](), set[int](), list(range(len(self.clusters.centroids)))
        background = dict[int, bool]()
        following = len(numbers)
        for edit in self.edits:
            self._check(edit, numbers)
            match edit.kind:
                case "merge":
                    numbers.remove(edit.parts[1])
                case "split":
                    numbers.append(following)
                    following += 1
                case "rename":
                    names[edit.parts[0]] = edit.name
                case "hide":
                    hidden.add(edit.parts[0])
                case "show":
                    hidden.discard(edit.parts[0])
                case "background" | "object":
                    background[edit.parts[0]] = edit.kind == "background"
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_hidden", hidden)
        object.__setattr__(self, "_background", background)
        object.__setattr__(self, "_numbers", tuple(numbers))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The parts that there are, hidden ones included."""
        return self._numbers

    def name(self, part: int) -> str:
        """Return a part's name, "part N" (from 1) if it was given none."""
        return self._names.get(part) or numbered_name(part)

    def is_hidden(self, part: int) -> bool:
        """Return whether a part is hidden."""
        return part in self._hidden

    def said_background(self, part: int) -> bool | None:
        """Return whether a person has said that a part holds background (True) or not (False); None: nobody has."""
        return self._background.get(part)

    def background(self, found: Collection[int]) -> frozenset[int]:
        """Return the parts that hold background: those that a person has marked, and those that were found and not unmarked."""
        said = {part: self.said_background(part) for part in self.numbers}
        return frozenset(part for part in said if said[part] or (said[part] is None and part in found))

    def number(self, wanted: str | int) -> int:
        """Return a part that is given by its name, by "part N" whatever its name, or by its number (an int from 0).

        Raises:
            AtlasError: There is none, or several are called so.
        """
        if isinstance(wanted, str):
            found = [part for part in self.numbers if wanted in (self.name(part), numbered_name(part))]
        else:
            found = [part for part in self.numbers if part == wanted]
        if not found:
            names = ", ".join(self.name(part) for part in self.numbers)
            raise AtlasError(f"The atlas has no part {wanted!r}. Its parts are {names}.")
        if len(found) > 1:
            several = " and ".join(map(numbered_name, found))
            raise AtlasError(f"Several parts are called {wanted!r}: {several}. Rename one of them first.")
        return found[0]

    def require_free_name(self, part: int, name: str) -> None:
        """Check that a part can be given a name by which it is told from all others.

        Raises:
            AtlasError: Another part has the name; or it is the "part N" of another number, which a split may yet make.
        """
        if any(self.name(other) == name for other in self.numbers if other != part):
            raise AtlasError(f"Another part is called {name!r}; choose another name.")
        if re.fullmatch("part [1-9][0-9]*", name) and name != numbered_name(part):
            raise AtlasError(f"{name!r} would be taken for the part with this number; choose another name.")

    def with_edit(self, edit: PartEdit) -> EditedParts:
        """Return the parts after one more edit.

        Raises:
            AtlasError: The edit names a part that there is not.
        """
        return EditedParts(self.clusters, (*self.edits, edit))

    def undone(self) -> EditedParts:
        """Return the parts before the last edit.

        Raises:
            AtlasError: There is no edit.
        """
        if not self.edits:
            raise AtlasError("There is no edit to undo.")
        return EditedParts(self.clusters, self.edits[:-1])

    def of(
        self,
        descriptors: NDArray[np.float32],
        moved: Callable[[PartEdit, NDArray[np.int64], NDArray[np.bool_]], NDArray[np.intp]] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the part of each descriptor (n, D), and whether it lies within its centroid's reach.

        Args:
            descriptors: The descriptors.
            moved: Returns the rows that an edit "reassign" moves, from the edit, the part of each row before it, and whether it
                is within reach. A moved row counts as within reach. None: the rows are not the atlas's own, so none is moved.
        """
        cluster, distance = nearest(descriptors, self.clusters.centroids)
        within = distance <= self.clusters.reach[cluster]
        by_hand = np.zeros(len(descriptors), dtype=bool)

        def read(rows: NDArray[np.intp]) -> NDArray[np.float32]:
            return descriptors[rows]

        def split(edit: PartEdit, rows: NDArray[np.intp], half: NDArray[np.intp], far: NDArray[np.float32]) -> None:
            within[rows] = (far <= np.array(edit.reach, dtype=np.float32)[half]) | by_hand[rows]

        def move(edit: PartEdit, parts: NDArray[np.int64]) -> NDArray[np.intp]:
            rows = np.empty(0, dtype=np.intp) if moved is None else moved(edit, parts, within)
            by_hand[rows] = within[rows] = True
            return rows

        return self.applied(cluster, read, split, move), within

    def applied(
        self,
        clusters: NDArray[np.integer[Any]],
        read: Read,
        on_split: Callable[..., None] | None = None,
        moved: Moved | None = None,
    ) -> NDArray[np.int64]:
        """Return the part of each row from its cluster, (n,), without finding the clusters again.

        Args:
            clusters: The cluster of each row.
            read: The rows' descriptors, for splits.
            on_split: Called at each split with the edit, the rows, their half (0, 1) and their distance to its centroid.
            moved: The rows that an edit "reassign" moves; None: the rows are not the atlas's own, so none is moved.
        """
        parts, following = clusters.astype(np.int64), len(self.clusters.centroids)
        for edit in self.edits:
            if edit.kind == "merge":
                parts[parts == edit.parts[1]] = edit.parts[0]
            if edit.kind == "split":
                rows = np.flatnonzero(parts == edit.parts[0])
                half, distances = np.empty(len(rows), dtype=np.intp), np.empty(len(rows), dtype=np.float32)
                for some in chunks(len(rows)):
                    half[some], distances[some] = nearest(read(rows[some]), np.array(edit.centroids, dtype=np.float32))
                if on_split is not None:
                    on_split(edit, rows, half, distances)
                parts[rows[half == 1]] = following
                following += 1
            if edit.kind == "reassign" and moved is not None:
                parts[moved(edit, parts)] = edit.parts[0]
        return parts

    def made_of(self) -> dict[int, str]:
        """Return what the clusters, merges and splits make each part, as a text that is the same for the same part.

        Moved peaks do not count, nor names and marks.
        """
        found = {part: str(part) for part in range(len(self.clusters.centroids))}
        following = len(found)
        for edit in self.edits:
            if edit.kind == "merge":
                found[edit.parts[0]] = _digest("merge", found[edit.parts[0]], found.pop(edit.parts[1]))
            if edit.kind == "split":
                whole = found[edit.parts[0]]
                for half, part in enumerate((edit.parts[0], following)):
                    found[part] = _digest("split", whole, half, edit.centroids)
                following += 1
        return found

    def centroids(self, part: int) -> NDArray[np.float32]:
        """Return all centroids whose places a part has, (k, D): one, or those of all parts that were merged into it."""
        found = {number: [centroid] for number, centroid in enumerate(self.clusters.centroids)}
        following = len(found)
        for edit in self.edits:
            if edit.kind == "merge":
                found[edit.parts[0]] += found[edit.parts[1]]
            if edit.kind == "split":
                first, second = np.array(edit.centroids, dtype=np.float32)
                found[edit.parts[0]], found[following] = [first], [second]
                following += 1
        return np.stack(found[part])

    def centroid(self, part: int) -> NDArray[np.float32]:
        """Return a centroid of a part: of a merged one, the first's."""
        first: NDArray[np.float32] = self.centroids(part)[0]
        return first

    def marked(self, edit: PartEdit) -> PartEdit:
        """Return an edit with the marks by which it is found again in another clustering."""
        return replace(edit, marks=tuple(self.centroid(part).tolist() for part in edit.parts))

    @staticmethod
    def _check(edit: PartEdit, numbers: Sequence[int]) -> None:
        missing = [part for part in edit.parts if part not in numbers]
        if missing:
            raise AtlasError(f"The atlas has no part {missing[0] + 1} to {edit.kind}.")
        if len(set(edit.parts)) != (2 if edit.kind == "merge" else 1):
            raise AtlasError("Merging needs two different parts." if edit.kind == "merge" else "Name one part.")


def numbered_name(part: int) -> str:
    """Return what a part is called that was given no name: "part N", from 1."""
    return f"part {part + 1}"


def replayed(
    edits: Iterable[PartEdit], clusters: Clusters, has_peak: Callable[[PartEdit], bool] | None = None
) -> tuple[EditedParts, int]:
    """Apply the edits of one clustering to another, where their centroids, and the peaks that were moved, are found again.

    Args:
        edits: The edits, oldest first, with their marks.
        clusters: The other clustering.
        has_peak: Whether there is a peak at the place of an edit "reassign"; None: there is none.

    Returns:
        The parts after the edits that were found, and the number of those that were not.
    """
    parts, lost = EditedParts(clusters), 0
    for edit in edits:
        found = [_found(parts, np.array(mark, dtype=np.float32)) for mark in edit.marks]
        gone = edit.kind == "reassign" and (has_peak is None or not has_peak(edit))
        if gone or None in found or len(set(found)) != len(edit.parts):
            lost += 1
            continue
        moved = replace(edit, parts=tuple(part for part in found if part is not None))
        parts = parts.with_edit(parts.marked(moved))
    return parts, lost


def read_edits(path: Path) -> tuple[PartEdit, ...]:
    """Read a journal; without a file there are no edits.

    Raises:
        AtlasError: It is damaged, or of a newer version.
    """
    if not path.exists():
        return ()
    try:
        header, *lines = [json.loads(line) for line in read_bytes(path).splitlines()]
        if header["format"] != FORMAT or header["version"] > VERSION:
            raise ValueError("it is of a newer version of this program")
        return tuple(from_json(PartEdit, line) for line in lines)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Move it away to go on without its edits.") from error


def write_edits(path: Path, edits: Iterable[PartEdit]) -> None:
    """Write a journal, atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    lines = [json_line({"format": FORMAT, "version": VERSION})]
    lines += [json_line(edit.to_dict() | ({"taken": True} if edit.taken else {})) for edit in edits]
    write_bytes(path, b"".join(lines))


def edits_digest(edits: Iterable[PartEdit]) -> str:
    """Return a text that is the same for the same edits only."""
    return _digest([edit.to_dict() for edit in edits])


def _digest(*content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _found(parts: EditedParts, mark: NDArray[np.float32]) -> int | None:
    if mark.shape != parts.clusters.centroids.shape[1:]:
        return None
    centroids = np.stack([parts.centroid(part) for part in parts.numbers])
    norms = np.linalg.norm(centroids, axis=1) * np.linalg.norm(mark)
    cosines = centroids @ mark / np.maximum(norms, 1e-12)
    best = int(cosines.argmax())
    return parts.numbers[best] if cosines[best] >= SAME else None
