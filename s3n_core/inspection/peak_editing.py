"""Editing peaks (switch off, move, assign to the other set) and listing them with their positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.peak import Cell, Peak, PeakEdit, PeakSet
from s3n_core.method.configuration import Sampling
from s3n_core.method.sampler import SelectiveSampler


@dataclass(frozen=True, eq=False)
class CountedPeaks:
    """The peaks after any edits; tensors have shape (B, H, W).

    Attributes:
        peaks: T, bool.
        response: R of each peak, at its current cell.
        draws: zeta of each peak, at its current cell, or None.
        weight_d: Membership in T_d, in [0, 1].
        weight_c: Membership in T_c, in [0, 1].
        found_at: For moved peaks, by current cell: the cell where they were found.
        off: For peaks that are switched off: their cell, R and zeta.
    """

    peaks: Tensor
    response: Tensor
    draws: Tensor | None
    weight_d: Tensor
    weight_c: Tensor
    found_at: Mapping[Cell, Cell] = field(default_factory=dict)
    off: tuple[tuple[Cell, float, float | None], ...] = ()


def edit_peaks(
    peaks: Tensor,
    response: Tensor,
    draws: Tensor | None,
    edits: tuple[PeakEdit, ...],
    sampler: SelectiveSampler,
    sampling: Sampling,
) -> CountedPeaks:
    """Apply edits to the peaks of one image and assign them again.

    A moved peak keeps its response and its zeta; if its target is occupied, it goes to the nearest free cell. Edits of
    cells without a peak have no effect.

    Args:
        peaks: T, bool, shape (1, H, W).
        response: R, shape (1, H, W).
        draws: zeta, shape (1, H, W), if the mode needs draws.
        edits: What to change.
        sampler: Assigns the peaks.
        sampling: The mode of assignment.

    Returns:
        The peaks after the edits.
    """
    mask, strength = peaks[0].cpu().numpy().copy(), response[0].cpu().numpy().copy()
    zeta = None if draws is None else draws[0].cpu().numpy().copy()
    edits = tuple(edit for edit in edits if _inside(edit.cell, mask) and mask[edit.cell])
    held = {edit.cell: (float(strength[edit.cell]), None if zeta is None else float(zeta[edit.cell])) for edit in edits}
    for edit in edits:
        mask[edit.cell] = not (edit.off or edit.moved_to is not None)
    now = {}
    for edit in edits:
        if edit.off:
            continue
        now[edit.cell] = cell = edit.cell if edit.moved_to is None else _nearest_free(mask, edit.moved_to)
        mask[cell] = True
        strength[cell] = held[edit.cell][0]
        if zeta is not None:
            zeta[cell] = held[edit.cell][1]

    def back(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array)[None].to(response.device)

    edited_peaks, edited_response = back(mask), back(strength)
    edited_draws = None if zeta is None else back(zeta)
    weight_d, weight_c = (
        weight.clone() for weight in sampler.choose(edited_peaks, edited_response, sampling, edited_draws)
    )
    for edit in edits:
        if edit.forced is not None and not edit.off:
            row, column = now[edit.cell]
            weight_d[0, row, column] = float(edit.forced != "C")
            weight_c[0, row, column] = float(edit.forced != "D")
    return CountedPeaks(
        peaks=edited_peaks,
        response=edited_response,
        draws=edited_draws,
        weight_d=weight_d,
        weight_c=weight_c,
        found_at={cell: found for found, cell in now.items() if cell != found},
        off=tuple((edit.cell, *held[edit.cell]) for edit in edits if edit.off),
    )


def list_peaks(counted: CountedPeaks, row: int, frame: ViewFrame, *, drawn: bool) -> tuple[Peak, ...]:
    """List the peaks of one image of a batch, including those switched off, highest first (ties in row-major order).

    Args:
        counted: The peaks; if there are edits, of a batch of one.
        row: Index of the image in the batch.
        frame: The position of its square in the original.
        drawn: Whether the mode uses zeta, which is then listed.
    """
    mask = counted.peaks[row].cpu().numpy()
    strength, weight_d, weight_c = (
        values[row].cpu().numpy() for values in (counted.response, counted.weight_d, counted.weight_c)
    )
    zeta = counted.draws[row].cpu().numpy() if drawn and counted.draws is not None else None

    def peak(
        cell: Cell, found_at: Cell, response: float, draw: float | None, weights: tuple[float, float] | None
    ) -> Peak:
        x, y = frame.cell_to_original(*cell, mask.shape)
        return Peak(
            x=x,
            y=y,
            cell=cell,
            found_at=found_at,
            response=response,
            zeta=draw,
            set="off" if weights is None else _set_of(*weights),
            weight_d=weights[0] if weights else 0.0,
            weight_c=weights[1] if weights else 0.0,
        )

    peaks = []
    for y, x in np.argwhere(mask).tolist():
        weights = float(weight_d[y, x]), float(weight_c[y, x])
        draw = None if zeta is None else float(zeta[y, x])
        peaks.append(peak((y, x), counted.found_at.get((y, x), (y, x)), float(strength[y, x]), draw, weights))
    for cell, response, draw in counted.off:
        peaks.append(peak(cell, cell, response, draw if drawn else None, None))
    return tuple(sorted(peaks, key=lambda item: (-item.response, item.found_at)))


def _set_of(weight_d: float, weight_c: float) -> PeakSet:
    if weight_d > 0 and weight_c > 0:
        return "both"
    return "D" if weight_d > 0 else "C" if weight_c > 0 else "none"


def _inside(cell: Cell, mask: NDArray[np.bool_]) -> bool:
    rows, columns = mask.shape
    return 0 <= cell[0] < int(rows) and 0 <= cell[1] < int(columns)


def _nearest_free(mask: NDArray[np.bool_], place: tuple[float, float]) -> Cell:
    """Return the cell without a peak that is nearest to a (row, column); ties: first in row-major order."""
    rows, columns = np.indices(mask.shape)
    row, column = (float(np.clip(value, 0, side - 1)) for value, side in zip(place, mask.shape, strict=True))
    distance = np.where(mask, np.inf, (rows - row) ** 2 + (columns - column) ** 2)
    row_found, column_found = np.unravel_index(int(distance.argmin()), mask.shape)
    return int(row_found), int(column_found)
