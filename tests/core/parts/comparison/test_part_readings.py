"""Which cells of an image go with a peak that a person has moved to another part."""

import numpy as np

from s3n_core.parts.atlas.part_edits import PartEdit
from s3n_core.parts.comparison.part_readings import CellsOfPeaks


def test_a_peak_that_was_moved_in_another_image_moves_nothing_here() -> None:
    cells = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [40.0, 0.0]])
    peaks = np.array([[10.0, 0.0], [40.0, 0.0]])
    of_image = CellsOfPeaks("a.png", cells, peaks, np.array([10.0, 10.0]), 2.0)
    parts, within = np.array([0, 1, 1, 2, 1, 2]), np.ones(6, dtype=bool)
    here = PartEdit(kind="reassign", parts=(3,), image="a.png", x=11.0, y=0.0)
    elsewhere = PartEdit(kind="reassign", parts=(3,), image="b.png", x=11.0, y=0.0)
    # Its own cell, the cell of its part that is nearest to it, and the peak itself, whose row follows those of the cells.
    assert of_image(here, parts, within).tolist() == [1, 2, 4]
    assert of_image(elsewhere, parts, within).tolist() == []
    # Where the peak has gone because its place is hidden, its neighbour is not taken for it.
    assert CellsOfPeaks("a.png", cells, peaks[1:], np.array([10.0, 10.0]), 2.0)(here, parts, within).tolist() == []
