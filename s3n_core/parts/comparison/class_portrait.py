"""One class's parts, the strongest first, and the classes that share each. Without torch."""

from __future__ import annotations

from dataclasses import dataclass

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.part_summaries import ClassPart
from s3n_core.parts.comparison.class_matrix import class_matrix

SHARED = 0.5
"""A class shares a part if it is found in at least this share of the class's images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingClass:
    """Another class in which a part is found.

    Attributes:
        name: Its name.
        images: In how many of its images the part has a peak.
        total: Number of its images.
        contribution: What the part's peaks contribute to its margin over the strongest rival, in logits, per image.
    """

    name: str
    images: int
    total: int
    contribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PortraitPart:
    """A part of a class.

    Attributes:
        part: What it contributes there.
        background: Whether it holds background.
        shared: The other classes that share it, those in which it contributes most first.
    """

    part: ClassPart
    background: bool
    shared: tuple[SharingClass, ...]


def class_portrait(atlas: Atlas, name: str) -> tuple[PortraitPart, ...]:
    """Return the parts of a class, those whose peaks contribute most first, each with the classes that share it.

    Raises:
        AtlasError: There is no such class, or no image of it.
    """
    label, matrix, background = atlas.classes[atlas.class_index(name)], class_matrix(atlas), atlas.background
    found = []
    for part in atlas.class_parts(name):
        column = matrix.parts.index(part.part)
        shared = [
            SharingClass(
                name=other,
                images=int(matrix.found[row, column]),
                total=int(matrix.images[row]),
                contribution=float(matrix.contributions[row, column]),
            )
            for row, other in enumerate(matrix.classes)
            if other != label and matrix.found[row, column] >= SHARED * matrix.images[row]
        ]
        found.append(
            PortraitPart(
                part=part,
                background=part.part in background,
                shared=tuple(sorted(shared, key=lambda one: -one.contribution)),
            )
        )
    return tuple(found)
