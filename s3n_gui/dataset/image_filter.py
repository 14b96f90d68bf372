"""Which images of a data set are listed: by class, use, text and trouble. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_gui.dataset.findings import Finding, Kind
from s3n_gui.dataset.survey import USES, Survey, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilter:
    """A choice of images; each part that is set narrows it.

    Attributes:
        labels: Classes by index (-1: without one); None: all.
        use: One use; None: all.
        text: What name or class must hold, in any case of letters; several words must all be held.
        trouble: A kind of finding, "any" for all kinds that concern single images, "left-out"; None: all.
    """

    labels: frozenset[int] | None = None
    use: Use | None = None
    text: str = ""
    trouble: Kind | str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return self == ImageFilter()

    def apply(
        self, survey: Survey, uses: NDArray[np.uint8], findings: Collection[Finding], left_out: frozenset[int]
    ) -> NDArray[np.intp]:
        """Return the indices of the images to list: in the data set's order, copies of one picture side by side.

        Args:
            survey: The data set.
            uses: uint8 (N,): what becomes of each image; an index into ``USES``.
            findings: What an audit found.
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
