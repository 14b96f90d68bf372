"""What becomes of each image when a training starts: the engine's own cuts, made ahead. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.assignment import TEST as TEST_DRAW
from s3n_core.datasets.assignment import Assignment, assign
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.splits import VALIDATION_DRAW, hold_out
from s3n_core.datasets.stratified import keyed_draw
from s3n_core.errors import DataSetError
from s3n_gui.background.low_priority import Rests, low_priority
from s3n_gui.dataset.survey import VALIDATION, Survey, use_of
from s3n_gui.state.session import ValidationShare


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person has chosen.

    Attributes:
        left_out: Indices of the images that nothing is learned from.
        assignment: What is tested on, and single images' parts.
        validation: The share of the training images for validation.
    """

    left_out: frozenset[int] = frozenset()
    assignment: Assignment = field(default_factory=Assignment)
    validation: ValidationShare = field(default_factory=ValidationShare)


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """What follows from it.

    Attributes:
        data_set: The data set with its images in the parts that they are assigned to; the same object while they stay there.
        now: uint8 (N,): index into ``USES``, of each image; one that is left out keeps the use that it would have.
        given: The same before validation images are drawn.
    """

    data_set: DataSet
    now: NDArray[np.uint8]
    given: NDArray[np.uint8]


class KeptDraw:
    """Draws numbers by name and remembers them, so that another share takes no new ones; rests meanwhile."""

    def __init__(self, seed: int, purpose: str) -> None:
        self.seed = seed
        self._draw = keyed_draw(seed, purpose)
        self._kept: dict[str, float] = {}
        self._rests = Rests()

    def __call__(self, name: str) -> float:
        """Return the number of a name."""
        number = self._kept.get(name)
        if number is None:
            number = self._kept[name] = self._draw(name)
            self._rests.rest()
        return number


class Planner:
    """Works out the uses of one data set. For one thread at a time."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._draws: dict[str, KeptDraw] = {}
        self._assigned = (survey.assignment, survey.data_set, survey.uses)  # as it was opened

    def uses(self, choices: Choices) -> Uses:
        """Return what becomes of each image."""
        chosen = choices.assignment
        if chosen != self._assigned[0]:
            assigned = assign(self._survey.data_set, chosen, draw=self._draw(chosen.test_seed, TEST_DRAW))
            uses = np.array([use_of(record) for record in low_priority(assigned.records)], np.uint8)
            self._assigned = (chosen, assigned, uses)
        _, data_set, given = self._assigned
        kept = [r for i, r in enumerate(low_priority(data_set.records)) if i not in choices.left_out]
        validation = choices.validation
        draw = self._draw(validation.seed, VALIDATION_DRAW)
        now = given.copy()
        try:
            _, held = hold_out(kept, validation.fraction, validation.seed, by_hand=data_set.by_hand, draw=draw)
        except DataSetError:  # no image to learn from: there is no validation
            return Uses(data_set, now, given)
        now[[self._survey.rows[record.name] for record in held]] = VALIDATION
        return Uses(data_set, now, given)

    def _draw(self, seed: int, purpose: str) -> KeptDraw:
        draw = self._draws.get(purpose)
        if draw is None or draw.seed != seed:
            draw = self._draws[purpose] = KeptDraw(seed, purpose)
        return draw
