"""The rows of the score table: which classes, with current and baseline probabilities. No widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.inspection import Inspection
from s3n_gui.appearance.tokens import Branch

ANSWERS: tuple[Branch, ...] = get_args(Branch)
"""O, D, C, joint: the order of the columns."""


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One branch's probability of one class.

    Attributes:
        now: The current probability, in [0, 1].
        before: The baseline probability; None without a baseline.
        first: Whether it is that branch's most probable class.
    """

    now: float
    before: float | None
    first: bool


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One class in the score table.

    Attributes:
        index: The class's index.
        name: Its display name.
        true: Whether it is the image's label.
        cells: By branch; branches that the network lacks are missing.
    """

    index: int
    name: str
    true: bool
    cells: dict[Branch, ScoreCell]


def score_rows(answer: Inspection, before: Inspection | None, truth: str | None, count: int) -> tuple[ScoreRow, ...]:
    """Return the classes to show, ordered by the joint head's probability, highest first.

    They include the prediction, the true class and every branch's top class, in this order where ``count`` is too small.

    Args:
        answer: The inspection whose scores are shown.
        before: The baseline inspection.
        truth: The true class's name.
        count: Number of rows; fewer if the model has fewer classes.
    """
    answers = [name for name in ANSWERS if name in answer.scores.logits]
    shares = {name: answer.scores.probabilities(name) for name in answers}
    earlier = (
        {}
        if before is None or before == answer
        else {a: before.scores.probabilities(a) for a in answers if a in before.scores.logits}
    )
    firsts = {name: int(shares[name].argmax()) for name in answers}
    order = [score.index for score in answer.top(count=len(answer.response.classes))]
    label = [answer.response.classes.index(truth)] if truth in answer.response.classes else []
    wanted = list(dict.fromkeys([order[0], *label, *firsts.values(), *order]))[:count]
    return tuple(
        ScoreRow(
            index=index,
            name=displayed_class(answer.response.classes[index]),
            true=answer.response.classes[index] == truth,
            cells={
                name: ScoreCell(
                    float(shares[name][index]),
                    float(earlier[name][index]) if name in earlier else None,
                    firsts[name] == index,
                )
                for name in answers
            },
        )
        for index in sorted(wanted, key=order.index)
    )
