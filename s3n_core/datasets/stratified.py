"""Drawing a share of images, evenly of each class.

What is drawn depends on the seed and on the images' names only: not on the order of records, nor on other classes' images.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from s3n_core.datasets.records import ImageRecord
from s3n_core.system.seeding import keyed_generator

Draw = Callable[[str], float]
"""The number, 0 up to 1, that an image's name draws; those with the smallest numbers are taken."""


def keyed_draw(seed: int, purpose: str) -> Draw:
    """Return the draw of a seed for a purpose ("held-out" for the validation set, "test")."""
    return lambda name: keyed_generator(seed, purpose, name).random()


def draw_share(
    records: Iterable[ImageRecord], fraction: float, seed: int, purpose: str, *, draw: Draw | None = None
) -> frozenset[str]:
    """Draw as near to ``fraction`` of each class as whole images allow, with ``fraction`` of all together.

    Args:
        records: Labelled images.
        fraction: Share to draw, 0 up to but not including 1.
        seed: Decides what is drawn, together with ``purpose``.
        purpose: Draws for different purposes do not depend on one another.
        draw: ``keyed_draw(seed, purpose)``, for a caller that remembers what it returned.

    Returns:
        The names of the drawn images; never the last image of a class.
    """
    draw = draw or keyed_draw(seed, purpose)
    by_class: dict[int, list[str]] = defaultdict(list)
    for record in records:
        by_class[-1 if record.label is None else record.label].append(record.name)
    quotas = _quotas({label: len(members) for label, members in by_class.items()}, fraction, seed, purpose)
    drawn: set[str] = set()
    for label, members in by_class.items():
        draws = {name: draw(name) for name in members}
        drawn.update(sorted(draws, key=lambda name: (draws[name], name))[: quotas[label]])
    return frozenset(drawn)


def _quotas(counts: Mapping[int, int], fraction: float, seed: int, purpose: str) -> dict[int, int]:
    """Share out the images to draw among classes by largest remainders, ties by a draw."""
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
