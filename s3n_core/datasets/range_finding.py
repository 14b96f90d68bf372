"""The ranges of a training's images: found once, before the training begins, from all of them that have more than 8 bits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from s3n_core.datasets.decoding import has_wide_values, read_wide_values
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.threaded_map import threaded_map
from s3n_core.datasets.value_ranges import RangeWatch, ValueCounts, ValueKind, ValueRanges, range_of
from s3n_core.datasets.wide_values import WideValues
from s3n_core.errors import UnreadableImage

FINDING = "Finding the range of values"
"""What a training does first if there are images of more than 8 bits; its progress counts these images."""


def find_ranges(
    records: Sequence[ImageRecord],
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    others: Mapping[str, Sequence[ImageRecord]] | None = None,
    warn: Callable[[str], None] | None = None,
) -> ValueRanges:
    """Find the ranges of the values of all training images that have more than 8 bits, by the rules of `range_of`.

    Of the others only the first bytes are read, and those of JPEG, WebP, GIF or BMP not even that. Images that cannot be decoded
    are passed over: the training names them.

    Args:
        records: The training images.
        tell: Called with a sentence before the images are decoded, and with one that names what was found.
        progress: Called with the number of decoded images and of all that have more than 8 bits, in the calling thread; an
            exception that it raises ends the search.
        others: Images that the training does not learn from but that its model will read, by what they are called
            ("validation", "test"); decoded if there is ``warn``.
        warn: Called with a sentence where the values of ``others`` do not suit the ranges, see `RangeWatch.warnings`.

    Returns:
        The ranges; without any where all images have 8 bits.
    """
    wide = _wide(records)
    wide_others = {name: _wide(images) for name, images in (others or {}).items()} if warn is not None else {}
    total, done = len(wide) + sum(map(len, wide_others.values())), 0

    def read_all(images: Sequence[ImageRecord], take: Callable[[WideValues], None]) -> None:
        nonlocal done
        with closing(threaded_map(lambda record: take_wide_values(record.path, take), images)) as read:
            for _ in read:
                done += 1
                if progress is not None:
                    progress(done, total)

    if tell is not None and wide:
        tell(f"{len(wide)} of {len(records)} training images have more than 8 bits; finding the range of their values.")
    counts: dict[ValueKind, ValueCounts] = {"integers": ValueCounts(), "floats": ValueCounts()}
    read_all(wide, lambda found: counts[found.kind].add(found.values))
    ranges = ValueRanges(range_of(counts["integers"], "integers"), range_of(counts["floats"], "floats"))
    if tell is not None and ranges:
        tell(ranges.sentence())
    for name, images in wide_others.items():
        watch = RangeWatch(ranges)
        read_all(images, lambda found, watch=watch: watch.add(found.kind, found.values))  # type: ignore[misc]
        for sentence in watch.warnings(f"the {name} images of more than 8 bits"):
            assert warn is not None
            warn(sentence)
    return ranges


def _wide(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    return [record for record in records if has_wide_values(record.path)]


def take_wide_values(path: Path, take: Callable[[WideValues], None]) -> None:
    """Hand the values of an image with more than 8 bits to a function; one that has not, or cannot be decoded, is passed over."""
    if not has_wide_values(path):
        return
    with contextlib.suppress(UnreadableImage):
        found = read_wide_values(path)
        if found is not None:
            take(found)


def image_warnings(path: Path, ranges: ValueRanges) -> tuple[str, ...]:
    """Say how the values of one image do not suit the ranges that a model was trained with; see `RangeWatch.warnings`.

    An image of 8 bits is not decoded. Of one that cannot be decoded, nothing is said: whoever shows it says why.
    """
    watch = RangeWatch(ranges)
    take_wide_values(path, lambda wide: watch.add(wide.kind, wide.values))
    return watch.warnings("this image")
