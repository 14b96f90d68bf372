"""The experiments: which networks are trained, what is measured of each, and what the paper says.

Experiments are data. An arm is a recipe with a few changed settings; arms that are the same training in several tables are
trained once. Does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from s3n_core.method.configuration import Control

Measure = Literal["joint", "O", "D", "C", "mean", "localized", "hit_rate"]
"""What is measured of an arm, in percent: the accuracy of a head (``mean``: of the mean of the branches' probabilities), the
accuracy of localisation, or the mean share of an image's peaks that lie in the object's box."""
OF_PLACES: tuple[Measure, ...] = ("localized", "hit_rate")
"""The measures that need boxes."""

Reading = Literal["predictions", "places", "peaks"]
"""What some experiments read of a network's test besides its answers: each takes as long as these."""

FigureKind = Literal["", "sampling", "crops", "epochs", "hits", "parts", "evidence"]

VIEWS = (1, 3)
"""Numbers of views per image whose probabilities can be averaged."""

ANSWERABLE: tuple[Control, ...] = ("none", "identity", "random_places", "other_image", "centre", "true_places")
"""The controls that a trained network can be answered with, since they only move its peaks."""

FULL = "S3N O+D+C"
"""The method: the arm that others are compared with, unless an experiment names another."""

DIFFERING_KEY_POINTS = (
    "beak",
    "crown",
    "left eye",
    "left leg",
    "left wing",
    "right eye",
    "right leg",
    "right wing",
    "tail",
    "throat",
)
"""The key points of the parts in which synthetic birds differ; the same for every image, so that they do not tell its class."""

ALONE = "fine-tuned backbone"
"""The arm without parts that figures are compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One row of a table: a training and how it is answered.

    Attributes:
        title: Its name.
        settings: Changes of the campaign's recipe, by field.
        length: Factor on the number of epochs.
        warm_up: Share of the epochs, from the first, in which all peaks are in both maps; 0: as the recipe has it.
        answered: With which peaks the trained network answers, if not with those that it was trained with.
        views: Number of views per image whose probabilities are averaged: 1, or 3 (`answers`).
        paper: The paper's numbers, in percent: by data set and measure.
        note: What the reader must know about it.
        name: The name of its files in a folder of stored answers (`stored_answers`); empty if there are none.
    """

    title: str
    settings: Mapping[str, object] = field(default_factory=dict)
    length: int = 1
    warm_up: float = 0.0
    answered: Control = "none"
    views: int = 1
    paper: Mapping[str, Mapping[Measure, float]] = field(default_factory=dict)
    note: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A table.

    Attributes:
        key: Its name on the command line.
        title: Its heading.
        measures: Its columns.
        arms: Its rows.
        figure: A figure instead of a table, which has no measures: "sampling" (Figure 1), "crops" (Figure 2), "epochs"
            (Figure 4), "hits" (Figure 5), "parts" (Figure 6) or "evidence" (Figure 7).
        family: Whether its arms are controls whose differences from ``compared`` are adjusted for their number (Holm), and
            together decide whether places pay.
        compared: Title of the arm that the others are compared with.
    """

    key: str
    title: str
    measures: tuple[Measure, ...]
    arms: tuple[Arm, ...]
    figure: FigureKind = ""
    family: bool = False
    compared: str = FULL

    @property
    def readings(self) -> frozenset[Reading]:
        """What it reads of a network's test besides the answers."""
        found: set[Reading] = set()
        if self.figure == "evidence":
            found.add("predictions")
        if self.figure in ("hits", "parts"):
            found.add("peaks")
        if set(self.measures) & set(OF_PLACES):
            found.add("places")
        return frozenset(found)


def _cub(**measured: float) -> Mapping[str, Mapping[Measure, float]]:
    return {"cub": measured}  # type: ignore[dict-item]


_FULL = Arm(title=FULL)
_ORIGINAL = {"network.branches": "O"}
_FINER = {"network.input_size": 224, "network.look_size": 448, "network.source_size": 448}
_SAVED = {"probes": 2}  # images whose evidence is saved after every epoch, for Figure 4


def _sweep(key: str, title: str, setting: str, values: Mapping[str, object]) -> Experiment:
    arms = tuple(Arm(title=name, settings={setting: value}) for name, value in values.items())
    return Experiment(key=key, title=title, measures=("joint", "O", "D", "C"), arms=(_FULL, *arms))


def _lever(key: str, title: str, name: str, settings: Mapping[str, object]) -> Experiment:
    """Return an experiment that tries other places: with and without them, each beside another image's places."""
    other = {"network.control": "other_image"}
    return Experiment(
        key=key,
        title=title,
        measures=("joint", "O", "D", "C", "mean"),
        compared=name,
        arms=(
            Arm(title=name, settings=settings),
            Arm(title=f"{name}, another image's places", settings={**settings, **other}),
            _FULL,
            Arm(title="(b2) another image's places", settings=other),
        ),
    )


EXPERIMENTS: Mapping[str, Experiment] = {
    experiment.key: experiment
    for experiment in (
        Experiment(
            key="table1",
            title="Table 1: hit rate of the sparse attention",
            measures=("hit_rate",),
            arms=(
                Arm(
                    title=FULL,
                    paper={"cub": {"hit_rate": 94.63}, "aircraft": {"hit_rate": 97.22}, "cars": {"hit_rate": 98.76}},
                ),
            ),
        ),
        Experiment(
            key="table2",
            title="Table 2: the branches",
            measures=("localized", "O", "D", "C", "joint"),
            arms=(
                Arm(title="S3N O", settings=_ORIGINAL, paper=_cub(localized=57.7, O=86.0, joint=86.0)),
                Arm(
                    title="S3N O+D",
                    settings={"network.branches": "O+D"},
                    paper=_cub(localized=59.2, O=87.0, D=86.5, joint=87.6),
                ),
                Arm(
                    title="S3N O+C",
                    settings={"network.branches": "O+C"},
                    paper=_cub(localized=56.6, O=86.8, C=85.3, joint=87.3),
                ),
                Arm(
                    title="S3N D+C",
                    settings={"network.branches": "D+C"},
                    paper=_cub(localized=62.6, D=87.1, C=85.6, joint=87.5),
                ),
                Arm(title=FULL, paper=_cub(localized=65.2, O=87.9, D=86.7, C=85.1, joint=88.5)),
            ),
        ),
        Experiment(
            key="table3",
            title="Table 3: sparse and dense attention",
            measures=("joint",),
            arms=(
                Arm(title="saliency", settings={"network.attention": "saliency"}, paper=_cub(joint=85.9)),
                Arm(title="class response", settings={"network.attention": "response"}, paper=_cub(joint=87.8)),
                Arm(title=FULL, paper=_cub(joint=88.5)),
            ),
        ),
        Experiment(
            key="table4",
            title="Table 4: how peaks are assigned to the branches",
            measures=("joint",),
            arms=(
                Arm(
                    title="all peaks in both",
                    settings={"network.train_sampling": "all", "network.eval_sampling": "all"},
                    paper=_cub(joint=87.7),
                ),
                Arm(title="a fair coin", settings={"network.train_sampling": "coin"}, paper=_cub(joint=87.9)),
                Arm(
                    title="by response (Eq. 4)",
                    settings={"network.train_sampling": "random", "network.eval_sampling": "expected"},
                    paper=_cub(joint=88.5),
                ),
                _FULL,
            ),
        ),
        Experiment(
            key="table5",
            title="Table 5: against the backbone alone",
            measures=("joint",),
            arms=(
                Arm(
                    title=ALONE,
                    settings=_ORIGINAL,
                    paper={"cub": {"joint": 86.0}, "aircraft": {"joint": 89.9}, "cars": {"joint": 92.6}},
                ),
                Arm(
                    title=FULL,
                    paper={"cub": {"joint": 88.5}, "aircraft": {"joint": 92.8}, "cars": {"joint": 94.7}},
                ),
            ),
        ),
        Experiment(
            key="figure1",
            title="Figure 1: from class peak responses to two sampled images",
            measures=(),
            arms=(_FULL,),
            figure="sampling",
        ),
        Experiment(
            key="figure2",
            title="Figure 2: hard crops and sparse sampling",
            measures=(),
            arms=(_FULL,),
            figure="crops",
        ),
        Experiment(
            key="figure4",
            title="Figure 4: visual evidence during the training",
            measures=(),
            arms=(Arm(title=FULL, settings=_SAVED), Arm(title=ALONE, settings={**_ORIGINAL, **_SAVED})),
            figure="epochs",
        ),
        Experiment(
            key="figure5",
            title="Figure 5: peaks on the object per image",
            measures=(),
            arms=(_FULL,),
            figure="hits",
        ),
        Experiment(
            key="figure6",
            title="Figure 6: parts from strong to weak evidence",
            measures=(),
            arms=(_FULL,),
            figure="parts",
        ),
        Experiment(
            key="figure7",
            title="Figure 7: sparse sampling and visual evidence",
            measures=(),
            arms=(_FULL, Arm(title=ALONE, settings=_ORIGINAL)),
            figure="evidence",
        ),
        Experiment(
            key="controls",
            title="Controls: does it matter where the peaks are?",
            measures=("joint", "O", "D", "C", "mean"),
            family=True,
            arms=(
                _FULL,
                Arm(title="(a) no warps", settings={"network.control": "identity"}),
                Arm(title="(b) random places", settings={"network.control": "random_places"}),
                Arm(title="(b2) another image's places", settings={"network.control": "other_image"}),
                Arm(title="(b3) the centre", settings={"network.control": "centre"}),
                Arm(
                    title="(c) O alone, equal compute",
                    settings=_ORIGINAL,
                    length=3,
                    views=3,
                    note="three times the epochs, three views per image",
                ),
                Arm(title="(d) hard crops", settings={"network.control": "hard_crop"}),
            ),
        ),
        _sweep(
            "delta",
            "The threshold delta of Eq. 3",
            "network.entropy_threshold",
            {"delta 0": 0.0, "delta 0.1": 0.1, "delta 0.2": 0.2, "delta 0.3": 0.3, "delta inf": 1e9},
        ),
        _sweep("window", "The window of a peak", "network.window", {"3 cells": 3, "5 cells": 5, "7 cells": 7}),
        _sweep(
            "base",
            "The constant added to Q",
            "network.base",
            {"base 0.03": 0.03, "base 0.09": 0.09, "base 0.3": 0.3, "base 1": 1.0},
        ),
        Experiment(
            key="places",
            title="The same trained networks, answered with other peaks",
            measures=("joint", "O", "D", "C", "mean"),
            arms=(
                _FULL,
                Arm(title="(a) no warps", answered="identity"),
                Arm(title="(b) random places", answered="random_places"),
                Arm(title="(b2) another image's places", answered="other_image"),
                Arm(title="(b3) the centre", answered="centre"),
                Arm(title="true key points", answered="true_places", note="the data set's visible key points"),
            ),
        ),
        Experiment(
            key="true-places",
            title="Networks that are told the true places: what can parts pay?",
            measures=("joint", "O", "D", "C", "mean"),
            family=True,
            compared="true places",
            arms=(
                Arm(
                    title="true places",
                    settings={"network.control": "true_places", "network.control_places": DIFFERING_KEY_POINTS},
                    note="peaks at the key points of the parts in which synthetic birds differ, trained and measured",
                ),
                _FULL,
                Arm(title="(a) no warps", settings={"network.control": "identity"}),
                Arm(title="(b2) another image's places", settings={"network.control": "other_image"}),
            ),
        ),
        _lever(
            "contrast",
            "What the best class has more than its rivals, instead of what they share (instead of the mean in Eq. 3)",
            "contrast",
            {"network.contrast": True},
        ),
        _lever(
            "side-head",
            "R from a classifier of its own on the stage with 16 pixels per cell",
            "side head",
            {"network.side_head": True},
        ),
        _lever(
            "finer-cells",
            "A last stage that keeps its resolution: cells of half the side",
            "finer cells",
            {"network.last_stride": 1},
        ),
        Experiment(
            key="look-size",
            title="O reads the image at 448 pixels, D and C at 224",
            measures=("joint", "O", "D", "C", "mean"),
            compared="O at 448",
            arms=(
                Arm(title="O at 448", settings=_FINER),
                Arm(title="O at 448, no warps", settings={**_FINER, "network.control": "identity"}),
                Arm(title="O at 448, another image's places", settings={**_FINER, "network.control": "other_image"}),
                _FULL,
            ),
        ),
        Experiment(
            key="form",
            title="The paper's form and the released code's",
            measures=("joint", "O", "D", "C"),
            arms=(
                _FULL,
                Arm(
                    title="release form, the network alone",
                    settings={"network.form": "release"},
                    note="without the released code's warm-up, label smoothing and sampling in tests",
                ),
                Arm(
                    title="release form",
                    settings={"network.form": "release", "network.eval_sampling": "extremes", "smoothing": 0.15},
                    warm_up=21 / 60,
                    note="all peaks in both maps in the first 35 % of the epochs, label smoothing 0.15 on O and C, and extremes "
                    "in tests; learning rates and crops are the recipe's",
                ),
            ),
        ),
    )
}
"""The experiments by their names on the command line."""

MEASURE_TITLES: Mapping[Measure, str] = {
    "joint": "Joint",
    "O": "O",
    "D": "D",
    "C": "C",
    "mean": "Mean",
    "localized": "Loc.",
    "hit_rate": "Hit rate",
}


def paper_name(title: str) -> str:
    """Return under which name an arm's ``paper`` lists a data set, by the format's title; "" if the paper does not use it."""
    known = {"CUB-200-2011": "cub", "FGVC-Aircraft 2013b": "aircraft", "Stanford Cars": "cars"}
    return known.get(title, "")
