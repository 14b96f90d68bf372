"""Whether a model knows the classes that images are labelled with. Free of torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping


def unknown_labels(labels: Iterable[str] | Mapping[str, int], classes: Collection[str]) -> str:
    """Say how far the labels of images are no classes of a model; empty if it knows all of them, or there are none.

    Args:
        labels: The label of each labelled image, or the number of images by label.
        classes: The model's classes.
    """
    counts = Counter(labels)
    known = frozenset(classes)
    unknown = [name for name in counts if name not in known]
    if not unknown:
        return ""
    if len(unknown) == len(counts):
        which = f"none of the {len(counts)} classes" if len(counts) > 1 else "not the only class"
        return (
            f"This model knows {which} of these images, so its accuracy cannot be computed. Choose a model that was "
            "trained on them."
        )
    images = sum(counts[name] for name in unknown)
    first = f"{unknown[0]!r}" + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else "")
    return (
        f"This model does not know {len(unknown)} of the {len(counts)} classes of these images ({first}); "
        f"{images:,} {'image is' if images == 1 else 'images are'} not counted."
    )
