"""The row of an image that has been inspected, so that exports and reports state what a table of predictions states."""

from __future__ import annotations

from collections.abc import Sequence

from s3n_core.datasets.records import Annotation
from s3n_core.inspection.inspection import Inspection
from s3n_core.prediction.rows import Prediction, count_outside, peak_place, six_digits
from s3n_core.prediction.schema import BRANCH_LETTERS, TOP


def prediction_of(
    inspection: Inspection,
    *,
    branches: Sequence[str] = BRANCH_LETTERS,
    label: str | None = None,
    seen: str = "unknown",
    annotation: Annotation | None = None,
) -> Prediction:
    """Return the row of an inspected image.

    Args:
        inspection: The inspection; its scores must be finite.
        branches: The letters of the branches that are reported (``NetworkChoices.joined``): an inspection has O's scores
            also where O only defines the warps.
        label: Name of the true class; None if unknown.
        seen: Whether the model has seen the image, as ``Prediction.seen``.
        annotation: The image's box, if its data set has one.
    """
    response, peaks, scores = inspection.response, inspection.warps.peaks, inspection.scores
    best = inspection.top(count=TOP)
    top = tuple((score.name, six_digits(score.probability)) for score in best)
    by_branch = {letter: inspection.top(letter, 1)[0] for letter in branches if letter in scores.logits}
    places = tuple(peak_place(p.x, p.y, p.response, p.weight_d, p.weight_c) for p in peaks)
    return Prediction(
        file=response.name,
        class_name=top[0][0],
        probability=top[0][1],
        top=top,
        branches=tuple((letter, score.name) for letter, score in by_branch.items()),
        branch_probabilities=tuple(six_digits(score.probability) for score in by_branch.values()),
        margin=six_digits(best[0].probability - best[1].probability) if len(best) > 1 else top[0][1],
        entropy=six_digits(response.entropy),
        rule=response.rule_name,
        peaks=len(peaks),
        peak_places=places,
        peaks_outside=count_outside(places, annotation or Annotation()),
        label=label,
        correct=top[0][0] == label if label in response.classes else None,
        mode=inspection.warps.sampling,
        precision=response.precision,
        model=response.model_digest,
        seen=seen,
    )
