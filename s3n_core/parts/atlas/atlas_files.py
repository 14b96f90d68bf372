"""The files of an atlas. Without torch.

``atlas.json`` is written last: a folder without it holds an unfinished atlas, which the same command finishes. Large arrays are
``.npy`` files that are read through memory maps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.clustering import Clusters, Read
from s3n_core.system.atomic_files import open_atomic, read_bytes
from s3n_core.system.json_values import from_json
from s3n_core.system.line_files import part_path

FORMAT, VERSION = "s3n-atlas", 1
IMAGES_FORMAT = "s3n-atlas-images"

HEADER, IMAGES, EDITS, PEAKS_CSV = "atlas.json", "images.jsonl", "edits.jsonl", "peaks.csv"
PEAKS, DESCRIPTORS, ASSIGNMENTS = "peaks.npy", "descriptors.npy", "assignments.npy"
CENTROIDS, CLASS_MEANS = "centroids.npy", "class_means.npy"
OUTSIDE = "outside.npy"
"""Whether each place lies outside the object's box, int8: 1 or 0, -1 without a box. Atlases of earlier versions lack it."""

UNFINISHED_DESCRIPTORS = "descriptors.part"

PRIOR_PEAKS = 5
"""The mean descriptor of a class counts this many peaks with the mean of all classes, for classes with few peaks."""

SETS = ("D", "C", "both", "none")
"""The sets of a peak, by the number in ``peaks.npy``."""

PLACE = np.dtype(
    [
        ("image", "<i4"),
        ("x", "<f4"),
        ("y", "<f4"),
        ("response", "<f4"),
        ("contribution", "<f4"),
        ("set", "u1"),
        ("background", "?"),
        ("predicted", "<i4"),
    ]
)
"""A row of ``peaks.npy``: the image's position in ``images.jsonl``; (x, y) in original pixels; R at the peak; the peak's
contribution, in logits; its set; whether it is no peak but a randomly drawn cell; the index of the image's predicted class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Which places an atlas holds; it is continued only by the same.

    Attributes:
        model: First 16 hexadecimal digits of the model file's SHA-256.
        mode: How peaks are assigned to D and C.
        precision: Precision of the network's layers.
        classes: The model's class names, by index.
        images: Fingerprint of the list of images.
        count: Number of images.
        seed: Seed of the randomly drawn cells, and of the clustering.
    """

    model: str
    mode: str
    precision: str
    classes: tuple[str, ...]
    images: str
    count: int
    seed: int

    def difference(self, other: Collection) -> str:
        """Return how ``other`` differs, as a clause; empty if they are the same."""
        if (other.model, other.classes) != (self.model, self.classes):
            return f"another model ({other.model}, not {self.model})"
        if (other.mode, other.precision) != (self.mode, self.precision):
            return f"another sampling mode or precision ({other.mode}, {other.precision})"
        if (other.images, other.count) != (self.images, self.count):
            return f"other images ({other.count} then, {self.count} now, or some of them have changed)"
        return f"another seed ({other.seed}, not {self.seed})" if other.seed != self.seed else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptorAgreement:
    """How well clusters of one kind of descriptor follow annotated parts instead of classes, as NMI in [0, 1].

    Attributes:
        part: With the nearest annotated part, over the peaks that have one.
        label: With the image's class, over the same peaks.
        peaks: Number of these peaks.
    """

    part: float
    label: float
    peaks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasHeader:
    """The content of ``atlas.json``.

    Attributes:
        collection: Fields of the `Collection`.
        data: The data set's folder.
        data_format: How it was read.
        split: Which images these are.
        model_path: The model file.
        parts: Number of clusters.
        suggested: Whether their number was suggested.
        silhouettes: Silhouette by number of parts, where it was suggested; in [-1, 1].
        centred: Whether the mean of the image's predicted class is subtracted from its descriptors.
        background_parts: Clusters that hold background.
        reach: How far each centroid reaches; none while other groups are being stored (`read_groups`).
        agreement: NMI with annotated parts by kind of descriptor, "class mean subtracted" and "as they are".
        lost_edits: Edits of an earlier clustering that were not found again.
        parts_of: The folder of the atlas whose parts these are; empty if they were found in these images.
        taken_edits: Digest of the edits of that atlas (`edits_digest`); earlier versions did not keep it.
        origin: Where the weights come from that the model began with, with their licence (``network.origin`` of its file);
            earlier versions did not keep it.
    """

    collection: Mapping[str, Any]
    data: str
    data_format: str
    split: str
    model_path: str
    parts: int
    suggested: bool
    silhouettes: Mapping[str, float]
    centred: bool
    background_parts: tuple[int, ...]
    reach: tuple[float, ...]
    agreement: Mapping[str, Any] = field(default_factory=dict)
    lost_edits: int = 0
    parts_of: str = ""
    taken_edits: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasImage:
    """One image of an atlas: a line of ``images.jsonl``.

    Attributes:
        file: Its name.
        label: Name of its class, or None.
        split: Its split, or None.
        width: Of the original, in pixels.
        height: Of the original, in pixels.
        predicted: Index of the predicted class; None if the image could not be read.
        target: Index of the class whose margin is divided: the label's if the model knows it, else the predicted one.
        versus: Index of that class's strongest rival.
        margin: The margin of ``target`` over ``versus``, in logits.
        rest: What of it is read at no peak, in logits; together with the peaks' contributions and ``bias`` it is the margin.
        bias: The difference of the biases.
        rows: Number of its rows in ``peaks.npy``.
        error: Why it could not be used; empty if it could.
    """

    file: str
    label: str | None = None
    split: str | None = None
    width: int = 0
    height: int = 0
    predicted: int | None = None
    target: int | None = None
    versus: int | None = None
    margin: float = 0.0
    rest: float = 0.0
    bias: float = 0.0
    rows: int = 0
    error: str = ""


def is_atlas(folder: Path) -> bool:
    """Return whether a folder holds a finished atlas; opens at most one small file."""
    try:
        fields = json.loads((folder / HEADER).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(fields, dict) and fields.get("format") == FORMAT


def is_unfinished_atlas(folder: Path) -> bool:
    """Return whether a folder holds what a stopped job has collected for an atlas."""
    return not (folder / HEADER).exists() and part_path(folder / IMAGES).exists()


def read_header(folder: Path) -> AtlasHeader | None:
    """Read an atlas's header; None where there is no finished atlas.

    Raises:
        AtlasError: It is damaged, or of a newer version.
    """
    path = folder / HEADER
    if not path.exists():
        return None
    try:
        fields = json.loads(read_bytes(path))
        if fields["format"] != FORMAT or fields["version"] > VERSION:
            raise ValueError("it is of a newer version of this program")
        return from_json(AtlasHeader, fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Build the atlas again in another folder.") from error


def read_image_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read the lines of ``images.jsonl``, or of an unfinished one, without its header."""
    with open(path, "rb") as file:
        file.readline()
        for line in file:
            yield json.loads(line)


def image_of(line: Mapping[str, Any]) -> AtlasImage:
    """Return an image from its line, without its places."""
    return from_json(AtlasImage, line)


def read_images(folder: Path, count: int) -> tuple[AtlasImage, ...]:
    """Read the images of a finished atlas, those that could not be used included.

    Args:
        folder: The atlas's folder.
        count: How many there are.

    Raises:
        AtlasError: Their file is missing or damaged.
    """
    path = folder / IMAGES
    try:
        images = tuple(map(image_of, read_image_lines(path)))
        if len(images) != count:
            raise ValueError(f"it holds {len(images)} images instead of {count}")
    except (OSError, ValueError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Build the atlas again with --restart.") from error
    return images


@contextmanager
def open_new_array(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> Iterator[BinaryIO]:
    """Open an array's file to write its rows one after another; it replaces ``path`` when the block ends without an error.

    Not through a memory map: one of ``path`` itself would change what other programs have open, and any ends the program if the
    disk gets full.

    Args:
        path: The file.
        dtype: The array's type.
        shape: Its shape, all of whose bytes the block has to write.

    Yields:
        The file, after its header.

    Raises:
        OutputError: The file cannot be written; it is unchanged.
    """
    with open_atomic(path) as file:
        described = np.lib.format.dtype_to_descr(np.dtype(dtype))
        np.lib.format.write_array_header_1_0(file, {"descr": described, "fortran_order": False, "shape": shape})
        yield file


def read_groups(folder: Path, header: AtlasHeader) -> tuple[Clusters, NDArray[np.integer[Any]]]:
    """Read the groups of an atlas into memory: their files are replaced when it is grouped anew.

    Args:
        folder: The atlas's folder.
        header: Its header.

    Returns:
        The clusters, and the cluster of each place, (n,).

    Raises:
        AtlasError: They are missing or damaged, or a job was interrupted while it stored them.
    """
    centroids, assigned = (np.array(open_array(folder, name)) for name in (CENTROIDS, ASSIGNMENTS))
    whole = len(centroids) == len(header.reach) and len(assigned) == len(open_array(folder, PEAKS))
    if not whole or (assigned.size and not 0 <= assigned.min() <= assigned.max() < len(centroids)):
        raise AtlasError(f"The atlas in {folder} was interrupted while it was grouped; run the same command again.")
    return Clusters(centroids, np.array(header.reach, dtype=np.float32)), assigned


def open_array(folder: Path, name: str) -> NDArray[Any]:
    """Open an array through a memory map.

    Raises:
        AtlasError: It is missing or damaged.
    """
    path = folder / name
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Build the atlas again.") from error
    return array


def descriptor_reader(
    descriptors: NDArray[np.float16], predicted: Sequence[int] | NDArray[np.int32], means: NDArray[np.float32] | None
) -> Read:
    """Return a function that reads descriptors as they are compared.

    Args:
        descriptors: As stored, (n, D).
        predicted: The predicted class of each row's image.
        means: The mean of each class, (C, D), which is subtracted; None: descriptors are compared as they are.
    """

    def read(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        some = np.asarray(descriptors[rows], dtype=np.float32)
        return compared(some, None if means is None else means[np.asarray(predicted)[rows]])

    return read


def compared(descriptors: NDArray[np.float32], means: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Return descriptors (n, D) as they are compared: without the mean of their class, L2-normalised."""
    rest = descriptors if means is None else descriptors - means
    lengths = np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-12)
    found: NDArray[np.float32] = (rest / lengths).astype(np.float32)
    return found


def class_means(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the mean descriptor of each class, (C, D), from the sums (C, D) and numbers (C,) of its peaks' descriptors."""
    overall = sums.sum(axis=0) / max(counts.sum(), 1)
    means: NDArray[np.float32] = ((sums + PRIOR_PEAKS * overall) / (counts + PRIOR_PEAKS)[:, None]).astype(np.float32)
    return means
