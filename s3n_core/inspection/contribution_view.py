"""Contributions as they are shown: a map over the original and the rows of a table, from one splat.

Does not import torch, so that the engine's server, the window, figures and reports share this type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import Box
from s3n_core.inspection.contribution_rows import ContributionRow, contribution_rows
from s3n_core.inspection.inspection import ByValue, Scores
from s3n_core.inspection.placed_contributions import RASTER, Contributions, scaled

DENSITY_UNIT = "logits per 1 % of the area"
"""The unit of the map's values, which does not depend on the size of its raster."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ContributionView(ByValue):
    """What is shown of an image's contributions.

    Attributes:
        contributions: The contributions.
        density: Logits per hundredth of the image's area over the whole original, float32 (h, w), longer side `RASTER`.
            Its mean times 100 is the sum over all cells; what the network does not see is 0.
        rows: The table of the peaks and the rest; the rows sum to the logit or margin.
    """

    contributions: Contributions
    density: NDArray[np.float32]
    rows: tuple[ContributionRow, ...]

    def density_at(self, x: float, y: float) -> float | None:
        """Return the map's value at a place of the original, in pixels; None outside the image."""
        (width, height), (rows, columns) = self.contributions.image_size, self.density.shape
        if not (0 <= x <= width and 0 <= y <= height):
            return None
        row, column = (
            min(int(at / side * count), count - 1) for at, side, count in ((y, height, rows), (x, width, columns))
        )
        return float(self.density[row, column])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by the names that they have in .npz files."""
        found = self.contributions
        named = {"contributions": found.values, "contribution_xy": found.places, "contribution_corners": found.corners}
        return {
            **{f"{name}_{branch.lower()}": array for name, of in named.items() for branch, array in of.items()},
            "contribution_map": self.density,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the arrays as JSON values; see `Contributions.to_dict`."""
        return self.contributions.to_dict(rows=self.rows)


def contribution_view(contributions: Contributions, box: Box | None = None) -> ContributionView:
    """Return what is shown of contributions: takes about a tenth of a second.

    Args:
        contributions: The contributions.
        box: The object's bounding box, if known: the rest is then divided into what is read on the object and outside.
    """
    splat = contributions.splat(*scaled(contributions.image_size, RASTER))
    picture = splat.picture()
    peaks = [(peak.x, peak.y) for peak in contributions.peaks]
    return ContributionView(
        contributions=contributions,
        density=(picture * (picture.size / 100)).astype(np.float32),
        rows=contribution_rows(splat, contributions.bias, peaks=peaks, box=box),
    )


def default_question(scores: Scores, versus: int | None = None) -> tuple[int, int | None]:
    """Return the predicted class, and the class that it is compared with.

    Args:
        scores: The image's scores.
        versus: The class to compare with; its strongest rival is used for None, and where this class is predicted.
    """
    predicted = int(np.argmax(scores.probabilities(scores.answer)))
    return predicted, scores.rival(predicted) if versus in (None, predicted) else versus
