"""The filter of a data set's images: by class, use, text and finding. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_gui.dataset.findings import KIND_WORDS, Finding, Kind
from s3n_gui.dataset.survey import USE_WORDS, USES, Survey, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilter:
    """Conditions that an image must meet, all of them.

    Attributes:
        labels: Class indices (-1: without label); None: all.
        use: One use; None: all.
        text: Words that the name or class must all contain, ignoring case.
        trouble: A kind of finding, "any" for all kinds that concern single images, or "left-out"; None: all.
    """

    labels: frozenset[int] | None = None
    use: Use | None = None
    text: str = ""
    trouble: Kind | str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all images pass."""
        return self == ImageFilter()

    def name(self, classes: Sequence[str]) -> str:
        """Return what the images that pass have in common: "Heron · Near-duplicates"; empty if all pass."""
        labels = self.labels or frozenset()
        shown = [displayed_class(classes[label]) if label >= 0 else "Without label" for label in sorted(labels)]
        kind = {None: "", "any": "With findings", "left-out": "Left out"}.get(self.trouble)
        parts = [
            ", ".join(shown) if len(shown) < 4 else f"{len(shown):,} classes",
            "" if self.use is None else USE_WORDS[self.use].capitalize(),
            next((word for known, word in KIND_WORDS.items() if known == self.trouble), "") if kind is None else kind,
            f"“{self.text}”" if self.text else "",
        ]
        return " · ".join(part for part in parts if part)

    def apply(
        self, survey: Survey, uses: NDArray[np.uint8], findings: Collection[Finding], left_out: frozenset[int]
    ) -> NDArray[np.intp]:
        """Return the indices of the images that pass: in the data set's order, or by finding with duplicates adjacent.

        Args:
            survey: The data set.
            uses: uint8 (N,): the use of each image, an index into ``USES``.
            findings: The findings of the audit.
            left_out: Indices of the images that are left out.
        """
        mask = np.ones(len(survey), bool)
        if self.labels is not None:
            mask &= np.isin(survey.labels, list(self.labels))
        if self.use is not None:
            mask &= uses == USES.index(self.use)
        order = np.arange(len(survey))
        if self.trouble == "left-out":
            order = np.array(sorted(left_out), np.intp)
        elif self.trouble is not None:
            listed = [
                i
                for finding in findings
                if self.trouble == finding.kind or (self.trouble == "any" and finding.kind != "small-class")
                for i in finding.images
            ]
            order = np.array(list(dict.fromkeys(listed)), np.intp)
        listed_rows = order[mask[order]] if order.size else order.astype(np.intp)
        words = self.text.casefold().split()
        if not words:
            return listed_rows.astype(np.intp)
        found, texts = listed_rows.tolist(), survey.texts
        for word in words:
            found = [index for index in found if word in texts[index]]
        return np.array(found, np.intp)
