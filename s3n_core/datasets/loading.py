"""Decoded, resized batches, prefetched by a few threads.

Threads, not processes: Pillow releases the GIL while it decodes and resizes, so threads keep every core busy without
the cost of starting processes and copying between them. Batches arrive in the requested order, and the number of views
in memory is bounded, however long the list is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.range_finding import take_wide_values
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.threaded_map import threaded_map, worker_count
from s3n_core.datasets.value_ranges import RangeWatch, ValueKind, ValueRanges, WhatOccurs
from s3n_core.datasets.wide_values import WideValues
from s3n_core.errors import UnreadableImage

__all__ = ["Batch", "Sample", "SampleReader", "Samples", "View", "load_batches", "worker_count"]

View = Callable[[Image.Image, int], NDArray[np.uint8]]
"""Makes one (S, S, 3) view of a decoded image; the integer is the sample's position in the list."""

_Loaded = tuple[NDArray[np.uint8], tuple[int, int]] | UnreadableImage


@dataclass(frozen=True, slots=True)
class Sample:
    """One image to load.

    Attributes:
        path: The file.
        name: The sample's key: its name in the data set.
        label: Its class index, or None.
        banner: Rows to cut off at the lower edge (`ImageRecord.banner`).
    """

    path: Path
    name: str
    label: int | None = None
    banner: int = 0

    @classmethod
    def of(cls, record: ImageRecord, label: int | None = None) -> Sample:
        """Make a sample from a record, with the given label instead of the record's own."""
        return cls(record.path, record.name, label, record.banner)


class Samples(Sequence[Sample]):
    """The samples of records, each made when it is asked for: a list of them would take 80 bytes an image.

    Args:
        records: The images.
        labels: The sample's label for each label of a record; None: the same.
    """

    def __init__(self, records: Sequence[ImageRecord], labels: Mapping[int, int] | None = None) -> None:
        self._records, self._labels = records, labels

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> Samples: ...
    def __getitem__(self, place: int | slice) -> Sample | Samples:
        if isinstance(place, slice):
            return Samples(self._records[place], self._labels)
        record = self._records[place]
        if self._labels is None or record.label is None:
            return Sample.of(record)
        return Sample.of(record, self._labels[record.label])


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Consecutive samples, without those that cannot be read.

    Attributes:
        images: uint8, shape (B, S, S, 3). If no image of the batch can be read, B = 0 and S is that of the previous
            batch, or 0.
        labels: int64, shape (B,), or None if any sample of the whole list has no label.
        names: The samples' keys, length B.
        positions: int64, shape (B,): positions in the list of samples.
        sizes: int64, shape (B, 2): (width, height) of the decoded images, in pixels.
        errors: Errors of the samples left out of this batch.
        error_positions: int64: positions of these samples, in the order of ``errors``.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]
    positions: NDArray[np.int64]
    sizes: NDArray[np.int64]
    errors: tuple[UnreadableImage, ...]
    error_positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, images: NDArray[np.uint8], names: Sequence[str], labels: NDArray[np.int64] | None = None) -> Batch:
        """Make a batch of existing views (B, S, S, 3); sizes are the views' own, positions are 0 ... B - 1."""
        count, height, width = images.shape[:3]
        return cls(
            images=images,
            labels=labels,
            names=tuple(names),
            positions=np.arange(count),
            sizes=np.tile(np.array([width, height]), (count, 1)),
            errors=(),
            error_positions=np.empty(0, dtype=np.int64),
        )

    def piece(self, some: slice) -> Batch:
        """Return a slice of the readable samples as a batch without errors."""
        return Batch(
            images=self.images[some],
            labels=None if self.labels is None else self.labels[some],
            names=self.names[some],
            positions=self.positions[some],
            sizes=self.sizes[some],
            errors=(),
            error_positions=self.error_positions[:0],
        )


def read_sample(sample: Sample) -> Image.Image:
    """Decode a sample's file, without its banner."""
    return read_image(sample.path, banner=sample.banner)


class SampleReader:
    """Decodes samples as a model wants them, and notices where their values do not suit its ranges. For any thread.

    Args:
        ranges: Of values of more than 8 bits; a model's.
        watched: Keep count of the values, for `warnings`.
    """

    def __init__(self, ranges: ValueRanges, *, watched: bool = True) -> None:
        self._ranges = ranges
        self._watch = RangeWatch(ranges)
        self._watched = watched

    def __call__(self, sample: Sample) -> Image.Image:
        """Decode a sample's file, without its banner.

        Raises:
            UnreadableImage: As `read_image`.
        """
        seen = self._seen if self._watched else None
        return read_image(sample.path, banner=sample.banner, ranges=self._ranges, seen=seen)

    def warnings(self) -> tuple[str, ...]:
        """Return what to tell of the images read so far, see `RangeWatch.warnings`."""
        return self._watch.warnings()

    def counts(self) -> Mapping[ValueKind, WhatOccurs]:
        """Return how often each value has occurred in the images read so far, for another process's `join`."""
        return self._watch.counts()

    def join(self, counts: Mapping[ValueKind, WhatOccurs]) -> None:
        """Add what another process has read, for `warnings`."""
        self._watch.join(counts)

    def look_again(self, paths: Sequence[Path]) -> None:
        """Count the values of images that an earlier process has read, for `warnings`; images of 8 bits are not decoded."""
        with closing(threaded_map(lambda path: take_wide_values(path, self._seen), paths)) as read:
            for _ in read:
                pass

    def _seen(self, wide: WideValues) -> None:
        self._watch.add(wide.kind, wide.values)


def load_batches(
    samples: Sequence[Sample],
    view: View,
    batch_size: int | Sequence[int],
    *,
    order: Sequence[int] | NDArray[np.int64] | None = None,
    workers: int | None = None,
    prefetch: int = 2,
    read: Callable[[Sample], Image.Image] = read_sample,
) -> Generator[Batch, None, None]:
    """Load samples in batches.

    Close the generator (``contextlib.closing``) to stop early: it waits for the images in progress, drops the rest, and
    ends all its threads.

    Args:
        samples: All samples.
        view: Makes the view of one decoded image; called from several threads at once.
        batch_size: Samples per batch (the last one may be smaller), or the sizes of all batches; some may be 0.
        order: Positions in ``samples`` to load, in this order; None: all, in list order.
        workers: Loading threads; None: ``worker_count()``; 0: load in the calling thread.
        prefetch: Batches to load ahead while the caller works on one.
        read: Decodes one sample.

    Returns:
        A generator of all batches, in order. Unreadable images are left out and listed in ``Batch.errors``; a batch
        without any readable image is yielded empty. Other exceptions of ``view`` or ``read`` are raised at
        their batch.

    Raises:
        ValueError: ``batch_size`` or ``prefetch`` is out of range.
    """
    positions = range(len(samples)) if order is None else order
    if isinstance(batch_size, int):
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size} must be at least 1")
        sizes: Sequence[int] = _even_sizes(len(positions), batch_size)
    else:
        sizes = batch_size
        if sum(sizes) != len(positions):
            raise ValueError(f"the batches hold {sum(sizes)} samples, not {len(positions)}")
    if prefetch < 0:
        raise ValueError(f"prefetch {prefetch} must be at least 0")
    return _batches(samples, view, positions, sizes, workers, prefetch, read)


def _even_sizes(count: int, size: int) -> list[int]:
    whole, rest = divmod(count, size)
    return [size] * whole + ([rest] if rest else [])


def _batches(
    samples: Sequence[Sample],
    view: View,
    positions: Sequence[int] | NDArray[np.int64],
    sizes: Sequence[int],
    workers: int | None,
    prefetch: int,
    read: Callable[[Sample], Image.Image],
) -> Generator[Batch, None, None]:
    labelled = all(sample.label is not None for sample in samples)

    def load(position: int) -> _Loaded:
        try:
            image = read(samples[position])
            return view(image, position), image.size
        except UnreadableImage as error:
            return error

    whole, ahead = min(prefetch, 1), max(prefetch - 1, 0) * max(sizes, default=1)  # batches, and images of further ones

    def collated() -> Generator[Batch, None, None]:
        start, empty_shape = 0, (0, 0, 0, 3)
        with closing(threaded_map(load, map(int, positions), workers=workers, ahead=ahead)) as views:
            for size in sizes:
                chunk = [int(position) for position in positions[start : start + size]]
                start += size
                batch = _collate(samples, chunk, list(islice(views, len(chunk))), labelled, empty_shape)
                empty_shape = (0, *batch.images.shape[1:])
                yield batch

    # One thread puts batches together, one ahead: whoever takes a batch waits once for the interpreter, which the decoding
    # threads keep busy, instead of once for each image.
    alone = 0 if workers == 0 else 1
    with (
        closing(collated()) as made,
        closing(threaded_map(lambda _: next(made), sizes, workers=alone, ahead=whole)) as batches,
    ):
        yield from batches


def _collate(
    samples: Sequence[Sample],
    positions: Sequence[int],
    loaded: Sequence[_Loaded],
    labelled: bool,
    empty_shape: tuple[int, ...],
) -> Batch:
    views = [item[0] for item in loaded if not isinstance(item, UnreadableImage)]
    sizes = [item[1] for item in loaded if not isinstance(item, UnreadableImage)]
    kept = [position for position, item in zip(positions, loaded, strict=True) if not isinstance(item, UnreadableImage)]
    lost = [position for position, item in zip(positions, loaded, strict=True) if isinstance(item, UnreadableImage)]
    return Batch(
        images=np.stack(views) if views else np.empty(empty_shape, dtype=np.uint8),
        labels=np.array([samples[position].label for position in kept], dtype=np.int64) if labelled else None,
        names=tuple(samples[position].name for position in kept),
        positions=np.array(kept, dtype=np.int64),
        sizes=np.array(sizes, dtype=np.int64).reshape(-1, 2),
        errors=tuple(item for item in loaded if isinstance(item, UnreadableImage)),
        error_positions=np.array(lost, dtype=np.int64),
    )
