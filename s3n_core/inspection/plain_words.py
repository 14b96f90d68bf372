"""What an inspection says in everyday words: the predicted class, how sure the model is, and where it found evidence.

Does not import torch.
"""

from __future__ import annotations

from s3n_core.datasets.records import Annotation, displayed_class
from s3n_core.inspection.inspection import NOT_FINITE, Inspection
from s3n_core.inspection.number_text import probability_text
from s3n_core.inspection.peak import Peak

_SURE = ((0.95, "very sure"), (0.8, "fairly sure"), (0.5, "not very sure"), (0.0, "unsure"))
"""The least confidence of each wording. They word the number, which may itself be too high or too low."""
_RIVAL_BELOW = 0.8
_NO_PREDICTION = f"{NOT_FINITE[0].upper()}{NOT_FINITE[1:]}."
_MOST_PLACES = 3
_ACROSS, _DOWN = ("left", "", "right"), ("upper", "", "lower")
_MIDDLES = {"upper": "at the top", "lower": "at the bottom", "left": "on the left", "right": "on the right"}


def plain_sentence(inspection: Inspection, annotation: Annotation | None = None) -> str:
    """Return what the model says, how sure it is and where it found evidence: two or three short sentences.

    Args:
        inspection: The inspection.
        annotation: The image's box, if its data set has boxes: places outside it are said.
    """
    if not inspection.scores.is_finite:
        return _NO_PREDICTION
    best = inspection.prediction
    says = f"The model says {displayed_class(best.name)} ({probability_text(best.probability)})."
    sure = how_sure(inspection).replace("The model", "It", 1)
    return f"{says} {sure} {where_found(inspection, annotation)}".strip()


def how_sure(inspection: Inspection) -> str:
    """Return how sure the model is, with the next class if it is not: "The model is very sure."; or that it has no answer."""
    if not inspection.scores.is_finite:
        return _NO_PREDICTION
    best, *others = inspection.top(count=2)
    words = next(words for least, words in _SURE if best.probability >= least)
    if best.probability >= _RIVAL_BELOW or not others:
        return f"The model is {words}."
    rival = others[0]
    return f"The model is {words}; next is {displayed_class(rival.name)} ({probability_text(rival.probability)})."


def where_found(inspection: Inspection, annotation: Annotation | None = None) -> str:
    """Return where the strongest evidence is, by the peaks in use; empty if the maps do not depend on peaks."""
    if inspection.response.attention != "sparse":
        return ""
    peaks = [peak for peak in inspection.warps.peaks if peak.weight_d > 0 or peak.weight_c > 0]
    if not peaks:
        return "No single place stands out."
    places = list(dict.fromkeys(_place(peak, inspection.response.image_size) for peak in peaks))
    if len(places) > _MOST_PLACES:
        text = f"It found evidence in {len(peaks)} places, the strongest {places[0]}."
    else:
        text = f"It found the strongest evidence {_listed(places)}."
    return f"{text} {_outside(peaks, annotation)}".strip()


def _place(peak: Peak, size: tuple[int, int]) -> str:
    """Return in which of nine fields of the image a peak is."""
    across, down = (
        names[min(max(int(3 * at / side), 0), 2)]
        for names, at, side in ((_ACROSS, peak.x, size[0]), (_DOWN, peak.y, size[1]))
    )
    if across and down:
        return f"at the {down} {across}"
    return _MIDDLES.get(across or down, "in the middle")


def _listed(places: list[str]) -> str:
    return places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"


def _outside(peaks: list[Peak], annotation: Annotation | None) -> str:
    outside = [] if annotation is None else [peak for peak in peaks if annotation.is_outside(peak.x, peak.y)]
    if not outside:
        return ""
    if len(peaks) == 1:
        return "That place is outside the annotated box."
    if len(outside) == len(peaks):
        return "All these places are outside the annotated box."
    if outside[0] is not peaks[0]:
        return (
            f"{len(outside)} of {len(peaks)} places {'is' if len(outside) == 1 else 'are'} outside the annotated box."
        )
    if len(outside) == 1:
        return "The strongest place is outside the annotated box."
    others = "another" if len(outside) == 2 else f"{len(outside) - 1} others"
    return f"The strongest place and {others} are outside the annotated box."
