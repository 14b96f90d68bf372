"""The ranges of a training's images: found once, before the training begins, from all of them that have more than 8 bits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from s3n_core.datasets.decoding import has_wide_values, read_wide_values
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.threaded_map import threaded_map
from s3n_core.datasets.value_ranges import RangeWatch, ValueCounts, ValueKind, ValueRanges, range_of
from s3n_core.errors import UnreadableImage

FINDING = "Finding the range of values"
"""What a training does first if there are training images of more than 8 bits; its progress counts these images."""


def find_ranges(
    records: Sequence[ImageRecord],
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ValueRanges:
    """Find the ranges of the values of all images that have more than 8 bits, by the rules of `range_of`.

    Of the others only the first bytes are read, and those of JPEG, WebP, GIF or BMP not even that. Images that cannot be decoded
    are passed over: the training names them.

    Args:
        records: The training images.
        tell: Called with a sentence before the images are decoded, and with one that names what was found.
        progress: Called with the number of decoded images and of all that have more than 8 bits, in the calling thread; an
            exception that it raises ends the search.

    Returns:
        The ranges; without any where all images have 8 bits.
    """
    wide = [record for record in records if has_wide_values(record.path)]
    if not wide:
        return ValueRanges()
    if tell is not None:
        tell(f"{len(wide)} of {len(records)} training images have more than 8 bits; finding the range of their values.")
    counts: dict[ValueKind, ValueCounts] = {"integers": ValueCounts(), "floats": ValueCounts()}

    def count(record: ImageRecord) -> None:
        with contextlib.suppress(UnreadableImage):
            found = read_wide_values(record.path)
            if found is not None:
                counts[found.kind].add(found.values)

    with closing(threaded_map(count, wide)) as counted:
        for done, _ in enumerate(counted, 1):
            if progress is not None:
                progress(done, len(wide))
    ranges = ValueRanges(range_of(counts["integers"], "integers"), range_of(counts["floats"], "floats"))
    if tell is not None and ranges:
        tell(ranges.sentence())
    return ranges


def image_warnings(path: Path, ranges: ValueRanges) -> tuple[str, ...]:
    """Say how the values of one image do not suit the ranges that a model was trained with; see `RangeWatch.warnings`.

    An image of 8 bits is not decoded. Of one that cannot be decoded, nothing is said: whoever shows it says why.
    """
    watch = RangeWatch(ranges)
    with contextlib.suppress(UnreadableImage):
        wide = read_wide_values(path) if has_wide_values(path) else None
        if wide is not None:
            watch.add(wide.kind, wide.values)
    return watch.warnings(one=True)
