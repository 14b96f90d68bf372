"""The filter of a data set's images: by class, use, tag, text, size and finding. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_gui.dataset.findings import KIND_WORDS, KINDS, Finding, Kind
from s3n_gui.dataset.image_order import SIZE_WORDS
from s3n_gui.dataset.survey import USE_WORDS, USES, Survey, Use

Condition = Literal["labels", "uses", "tags", "sizes", "troubles", "text"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
"""The names of the conditions, which are also the names of the filter's fields."""
_EVERYTHING: dict[Condition, Any] = {
    "labels": None, "uses": None, "tags": None, "sizes": None, "troubles": None, "text": ""
}  # fmt: skip
UNTAGGED = ""
"""Stands in a filter for images without tags; no tag is empty."""
_TROUBLES = ("any", *KINDS, "left-out")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilter:
    """Conditions that an image must meet, all of them; of the values of one condition it need meet only one.

    Attributes:
        labels: Class indices (-1: without label); None: all.
        uses: Uses; None: all.
        tags: Tags; ``UNTAGGED`` for images without; None: all.
        text: Words that the name, class or tags must all contain, ignoring case.
        troubles: Kinds of findings, "any" for all kinds that concern single images, "left-out"; None: all images.
        sizes: Indices into ``SIZE_WORDS``: ranges of the shorter side; None: all.
    """

    labels: frozenset[int] | None = None
    uses: frozenset[Use] | None = None
    tags: frozenset[str] | None = None
    text: str = ""
    troubles: frozenset[Kind | str] | None = None
    sizes: frozenset[int] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all images pass."""
        return self == ImageFilter()

    def name(self, classes: Sequence[str]) -> str:
        """Return what the images that pass have in common: "Heron · Near-duplicates"; empty if all pass."""
        return " · ".join(self.words(condition, classes) for condition in self.conditions)

    def words(self, condition: Condition, classes: Sequence[str]) -> str:
        """Return a condition in a few words: "Training, Test", "256 to 511 px", "Tufted duck"; empty if it is not set.

        Args:
            condition: The condition.
            classes: The class names of the data set.
        """
        if condition == "labels":
            labels = sorted(self.labels or ())
            shown = [displayed_class(classes[label]) if label >= 0 else "Without label" for label in labels]
            return ", ".join(shown) if len(shown) < 4 else f"{len(shown):,} classes"
        if condition == "uses":
            return ", ".join(USE_WORDS[use].capitalize() for use in USES if use in (self.uses or ()))
        if condition == "tags":
            return ", ".join(tag_words(tag) for tag in sorted(self.tags or (), key=str.casefold))
        if condition == "sizes":
            return ", ".join(SIZE_WORDS[size] for size in sorted(self.sizes or ()))
        if condition == "troubles":
            return ", ".join(trouble_words(kind) for kind in _TROUBLES if kind in (self.troubles or ()))
        return f"“{self.text}”" if self.text else ""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that are set, in the order in which they are shown."""
        return tuple(name for name in CONDITIONS if getattr(self, name) != _EVERYTHING[name])

    def without(self, condition: Condition) -> ImageFilter:
        """Return the filter without one of its conditions."""
        return replace(self, **{condition: _EVERYTHING[condition]})

    def switched(self, condition: Condition, value: object, on: bool) -> ImageFilter:
        """Return the filter with or without one value of a condition; without the last one, all images pass it."""
        values = getattr(self, condition) or frozenset()
        values = values | {value} if on else values - {value}
        changed: dict[str, Any] = {condition: values or None}
        return replace(self, **changed)

    def only(self, condition: Condition) -> ImageFilter:
        """Return the filter with only one of its conditions."""
        return ImageFilter(**{condition: getattr(self, condition)})

    def apply(
        self,
        survey: Survey,
        uses: NDArray[np.uint8],
        findings: Collection[Finding],
        left_out: frozenset[int],
        ranges: NDArray[np.uint8] | None = None,
        tagged: Mapping[str, NDArray[np.bool_]] | None = None,
    ) -> NDArray[np.intp]:
        """Return the indices of the images that pass: in the data set's order, or by finding with duplicates adjacent.

        Args:
            survey: The data set.
            uses: uint8 (N,): the use of each image, an index into ``USES``.
            findings: The findings of the audit.
            left_out: Indices of the images that are left out.
            ranges: uint8 (N,): the size range of each image, an index into ``SIZE_WORDS``; None if they are not known:
                a condition on the size is then ignored.
            tagged: For each tag, bool (N,): which images have it.
        """
        mask, tagged = np.ones(len(survey), bool), tagged or {}
        if self.labels is not None:
            mask &= np.isin(survey.labels, list(self.labels))
        if self.uses is not None:
            mask &= np.isin(uses, [USES.index(use) for use in self.uses])
        if self.sizes is not None and ranges is not None:
            mask &= np.isin(ranges, list(self.sizes))
        if self.tags is not None:
            mask &= any_of(self.tags, tagged, len(survey))
        order = np.arange(len(survey))
        if self.troubles is not None:
            listed = [
                i
                for finding in findings
                if finding.kind in self.troubles or ("any" in self.troubles and finding.kind != "small-class")
                for i in finding.images
            ]
            listed += sorted(left_out) if "left-out" in self.troubles else []
            order = np.array(list(dict.fromkeys(listed)), np.intp)
        listed_rows = order[mask[order]] if order.size else order.astype(np.intp)
        words = self.text.casefold().split()
        if not words:
            return listed_rows.astype(np.intp)
        found, texts = listed_rows.tolist(), survey.texts
        for word in words:
            named = [tag for tag in tagged if word in tag.casefold()]
            marked = any_of(named, tagged, len(survey)) if named else None
            found = [index for index in found if word in texts[index] or (marked is not None and marked[index])]
        return np.array(found, np.intp)


def any_of(tags: Collection[str], tagged: Mapping[str, NDArray[np.bool_]], images: int) -> NDArray[np.bool_]:
    """Return which images have any of some tags: bool (N,).

    Args:
        tags: The tags; ``UNTAGGED``: images without tags, too. One that no image has counts for nothing.
        tagged: For each tag, bool (N,): which images have it.
        images: The number of images N.
    """
    found = np.zeros(images, bool)
    for tag in tags:
        if tag in tagged:
            found |= tagged[tag]
    return found | ~any_of(tagged.keys(), tagged, images) if UNTAGGED in tags else found


def tag_words(tag: str) -> str:
    """Return a tag, or the words for ``UNTAGGED``."""
    return tag or "Without tags"


def trouble_words(trouble: str) -> str:
    """Return the words for a kind of finding, "any" or "left-out"."""
    words = {"any": "With findings", "left-out": "Left out"}
    return words.get(trouble) or KIND_WORDS[cast("Kind", trouble)]
