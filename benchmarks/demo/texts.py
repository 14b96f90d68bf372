"""What documents say of the demo, written from what the demo shows today.

A document holds such a text between ``<!-- demo: NAME -->`` and ``<!-- end -->``. `make` writes them anew, and
``tests/core/test_demo_texts.py`` fails if one differs from what the model sees.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.geometry import largest_magnification
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.inspector import inspect
from s3n_core.inspection.number_text import magnification_text, probability_text
from s3n_core.inspection.peak import Peak
from s3n_core.models.opening import open_model
from s3n_core.prediction.job import predict
from s3n_core.prediction.rows import Prediction

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("docs/tutorial.md", "docs/results.md", "resources/demo/README.md")
MEASURED = CHECKOUT / "benchmarks" / "demo" / "measured.json"
"""What cannot be computed from the demo's own files: the accuracy on the test images, and the key points of its first image."""

_MARKED = re.compile(r"(<!-- demo: ([a-z ]+) -->\n)(.*?)(\n *<!-- end -->)", re.DOTALL)
_WIDTH = 120
_LITTLE = 1.5  # magnification of an area that one does not see
_NEAR = 0.12  # of the image's diagonal
_PLACES = {
    "back": "the back",
    "beak": "the bill",
    "belly": "the belly",
    "breast": "the breast",
    "crown": "the crown",
    "forehead": "the forehead",
    "left eye": "the eye",
    "right eye": "the eye",
    "left leg": "the legs",
    "right leg": "the legs",
    "left wing": "the wing",
    "right wing": "the wing",
    "nape": "the nape",
    "tail": "the tail",
    "throat": "the throat",
}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Facts:
    """What the demo shows.

    Attributes:
        first: The inspection of its first image.
        parts: Key points (x, y) of that image in pixels, by the part names of CUB-200-2011.
        rows: The predictions of its images.
        measured: The evaluation on the test images, as `s3n evaluate --json` prints it.
    """

    first: Inspection
    parts: Mapping[str, tuple[float, float]]
    rows: Sequence[Prediction]
    measured: Mapping[str, Any]


def read_facts(demo: Path = CHECKOUT / "resources" / "demo", measured: Path = MEASURED) -> Facts:
    """Ask the demo's model about its images; takes a few seconds."""
    data, model = open_data_set(demo / "images"), open_model(demo / "model.safetensors", "cpu", "float32")
    first = data.records[0]
    stored = json.loads(measured.read_text(encoding="utf-8"))
    rows = [row for some in predict(model, data.records, classes=data.classes) for row in some]
    return Facts(inspect(model, first.path, name=first.name), stored["parts"], rows, stored["evaluation"])


def texts(facts: Facts) -> dict[str, str]:
    """Return every text by its name, each line at most 120 characters wide."""
    return {
        "panes": _panes(facts),
        "strongest place": _filled(_strongest_place(facts)),
        "predictions": _filled(_predictions(facts.rows)),
        "accuracy": _filled(f"- {_accuracy(facts.measured)} {_MADE}", indent="  "),
        "measured": _filled(f"{_accuracy(facts.measured)} {_seen(facts.rows)}"),
    }


def marked(document: str) -> dict[str, str]:
    """Return the texts between a document's marks, by name."""
    return {found[2]: found[3] for found in _MARKED.finditer(document)}


def renewed(document: str, text_of: Callable[[str], str]) -> str:
    """Return a document with new texts between its marks."""
    return _MARKED.sub(lambda found: found[1] + text_of(found[2]) + found[4], document)


def rewrite_documents(facts: Facts, checkout: Path = CHECKOUT) -> list[Path]:
    """Write the texts into the documents; return the documents that have changed."""
    written, changed = texts(facts), []
    for name in DOCUMENTS:
        path = checkout / name
        before = path.read_text(encoding="utf-8")
        after = renewed(before, lambda key: written[key])
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed.append(path)
    return changed


_MADE = "[resources/demo/README.md](../resources/demo/README.md) says how it was made."


def _panes(facts: Facts) -> str:
    first = facts.first
    peaks = _peaks(first)
    places = [_place(peak, facts) for peak in peaks]
    enlarged = magnification_text(largest_magnification(first.warps.grid_d))
    beside = largest_magnification(first.warps.grid_c)
    little = (
        "Here that is little, so the image changes little."
        if beside < _LITTLE
        else f"Here places are enlarged up to {magnification_text(beside)} times in area."
    )
    several = len([peak for peak in peaks if peak.weight_d >= peak.weight_c]) > 1
    enlarging = (
        "The strong peaks get the most space, so their places are larger in the image beside it"
        if several
        else "The strong peak gets the most space, so its place is larger in the image beside it"
    )
    items = [
        f"**Original with peaks.** The model finds evidence in {_counted(len(peaks), 'place')}: "
        f"{_listed(_distinct(places))}. A larger mark is a stronger peak.",
        "**Response map (R).** This is where the first branch finds evidence for "
        f"{_what_r_shows(first)}. It is brightest {places[0]}.",
        f"**Discriminative map (Q_d) and image (D).** {enlarging}, up to {enlarged} times in area. The second branch reads "
        "this image.",
        "**Complementary map (Q_c) and image (C).** These get the space that the strong peaks leave. "
        f"{little} The third branch reads this one.",
        f"**Scores.** The model predicts *{displayed_class(first.prediction.name)}* with "
        f"{probability_text(first.prediction.probability)} confidence. {_agreement(first)}",
    ]
    return "\n".join(_filled(f"{number}. {item}", indent="   ") for number, item in enumerate(items, 1))


def _strongest_place(facts: Facts) -> str:
    return (
        f"Point at the strongest peak, {_place(_peaks(facts.first)[0], facts)}. The same place is marked in every pane. Now "
        "switch the peak off: click it and press **X**. The image is warped again at once, and the new scores follow. This "
        "removes only the enlargement; to take the place itself away, [hide the place](how-to/inspect.md#hide-a-place) (H). "
        "Press **Ctrl+Z** to undo."
    )


def _predictions(rows: Sequence[Prediction]) -> str:
    right = sum(bool(row.correct) for row in rows)
    all_right = right == len(rows)
    heading = f"all {len(rows)} images" if all_right else f"{right} of {len(rows)} images"
    hardest = min(rows, key=lambda row: 2.0 if row.margin is None else row.margin)
    assert hardest.class_name is not None
    assert hardest.probability is not None
    assert hardest.margin is not None
    assert hardest.entropy is not None
    others = [letter for letter, name in hardest.branches if name != hardest.class_name]
    if others:
        symbols, each = _listed(others), "branches" if others[1:] else "branch"
        shown = f"Its {symbols} {'are' if others[1:] else 'is'} hollow, because {each} {symbols} "
        shown += "predict other species." if others[1:] else "predicts another species."
    else:
        shown = "Its O, D and C are filled, because all branches agree."
    certain = "uncertain" if hardest.entropy > 0.2 else "certain"
    also = " as well" if others and certain == "uncertain" else ""
    return (
        f"The model is right on {heading}. Click the heading **Margin** to sort by it: the images that were hardest come "
        f"first. The first is a *{displayed_class(hardest.label or hardest.class_name)}*"
        f"{'' if hardest.correct else f', predicted as *{displayed_class(hardest.class_name)}*,'} with a confidence of "
        f"{hardest.probability:.2f} and a margin of {hardest.margin:.2f}. {shown} Its entropy H = {hardest.entropy:.2f} nats "
        f"says that the first branch was {certain}{also}. Press **Enter** to see in Inspect where the model looked."
    )


def _accuracy(measured: Mapping[str, Any]) -> str:
    predictions = {row["name"]: row for row in measured["predictions"]}
    joint = predictions["joint"]
    low, high = joint["top1_interval_95"]
    branches = [name for name in ("O", "D", "C") if name in predictions]
    shares = ", ".join(probability_text(predictions[name]["top1"]) for name in branches)
    new = " that it has not seen" if measured["seen"]["unseen"] == measured["images"] else ""
    return (
        f"The demo model is correct on {probability_text(joint['top1'])} of {measured['images']} synthetic test birds{new} "
        f"(95 % interval {100 * low:.1f} to {probability_text(high)}; its branches {', '.join(branches)}: {shares})."
    )


def _seen(rows: Sequence[Prediction]) -> str:
    if all(row.seen == "unseen" for row in rows):
        return "The model knows which images it has seen; those in `images/` are not among them."
    return (
        "These files are of an earlier version: the model does not know which images it has seen, and its birds have other "
        "scenes than those drawn today."
    )


def _peaks(inspection: Inspection) -> list[Peak]:
    """Return the peaks, the strongest first."""
    return sorted(inspection.warps.peaks, key=lambda peak: -peak.response)


def _place(peak: Peak, facts: Facts) -> str:
    """Return where a peak lies on the bird: "at the tail", or "beside the tail" if no part is near."""
    width, height = facts.first.response.image.shape[1], facts.first.response.image.shape[0]
    away = {name: ((x - peak.x) ** 2 + (y - peak.y) ** 2) ** 0.5 for name, (x, y) in facts.parts.items()}
    nearest = min(away, key=lambda name: away[name])
    is_near = away[nearest] <= _NEAR * (width**2 + height**2) ** 0.5
    return f"{'at' if is_near else 'beside'} {_PLACES[nearest]}"


def _what_r_shows(inspection: Inspection) -> str:
    return "the predicted class" if inspection.response.sure else "the most probable classes, as it is uncertain"


def _agreement(inspection: Inspection) -> str:
    said = inspection.prediction.name
    others = [letter for letter in ("O", "D", "C") if inspection.top(letter, 1)[0].name != said]
    if not others:
        return "All three branches agree."
    return f"{_listed(others)} {'predict other species' if others[1:] else 'predicts another species'}."


def _distinct(places: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(places))


def _listed(words: Any) -> str:
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last


def _counted(number: int, thing: str) -> str:
    word = _NUMBERS[number] if number < len(_NUMBERS) else str(number)
    return f"{word} {thing}{'' if number == 1 else 's'}"


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        fix_sentence_endings=False,
    )
