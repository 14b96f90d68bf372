"""Which classes of an atlas are confused, or nearly: where it is worth asking what tells them apart. Without torch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from s3n_core.parts.atlas.atlas import Atlas


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPair:
    """Two classes.

    Attributes:
        a: The one with more mistakes towards the other, or more images that have it as their strongest rival.
        b: The other one.
        mistakes: Images of one of them that are predicted as the other.
        rivals: Images of one of them whose strongest rival is the other, mistakes included.
        images: Number of images of both.
        fewest: Number of images of the one that has fewer; an answer needs `comparison.FEWEST` of each.
        margin: Mean margin over the other class in the ``rivals``, in logits; negative where mistakes are large.
    """

    a: str
    b: str
    mistakes: int
    rivals: int
    images: int
    fewest: int
    margin: float


def class_pairs(atlas: Atlas) -> tuple[ClassPair, ...]:
    """Return the pairs of classes of which some image of one has the other as its strongest rival.

    Images without a label that the model knows are left out.

    Returns:
        The pairs with most mistakes first; among equals those with the smallest margin.
    """
    classes = atlas.classes
    totals, mistakes = defaultdict[str, int](int), defaultdict[tuple[str, str], int](int)
    margins = defaultdict[tuple[str, str], list[float]](list)
    for image in atlas.images:
        label, versus = image.label, image.versus
        if image.error or label is None or versus is None or label not in classes:
            continue
        totals[label] += 1
        rival = classes[versus]
        margins[label, rival].append(image.margin)
        if image.predicted is not None and classes[image.predicted] == rival:
            mistakes[label, rival] += 1
    found = []
    for one, other in {tuple(sorted(pair)) for pair in margins}:
        ways = [(one, other), (other, one)]
        ways.sort(key=lambda way: (-mistakes[way], -len(margins[way]), way))
        a, b = ways[0]
        both = margins[a, b] + margins[b, a]
        found.append(
            ClassPair(
                a=a,
                b=b,
                mistakes=mistakes[a, b] + mistakes[b, a],
                rivals=len(both),
                images=totals[a] + totals[b],
                fewest=min(totals[a], totals[b]),
                margin=float(np.mean(both)),
            )
        )
    return tuple(sorted(found, key=lambda pair: (-pair.mistakes, pair.margin, pair.a, pair.b)))
