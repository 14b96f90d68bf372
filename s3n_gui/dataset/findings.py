"""The findings of an audit. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from s3n_gui.appearance.wording import count_text

Kind = Literal[
    "unreadable",
    "contradiction",
    "leak",
    "near-contradiction",
    "near-leak",
    "name-leak",
    "duplicate",
    "near-duplicate",
    "name-class",
    "small-image",
    "small-class",
    "missing",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds, most severe first."""
GRAVE: frozenset[Kind] = frozenset({"contradiction", "leak", "near-contradiction", "near-leak"})
KIND_WORDS: dict[Kind, str] = {
    "unreadable": "Unreadable",
    "contradiction": "Identical files, different labels",
    "leak": "Identical files in training and test",
    "near-contradiction": "Near-duplicates, different labels",
    "near-leak": "Near-duplicates in training and test",
    "name-leak": "Related names in training and test",
    "duplicate": "Identical files",
    "near-duplicate": "Near-duplicates",
    "name-class": "Named as another class",
    "small-image": "Small images",
    "small-class": "Class too small",
    "missing": "Unusable files",
}
_EXPLANATIONS: dict[Kind, str] = {
    "unreadable": "Files that cannot be decoded are skipped in training and test.",
    "contradiction": "The same image has more than one label, so at least one label is wrong.",
    "leak": "The same image is used for training and test, which makes the test too easy.",
    "near-contradiction": "They look the same (perhaps resized or saved again) but have different labels. Compare them.",
    "near-leak": "They look the same (perhaps resized or saved again); one is used for training, another for test. Compare them.",
    "name-leak": "Their names suggest that they are the same image, or come from the same source. Compare them.",
    "duplicate": "The same image more than once; keep one.",
    "near-duplicate": "They look the same (perhaps resized or saved again); keep one. Compare them.",
    "name-class": "The file name contains the name of another class. Check whether the label is correct.",
    "small-image": "Small images are enlarged for the network and show little detail.",
    "small-class": "Fewer than five training images, or no test images. Add images if you can.",
    "missing": "Listed by the data set or found in its folder, but cannot be used.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two images that may be duplicates.

    Attributes:
        one: Index of the first.
        other: Index of the second.
        remark: How similar they are, as a clause.
    """

    one: int
    other: int
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """All images with one kind of problem.

    Attributes:
        kind: The kind of problem.
        title: What and how many: "3 unreadable images".
        images: Indices of the affected images, duplicates next to each other; may be empty.
        notes: For each of ``images`` what is wrong with it, as a clause.
        leave_out: Indices of the images that are best left out of training.
        pairs: Pairs to compare side by side.
        details: Lines about files that cannot be used.
    """

    kind: Kind
    title: str
    images: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    leave_out: frozenset[int] = frozenset()
    pairs: tuple[Pair, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the finding means."""
        return _EXPLANATIONS[self.kind]


def problems_by_image(findings: Iterable[Finding]) -> dict[int, tuple[str, ...]]:
    """Return what is wrong with each image, as clauses."""
    found: dict[int, tuple[str, ...]] = {}
    for finding in findings:
        if finding.kind == "small-class":  # concerns the class, not its images
            continue
        for index, note in zip(finding.images, finding.notes, strict=True):
            found[index] = (*found.get(index, ()), note)
    return found


def title_of(kind: Kind, images: int, groups: int) -> str:
    """Return the title of a finding: what was found and how often.

    Args:
        kind: The kind of finding.
        images: Number of affected images.
        groups: Number of classes, files, or groups of duplicates.
    """
    pictures = count_text(groups, "image")
    pairs = count_text(groups, "pair")
    return {
        "unreadable": count_text(images, "unreadable image"),
        "contradiction": f"{pictures} with different labels",
        "leak": f"{pictures} in training and test",
        "near-contradiction": f"{pairs} of near-duplicates with different labels",
        "near-leak": f"{pairs} of near-duplicates in training and test",
        "name-leak": f"{count_text(groups, 'name')} in both training and test",
        "duplicate": f"{pictures} more than once",
        "near-duplicate": f"{pairs} of near-duplicates",
        "name-class": f"{count_text(images, 'image')} named as another class",
        "small-image": count_text(images, "small image"),
        "small-class": count_text(groups, "class too small", "classes too small"),
        "missing": count_text(groups, "file not usable", "files not usable"),
    }[kind]
