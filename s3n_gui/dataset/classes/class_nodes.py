"""The tree of classes: all images, then families of classes whose names end in the same word, then classes. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from s3n_gui.dataset.survey import USES, Survey

Order = Literal["name", "most", "fewest"]
"""Rows by name ("class 2" before "class 10"), or by their number of images."""
ORDERS: tuple[Order, ...] = get_args(Order)

_FEWEST_CLASSES_FOR_FAMILIES = 20
_DIGITS = re.compile(r"(\d+)")
_UNLABELLED = frozenset({-1})


@dataclass(eq=False, slots=True)
class ClassNode:
    """A row of the tree.

    Attributes:
        title: The displayed text.
        labels: Indices of its classes (-1: without label); None: all images.
        children: The child rows.
        parent: The parent row.
        counts: Number of images per use, in the order of ``USES``, without those left out.
        row: Its position among its parent's children.
    """

    title: str
    labels: frozenset[int] | None
    children: list[ClassNode] = field(default_factory=list)
    parent: ClassNode | None = None
    counts: tuple[int, ...] = (0,) * len(USES)
    row: int = 0

    @property
    def total(self) -> int:
        """The number of images."""
        return sum(self.counts)

    def adopt(self, child: ClassNode) -> ClassNode:
        """Append a child row and return it."""
        child.parent, child.row = self, len(self.children)
        self.children.append(child)
        return child


def class_tree(survey: Survey) -> ClassNode:
    """Return the row "All images" with the classes below it, grouped by family if most names share their last word."""
    whole = ClassNode("All images", None)
    classes = list(enumerate(survey.titles))
    families = _families(survey.titles)
    made: dict[str, ClassNode] = {}
    for label, title in classes:
        family = families.get(label)
        above = whole
        if family is not None:
            if family not in made:
                members = frozenset(other for other, name in families.items() if name == family)
                made[family] = whole.adopt(ClassNode(family, members))
            above = made[family]
        above.adopt(ClassNode(title, frozenset({label})))
    if classes and bool((survey.labels < 0).any()):
        whole.adopt(ClassNode("Without label", _UNLABELLED))
    return whole


def arrange(node: ClassNode, order: Order) -> bool:
    """Sort the rows below a row at every depth, images without a label last; return whether a row moved."""
    arranged = sorted(node.children, key=lambda child: _rank(child, order))
    moved = arranged != node.children
    node.children = arranged
    for row, child in enumerate(arranged):
        child.row = row
        moved |= arrange(child, order)
    return moved


def _rank(node: ClassNode, order: Order) -> tuple[object, ...]:
    size = {"name": 0, "most": -node.total, "fewest": node.total}[order]
    words = _DIGITS.split(node.title.casefold())  # alternates text and digits, so that only like types are compared
    return node.labels == _UNLABELLED, size, [int(word) if at % 2 else word for at, word in enumerate(words)]


def count_images(whole: ClassNode, survey: Survey, uses: NDArray[np.uint8], left_out: frozenset[int]) -> None:
    """Recount the images of every row; ``uses`` is uint8 (N,), an index into ``USES``."""
    counted = np.ones(len(survey), bool)
    counted[list(left_out)] = False
    classes = len(survey.titles)
    # One row per class, and a last one for images without a label, which index -1 selects.
    table = np.zeros((classes + 1, len(USES)), np.int64)
    cells = (survey.labels[counted].astype(np.intp) % (classes + 1)) * len(USES) + uses[counted]
    table += np.bincount(cells, minlength=table.size).reshape(table.shape)
    _count(whole, [tuple(row) for row in table.tolist()])


def _count(node: ClassNode, rows: Sequence[tuple[int, ...]]) -> None:
    if node.children:
        for child in node.children:
            _count(child, rows)
        node.counts = tuple(map(sum, zip(*(child.counts for child in node.children), strict=True)))
    else:  # a class, or "All images" of a data set without labels
        labels = range(-1, len(rows) - 1) if node.labels is None else node.labels
        node.counts = tuple(map(sum, zip(*(rows[label] for label in labels), strict=True)))


def _families(titles: tuple[str, ...]) -> dict[int, str]:
    """Return the family of each class that has one: its last word, if it is shared with another class."""
    if len(titles) < _FEWEST_CLASSES_FOR_FAMILIES:
        return {}
    by_word: dict[str, list[int]] = defaultdict(list)
    for label, title in enumerate(titles):
        words = title.split()
        if len(words) > 1:
            by_word[words[-1]].append(label)
    shared = {word: labels for word, labels in by_word.items() if len(labels) > 1}
    covered = sum(len(labels) for labels in shared.values())
    if len(shared) < 2 or covered < len(titles) / 2:
        return {}
    return {label: word for word, labels in shared.items() for label in labels}
