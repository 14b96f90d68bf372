"""What will become of each image when a training starts: the engine's own cut, made ahead. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.splits import hold_out
from s3n_core.errors import DataSetError
from s3n_gui.dataset.survey import HELD_OUT, Survey
from s3n_gui.session import HeldOut


def planned_uses(survey: Survey, left_out: frozenset[int], held_out: HeldOut) -> NDArray[np.uint8]:
    """Return uint8 (N,): the index into ``USES`` of each image. Images that are left out keep the data set's own use."""
    uses = survey.uses.copy()
    records = survey.data_set.records
    kept = [record for index, record in enumerate(records) if index not in left_out] if left_out else records
    try:
        _, held = hold_out(kept, held_out.fraction, held_out.seed)
    except DataSetError:  # no image to learn from: nothing is held out
        return uses
    uses[[survey.rows[record.name] for record in held]] = HELD_OUT
    return uses
