"""The tree of classes: all images, families of classes whose names end alike, classes. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from s3n_gui.dataset.survey import USES, Survey

_FEWEST_CLASSES_FOR_FAMILIES = 20


@dataclass(eq=False, slots=True)
class ClassNode:
    """A row of the tree.

    Attributes:
        title: What it says.
        labels: The classes below it, by index (-1: without one); None: all images.
        children: Rows below it.
        parent: The row above it.
        counts: Number of its images by use, in the order of ``USES``; those left out are not counted.
        row: Its place among its parent's children.
    """

    title: str
    labels: frozenset[int] | None
    children: list[ClassNode] = field(default_factory=list)
    parent: ClassNode | None = None
    counts: tuple[int, ...] = (0,) * len(USES)
    row: int = 0

    @property
    def total(self) -> int:
        """Number of images."""
        return sum(self.counts)

    def adopt(self, child: ClassNode) -> ClassNode:
        """Take a row below this one."""
        child.parent, child.row = self, len(self.children)
        self.children.append(child)
        return child


def class_tree(survey: Survey) -> ClassNode:
    """Return the row "All images" with the classes below it, by family where most names end in a word that others share."""
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
        whole.adopt(ClassNode("Without label", frozenset({-1})))
    return whole


def count_images(whole: ClassNode, survey: Survey, uses: NDArray[np.uint8], left_out: frozenset[int]) -> None:
    """Count the images of every row anew."""
    counted = np.ones(len(survey), bool)
    counted[list(left_out)] = False
    classes = len(survey.titles)
    # One column for each class and one, the last, for images without a label; -1 finds it.
    table = np.zeros((classes + 1, len(USES)), np.int64)
    cells = (survey.labels[counted].astype(np.intp) % (classes + 1)) * len(USES) + uses[counted]
    table += np.bincount(cells, minlength=table.size).reshape(table.shape)
    _count(whole, table)


def _count(node: ClassNode, table: NDArray[np.int64]) -> None:
    rows = table.sum(axis=0) if node.labels is None else table[list(node.labels)].sum(axis=0)
    node.counts = tuple(int(number) for number in rows)
    for child in node.children:
        _count(child, table)


def _families(titles: tuple[str, ...]) -> dict[int, str]:
    """Return the family of each class that has one: its last word, where other classes end in it, too."""
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
