"""Classes of very unequal size, which a training would favour by their number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_TIMES = 5
"""The largest class may have this many times the images of the smallest before it is pointed out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnequalClasses:
    """The largest and the smallest class of a data set.

    Attributes:
        largest: The class with the most images.
        largest_images: How many it has.
        smallest: The class with the fewest images, of those that have any.
        smallest_images: How many it has.
    """

    largest: str
    largest_images: int
    smallest: str
    smallest_images: int

    @property
    def sentence(self) -> str:
        """Say it to a person, with the number of images of both."""
        times = f"{self.largest_images / self.smallest_images:.1f}".removesuffix(".0")
        return (
            f"Unequal classes: {self.largest} has {self.largest_images} images for training, {self.smallest} has "
            f"{self.smallest_images} ({times} to 1)."
        )


def unequal_classes(counts: Sequence[int], classes: Sequence[str]) -> UnequalClasses | None:
    """Compare the largest class with the smallest.

    Args:
        counts: Images for training of each class; a class without any is not compared.
        classes: Class names, in the same order.

    Returns:
        The two classes where the largest has more than `MOST_TIMES` times the images of the smallest; else None.
    """
    present = [label for label, count in enumerate(counts) if count]
    if not present:
        return None
    largest = max(present, key=lambda label: counts[label])
    smallest = min(present, key=lambda label: counts[label])
    if counts[largest] <= MOST_TIMES * counts[smallest]:
        return None
    return UnequalClasses(
        largest=classes[largest],
        largest_images=counts[largest],
        smallest=classes[smallest],
        smallest_images=counts[smallest],
    )
