"""Drawing a share of images, stratified by class.

The draw depends only on the seed and the images' names, not on the order of records or on the images of other classes. Images of
one group (a specimen, a patient) are drawn together or not at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from s3n_core.datasets.records import ImageRecord
from s3n_core.system.seeding import keyed_generator

Draw = Callable[[str], float]
"""Maps an image's name to a number in [0, 1); the images with the smallest numbers are drawn."""


def keyed_draw(seed: int, purpose: str) -> Draw:
    """Return the draw for a seed and a purpose: "held-out" for the validation set, or "test"."""
    return lambda name: keyed_generator(seed, purpose, name).random()


def free_to_draw(records: Iterable[ImageRecord], by_hand: Collection[str]) -> list[ImageRecord]:
    """Return the records whose split a draw may choose: none that the user has chosen, nor one of its group."""
    records = tuple(records)
    chosen = {record.group for record in records if record.name in by_hand and record.group is not None}
    return [record for record in records if record.name not in by_hand and record.group not in chosen]


def draw_share(
    records: Iterable[ImageRecord], fraction: float, seed: int, purpose: str, *, draw: Draw | None = None
) -> frozenset[str]:
    """Draw as close to ``fraction`` of each class as whole images allow, and ``fraction`` of all images in total.

    Args:
        records: Labelled images.
        fraction: Share to draw, 0 < fraction < 1; however small, it draws at least one image if a class has two.
        seed: Seed of the draw.
        purpose: Key of the draw; draws for different purposes are independent.
        draw: ``keyed_draw(seed, purpose)``, possibly cached by the caller.

    Returns:
        The names of the drawn images; never the last image of a class. Where images have groups, whole groups are drawn, so
        the share is met less exactly.
    """
    draw = draw or keyed_draw(seed, purpose)
    records = tuple(records)
    if any(record.group is not None for record in records):
        return _draw_groups(records, fraction, seed, purpose, draw)
    by_class: dict[int, list[str]] = defaultdict(list)
    for record in records:
        by_class[-1 if record.label is None else record.label].append(record.name)
    quotas = _quotas({label: len(members) for label, members in by_class.items()}, fraction, seed, purpose)
    drawn: set[str] = set()
    for label, members in by_class.items():
        draws = {name: draw(name) for name in members}
        drawn.update(sorted(draws, key=lambda name: (draws[name], name))[: quotas[label]])
    return frozenset(drawn)


def _draw_groups(
    records: Sequence[ImageRecord], fraction: float, seed: int, purpose: str, draw: Draw
) -> frozenset[str]:
    """Draw whole groups in the order of their draws: each that brings the classes nearer to their quotas."""
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    for record in records:
        groups[f"image {record.name}" if record.group is None else f"group {record.group}"].append(record)
    left = Counter(record.label for record in records)
    wanted = _quotas({-1 if label is None else label: count for label, count in left.items()}, fraction, seed, purpose)
    missing = Counter({label: wanted[-1 if label is None else label] for label in left})
    drawn: set[str] = set()
    for name in sorted(groups, key=lambda name: (draw(name), name)):
        members = Counter(record.label for record in groups[name])
        gain = sum(min(count, max(0, missing[label])) for label, count in members.items())
        if 2 * gain > members.total() and all(count < left[label] for label, count in members.items()):
            drawn.update(record.name for record in groups[name])
            missing.subtract(members)
            left.subtract(members)
    return frozenset(drawn)


def _quotas(counts: Mapping[int, int], fraction: float, seed: int, purpose: str) -> dict[int, int]:
    """Distribute the images to draw among the classes by largest remainders, breaking ties at random."""
    wanted = {label: count * fraction for label, count in counts.items()}
    quotas = {label: min(int(wanted[label]), counts[label] - 1) for label in counts}
    total = max(1, round(sum(counts.values()) * fraction))
    by_remainder = sorted(
        (label for label in counts if quotas[label] < counts[label] - 1),
        key=lambda label: (quotas[label] - wanted[label], keyed_generator(seed, f"{purpose} class", label).random()),
    )
    for label in by_remainder[: max(0, total - sum(quotas.values()))]:
        quotas[label] += 1
    return quotas
