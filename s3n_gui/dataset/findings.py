"""What an audit found, as rows that a person can look at and act on. No Qt."""

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
"""All kinds, the gravest first."""
GRAVE: frozenset[Kind] = frozenset({"contradiction", "leak", "near-contradiction", "near-leak"})
KIND_WORDS: dict[Kind, str] = {
    "unreadable": "Unreadable",
    "contradiction": "Equal files, other label",
    "leak": "Equal files in training and test",
    "near-contradiction": "Alike, other label",
    "near-leak": "Alike in training and test",
    "name-leak": "Names in training and test",
    "duplicate": "Equal files",
    "near-duplicate": "Alike",
    "name-class": "Named as another class",
    "small-image": "Small images",
    "small-class": "Class too small",
    "missing": "Listed, not found",
}
_EXPLANATIONS: dict[Kind, str] = {
    "unreadable": "What cannot be decoded is passed over by training and test.",
    "contradiction": "The same picture has more than one label: at least one is wrong.",
    "leak": "The same picture is learned from and tested on, which flatters the test.",
    "near-contradiction": "They look the same, scaled or saved anew, but have more than one label. Compare them.",
    "near-leak": "They look the same, scaled or saved anew; one is learned from, one tested on. Compare them.",
    "name-leak": "Their names say that they are one picture, or come from one source. A hint: compare them.",
    "duplicate": "The same picture more than once; one of each is enough.",
    "near-duplicate": "They look the same, scaled or saved anew; one of each is enough. Compare them.",
    "name-class": "The file's name holds another class's name. A hint: look whether the label is right.",
    "small-image": "Small images are enlarged for the network, which shows it little.",
    "small-class": "Fewer than five training images, or none to test on. Add images if you can.",
    "missing": "Named by the data set, or lying in it, but of no use.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two images that may be one picture.

    Attributes:
        one: Index of the first.
        other: Index of the second.
        remark: How much they are alike, as a clause.
    """

    one: int
    other: int
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of trouble.

    Attributes:
        kind: Which.
        title: What and how many: "3 unreadable images".
        images: Indices of the images concerned, those that belong together beside one another; may be empty.
        notes: For each of ``images`` what is wrong with it, as a clause.
        leave_out: Indices of the images that training does better without.
        pairs: What can be compared side by side.
        details: Lines for people about what has no image.
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
        """What it means."""
        return _EXPLANATIONS[self.kind]


def problems_by_image(findings: Iterable[Finding]) -> dict[int, tuple[str, ...]]:
    """Return what is wrong with each image, as clauses."""
    found: dict[int, tuple[str, ...]] = {}
    for finding in findings:
        if finding.kind == "small-class":  # a matter of the class, not of its images
            continue
        for index, note in zip(finding.images, finding.notes, strict=True):
            found[index] = (*found.get(index, ()), note)
    return found


def title_of(kind: Kind, images: int, groups: int) -> str:
    """Say what was found and how often.

    Args:
        kind: What.
        images: How many images it concerns.
        groups: How many classes, files, or groups of images that are one picture.
    """
    pictures = count_text(groups, "picture")
    return {
        "unreadable": count_text(images, "unreadable image"),
        "contradiction": f"{pictures} with two labels",
        "leak": f"{pictures} in training and test",
        "near-contradiction": f"{pictures} with near copies of another label",
        "near-leak": f"{pictures} with near copies in training and test",
        "name-leak": f"{count_text(groups, 'name')} in training and test",
        "duplicate": f"{pictures} more than once",
        "near-duplicate": f"{pictures} with near copies",
        "name-class": f"{count_text(images, 'image')} named as another class",
        "small-image": count_text(images, "small image"),
        "small-class": count_text(groups, "class too small", "classes too small"),
        "missing": count_text(groups, "file not usable", "files not usable"),
    }[kind]
