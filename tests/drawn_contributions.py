"""Contributions with known values: those of O's head to red over blue, on 4 x 4 cells over the whole image."""

from collections.abc import Mapping

import numpy as np

from s3n_core.datasets.records import Box
from s3n_core.inspection.contribution_view import ContributionView, contribution_view
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.placed_contributions import Contributions

CLASSES = ("001.Red_bird", "002.Blue_bird", "003.Green_bird")


def drawn_contributions(
    cells: Mapping[tuple[int, int], float],
    *,
    size: tuple[int, int] = (300, 200),
    peaks: tuple[Peak, ...] = (),
    box: Box | None = None,
    head: str = "O",
    target: int = 0,
    versus: int | None = 1,
    bias: float = 0.25,
) -> ContributionView:
    """Return contributions that are zero but for the cells given by (row, column)."""
    values = np.zeros((4, 4), dtype=np.float32)
    for cell, value in cells.items():
        values[cell] = value
    edges = np.stack(np.meshgrid(*(np.linspace(0, side, 5) for side in size)), axis=-1).astype(np.float32)
    return contribution_view(
        Contributions(
            name="red/bird 1.jpg",
            head=head,
            target=target,
            versus=versus,
            values={"O": values},
            places={"O": (edges[1:, 1:] + edges[:-1, :-1]) / 2},
            corners={"O": edges},
            bias=bias,
            peaks=peaks,
            image_size=size,
            classes=CLASSES,
            model="tiny.safetensors",
            model_digest="0123456789abcdef",
            precision="float32",
        ),
        box,
    )


def peak_at(x: float, y: float) -> Peak:
    """Return a peak at a place, in pixels of the original."""
    return Peak(
        x=x, y=y, cell=(0, 0), found_at=(int(y), int(x)), response=1.0, zeta=None, set="D", weight_d=1.0, weight_c=0.0
    )
