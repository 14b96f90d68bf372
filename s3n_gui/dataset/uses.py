"""The use of each image in the next training, computed with the engine's own split functions. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.assignment import TEST as TEST_DRAW
from s3n_core.datasets.assignment import Assignment, assign
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.splits import VALIDATION_DRAW, split_validation
from s3n_core.datasets.stratified import keyed_draw
from s3n_core.errors import DataSetError
from s3n_gui.background.low_priority import Rests, low_priority
from s3n_gui.dataset.survey import VALIDATION, Survey, use_of
from s3n_gui.state.session import ValidationShare


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The user's choices.

    Attributes:
        left_out: Indices of the images that are left out of training.
        assignment: The test share, and the images that were moved to a split.
        validation: The validation share of the training images.
    """

    left_out: frozenset[int] = frozenset()
    assignment: Assignment = field(default_factory=Assignment)
    validation: ValidationShare = field(default_factory=ValidationShare)


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """The uses that follow from the choices.

    Attributes:
        data_set: The data set with its images in their assigned splits; the same object for the same assignment.
        now: uint8 (N,): the use of each image, an index into ``USES``; a left-out image keeps the use it would have.
        given: The same before validation images are drawn.
    """

    data_set: DataSet
    now: NDArray[np.uint8]
    given: NDArray[np.uint8]


class KeptDraw:
    """Draws one random number per name and caches it, so that a new share redraws nothing; yields to other threads."""

    def __init__(self, seed: int, purpose: str) -> None:
        self.seed = seed
        self._draw = keyed_draw(seed, purpose)
        self._kept: dict[str, float] = {}
        self._rests = Rests()

    def __call__(self, name: str) -> float:
        """Return the number of a name, the same for every call."""
        number = self._kept.get(name)
        if number is None:
            number = self._kept[name] = self._draw(name)
            self._rests.rest()
        return number


class Planner:
    """Computes the uses of one data set. Not thread-safe."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._draws: dict[str, KeptDraw] = {}
        self._assigned = (survey.assignment, survey.data_set, survey.uses)  # as opened

    def uses(self, choices: Choices) -> Uses:
        """Return the use of each image."""
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
            _, held = split_validation(kept, validation.fraction, validation.seed, by_hand=data_set.by_hand, draw=draw)
        except DataSetError:  # no training images, so no validation images either
            return Uses(data_set, now, given)
        now[[self._survey.rows[record.name] for record in held]] = VALIDATION
        return Uses(data_set, now, given)

    def _draw(self, seed: int, purpose: str) -> KeptDraw:
        draw = self._draws.get(purpose)
        if draw is None or draw.seed != seed:
            draw = self._draws[purpose] = KeptDraw(seed, purpose)
        return draw
