"""What an inspection says in everyday words: the class, how sure the model is, and where it found evidence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import drawn_picture

from s3n_core.datasets.records import Annotation, Box
from s3n_core.inspection.inspection import Inspection, Scores
from s3n_core.inspection.inspector import inspect
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.plain_words import how_sure, plain_sentence, where_found
from s3n_core.models.opening import Model


@pytest.fixture(scope="module")
def inspection(model: Model) -> Inspection:
    return inspect(model, drawn_picture(0), name=Path("bird.png").name)


def peak_at(x: float, y: float, **changes: Any) -> Peak:
    fields = {"x": x, "y": y, "cell": (0, 0), "found_at": (0, 0), "response": 1.0, "zeta": None}
    return Peak(**fields | {"set": "D", "weight_d": 1.0, "weight_c": 0.0} | changes)


def with_peaks(inspection: Inspection, *places: tuple[float, float], **changes: Any) -> Inspection:
    """Return the inspection of an image of 300 x 300 pixels with these peaks, strongest first."""
    response = replace(inspection.response, image_size=(300, 300))
    peaks = tuple(peak_at(x, y, **changes) for x, y in places)
    return replace(inspection, response=response, warps=replace(inspection.warps, peaks=peaks))


def with_shares(inspection: Inspection, *shares: float) -> Inspection:
    """Return the inspection with a prediction of given probabilities; the other classes share the rest."""
    count = len(inspection.response.classes)
    rest = (1 - sum(shares)) / max(count - len(shares), 1)
    logits = np.log(np.array([*shares, *[rest] * (count - len(shares))], dtype=np.float32))
    return replace(inspection, scores=Scores(logits={"O": logits, "joint": logits}))


@pytest.mark.parametrize(
    ("share", "words"), [(0.99, "very sure"), (0.9, "fairly sure"), (0.6, "not very sure"), (0.4, "unsure")]
)
def test_how_sure_is_worded_by_the_confidence(inspection: Inspection, share: float, words: str) -> None:
    said = how_sure(with_shares(inspection, share, (1 - share) * 0.6))
    assert said.startswith(f"The model is {words}")
    assert ("next is" in said) == (share < 0.8)


def test_an_answer_that_is_not_finite_is_said(inspection: Inspection) -> None:
    lost = replace(inspection, scores=Scores(logits={"O": np.full(12, np.nan, dtype=np.float32)}))
    assert how_sure(lost) == plain_sentence(lost)
    assert "not a finite number" in how_sure(lost)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((150, 150), "in the middle"), ((10, 150), "on the left"), ((299, 150), "on the right"), ((150, 5), "at the top"),
        ((150, 299), "at the bottom"), ((10, 10), "at the upper left"), ((300, 300), "at the lower right"),
    ],
)  # fmt: skip
def test_places_are_named(inspection: Inspection, place: tuple[float, float], words: str) -> None:
    assert where_found(with_peaks(inspection, place)) == f"It found the strongest evidence {words}."


def test_several_places(inspection: Inspection) -> None:
    two = with_peaks(inspection, (10, 10), (20, 20), (150, 150))
    assert where_found(two) == "It found the strongest evidence at the upper left and in the middle."
    many = with_peaks(inspection, (10, 10), (150, 150), (290, 290), (10, 290))
    assert where_found(many) == "It found evidence in 4 places, the strongest at the upper left."
    assert where_found(with_peaks(inspection)) == "No single place stands out."
    off = with_peaks(inspection, (10, 10), weight_d=0.0, set="off")
    assert where_found(off) == "No single place stands out."
    dense = replace(two, response=replace(two.response, attention="saliency"))
    assert where_found(dense) == ""


def test_places_outside_the_box_are_said(inspection: Inspection) -> None:
    box = Annotation(box=Box(x=0, y=0, width=100, height=300))
    for places, words in (
        (((10, 10),), ""),
        (((200, 10),), "That place is outside the annotated box."),
        (((10, 10), (200, 10)), "1 of 2 places is outside the annotated box."),
        (((200, 10), (10, 10)), "The strongest place is outside the annotated box."),
        (((200, 10), (210, 200), (10, 10)), "The strongest place and another are outside the annotated box."),
        (((200, 10), (210, 200)), "All these places are outside the annotated box."),
    ):
        said = where_found(with_peaks(inspection, *places), box)
        assert said.endswith(words)
        assert ("box" in said) == bool(words)


def test_the_whole_sentence(inspection: Inspection) -> None:
    said = plain_sentence(with_shares(with_peaks(inspection, (10, 150)), 0.97))
    name = inspection.response.classes[0].partition(".")[2].replace("_", " ") or inspection.response.classes[0]
    assert said == f"The model says {name} (97.0 %). It is very sure. It found the strongest evidence on the left."
