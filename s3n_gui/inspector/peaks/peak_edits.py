"""Peak edits: pure functions from one tuple of edits to the next."""

from __future__ import annotations

from dataclasses import replace

from s3n_core.inspection.peak import Cell, ForcedSet, Peak, PeakEdit

Edits = tuple[PeakEdit, ...]


def edit_of(edits: Edits, cell: Cell) -> PeakEdit:
    """Return the edit of the peak found at ``cell``; an empty edit if it is unchanged."""
    return next((edit for edit in edits if edit.cell == cell), PeakEdit(cell=cell))


def switched(edits: Edits, cell: Cell) -> Edits:
    """Switch a peak off, or on again."""
    edit = edit_of(edits, cell)
    return _with(edits, replace(edit, off=not edit.off))


def moved(edits: Edits, cell: Cell, to: tuple[float, float], shape: tuple[int, int]) -> Edits:
    """Move a peak to ``to`` (row, column), clipped to a map of ``shape`` (rows, columns)."""
    row, column = (min(max(value, 0.0), side - 1.0) for value, side in zip(to, shape, strict=True))
    place = (float(round(row)), float(round(column)))
    return _with(edits, replace(edit_of(edits, cell), moved_to=None if place == cell else place))


def nudged(edits: Edits, peak: Peak, rows: int, columns: int, shape: tuple[int, int], *, landed: bool = True) -> Edits:
    """Move a peak by whole cells from its current place.

    Args:
        edits: The edits so far.
        peak: The peak in the last warp.
        rows: Cells to move downwards.
        columns: Cells to move to the right.
        shape: (rows, columns) of the map.
        landed: Whether ``peak`` reflects all of ``edits``; if not, the move starts from the edited place.
    """
    row, column = peak.cell
    asked = edit_of(edits, peak.found_at).moved_to
    if not landed:
        row, column = (int(value) for value in asked or peak.found_at)
    return moved(edits, peak.found_at, (row + rows, column + columns), shape)


def put_into(edits: Edits, cell: Cell, forced: ForcedSet | None) -> Edits:
    """Force a peak into a set regardless of the mode; None lets the mode assign it."""
    return _with(edits, replace(edit_of(edits, cell), forced=forced, off=False))


def flipped(edits: Edits, peak: Peak) -> Edits:
    """Move a peak to the other set: from T_c, or from both, to T_d and from T_d to T_c."""
    mostly_d = peak.weight_d >= peak.weight_c and peak.weight_d > 0
    return put_into(edits, peak.found_at, "C" if mostly_d else "D")


def without(edits: Edits, cell: Cell) -> Edits:
    """Restore a peak as it was found."""
    return tuple(edit for edit in edits if edit.cell != cell)


def _with(edits: Edits, edit: PeakEdit) -> Edits:
    """Replace the edit of a peak; drop it if it changes nothing."""
    others = without(edits, edit.cell)
    return others if edit == PeakEdit(cell=edit.cell) else (*others, edit)
