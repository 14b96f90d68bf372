"""How faithful contributions are on a set of images: the measures, their controls and their intervals. Without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from s3n_core.evaluation.bootstrap import FEWEST, interval_over_images

RemovalFill = Literal["blur", "other image"]
"""What replaces a removed patch: the same place blurred, or the same place of another image."""

REMOVAL_FILLS: tuple[RemovalFill, ...] = get_args(RemovalFill)

Measure = Literal["insertion AUC", "deletion AUC", "RD@5 %", "RD@10 %"]
"""AUC: mean probability of the predicted class along the curve. RD: how much more the predicted class loses than its
strongest rival when the given share of the area is removed, the largest contributions to their margin first."""

MEASURES: tuple[Measure, ...] = get_args(Measure)

Baseline = Literal["original", "unwarped"]
"""Other contributions that those of all branches are held against: those of O's cells alone, which are Grad-CAM of O's share; and
those of all branches, with the cells of D and C placed as if their images were not warped."""

_BASELINE_TITLES: Mapping[Baseline, tuple[str, str]] = {
    "original": (
        "What D and C add, placed where they have looked, to the contributions of O alone (Grad-CAM):",
        "O alone",
    ),
    "unwarped": (
        "What placing D and C where they have looked adds to placing them as if nothing were warped:",
        "unwarped",
    ),
}
"""For a table: what it shows, and the heading of the baseline's column."""

BASELINES: tuple[Baseline, ...] = get_args(Baseline)

Group = Literal["correct", "wrong", "unlabelled"]

GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFaithfulness:
    """The measures of one image.

    Attributes:
        name: Its name.
        group: Whether the predicted class is that of its label.
        on_box: Whether random patches lie on the object's box first; else anywhere.
        values: By fill and measure: the value for contributions and the mean for random patches of equal area.
        baselines: By baseline, fill and measure: the value for these other contributions. Empty for a network with one branch or
            without O; without "unwarped" where D and C are not warped.
    """

    name: str
    group: Group
    on_box: bool
    values: Mapping[RemovalFill, Mapping[Measure, tuple[float, float]]]
    baselines: Mapping[Baseline, Mapping[RemovalFill, Mapping[Measure, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A measure for the contributions of all branches over that of a baseline, over several images.

    Attributes:
        baseline: Mean for the baseline.
        difference: Mean of the difference: all branches, placed where they have looked, less the baseline.
        interval: Its 95 % interval (bootstrap over images), or None for fewer than `FEWEST` images.
    """

    baseline: float
    difference: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSummary:
    """One measure over several images.

    Attributes:
        fill: What replaced the removed patches.
        measure: The measure.
        value: Mean for contributions.
        random: Mean for random patches of equal area.
        difference: Mean of the difference of both.
        interval: Its 95 % interval (bootstrap over images), or None for fewer than `FEWEST` images.
        gains: What is gained over each baseline.
    """

    fill: RemovalFill
    measure: Measure
    value: float
    random: float
    difference: float
    interval: tuple[float, float] | None
    gains: Mapping[Baseline, Gain]

    @property
    def less_is_better(self) -> bool:
        """Whether a smaller value speaks for the contributions."""
        return self.measure == "deletion AUC"


@dataclass(frozen=True, kw_only=True)
class Faithfulness:
    """The faithfulness of a model's contributions on a set of images.

    Attributes:
        images: The measures of every image, in order.
        total: Number of images of the split, measured or not.
        unreadable: (name, reason) of images that could not be read, and those without finite scores.
        split: Which images these are.
        model: Digest of the model file.
        precision: Precision of the network's layers.
        sampling: How peaks are assigned.
    """

    images: tuple[ImageFaithfulness, ...]
    total: int
    unreadable: tuple[tuple[str, str], ...]
    split: str
    model: str
    precision: str
    sampling: str

    def group(self, group: Group) -> tuple[ImageFaithfulness, ...]:
        """Return the images of a group."""
        return tuple(image for image in self.images if image.group == group)

    def summaries(self, group: Group) -> tuple[MeasureSummary, ...]:
        """Return every measure over the images of a group, by fill; empty if there are none."""
        images = self.group(group)
        return tuple(_summary(images, fill, measure) for fill in REMOVAL_FILLS for measure in MEASURES if images)

    def text(self) -> str:
        """Return the measures as lines for a terminal."""
        lines = [
            f"{len(self.images)} of {self.total} images were measured"
            + (f"; {len(self.unreadable)} could not be." if self.unreadable else "."),
            "Contributions to the predicted class; beside them the mean of random patches of equal area"
            f" (on the object's box in {sum(image.on_box for image in self.images)} images).",
        ]
        for group in GROUPS:
            if not (summaries := self.summaries(group)):
                continue
            count = len(self.group(group))
            lines += ["", f"{group.capitalize()}: {count} image{'s' if count > 1 else ''}"]
            lines.append(f"{'fill':<12} {'measure':<14} {'value':>7} {'random':>7} {'difference (95 % interval)':>30}")
            lines += [_line(summary) for summary in summaries]
            for baseline in summaries[0].gains:
                title, heading = _BASELINE_TITLES[baseline]
                lines += [
                    title,
                    f"{'fill':<12} {'measure':<14} {'value':>7} {heading:>8} {'difference (95 % interval)':>29}",
                ]
                for summary in summaries:
                    gain = summary.gains[baseline]
                    lines.append(_row(summary, gain.baseline, gain.difference, gain.interval))
            if count < FEWEST:
                lines.append(f"No intervals for fewer than {FEWEST} images.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values: the groups, and every image."""
        return {
            "images": len(self.images),
            "total": self.total,
            "unreadable": [list(pair) for pair in self.unreadable],
            "split": self.split,
            "model": self.model,
            "precision": self.precision,
            "sampling": self.sampling,
            "on_box": sum(image.on_box for image in self.images),
            "groups": {
                group: {
                    "images": len(self.group(group)),
                    "measures": [
                        {
                            "fill": summary.fill,
                            "measure": summary.measure,
                            "value": summary.value,
                            "random": summary.random,
                            "difference": summary.difference,
                            "interval_95": None if summary.interval is None else list(summary.interval),
                            "less_is_better": summary.less_is_better,
                            **{
                                f"gain_over_{baseline}": _gain_dict(baseline, summary.gains.get(baseline))
                                for baseline in BASELINES
                            },
                        }
                        for summary in self.summaries(group)
                    ],
                }
                for group in GROUPS
            },
            "by_image": [
                {
                    "name": image.name,
                    "group": image.group,
                    "on_box": image.on_box,
                    "values": {
                        fill: {name: list(pair) for name, pair in image.values[fill].items()} for fill in image.values
                    },
                    **{
                        baseline: {fill: dict(values) for fill, values in image.baselines.get(baseline, {}).items()}
                        for baseline in BASELINES
                    },
                }
                for image in self.images
            ],
        }


def _summary(images: Sequence[ImageFaithfulness], fill: RemovalFill, measure: Measure) -> MeasureSummary:
    pairs = np.array([image.values[fill][measure] for image in images], dtype=np.float64)
    differences = pairs[:, 0] - pairs[:, 1]
    interval = interval_over_images(differences, "faithfulness", fill, measure)
    value, random = pairs.mean(axis=0).tolist()
    gains = dict[Baseline, Gain]()
    for baseline in images[0].baselines:
        others = np.array([image.baselines[baseline][fill][measure] for image in images], dtype=np.float64)
        over = pairs[:, 0] - others
        gains[baseline] = Gain(
            baseline=float(others.mean()),
            difference=float(over.mean()),
            interval=interval_over_images(over, "placing", fill, measure),
        )
    return MeasureSummary(
        fill=fill,
        measure=measure,
        value=value,
        random=random,
        difference=float(differences.mean()),
        interval=interval,
        gains=gains,
    )


def _gain_dict(baseline: Baseline, gain: Gain | None) -> dict[str, Any] | None:
    if gain is None:
        return None
    interval = None if gain.interval is None else list(gain.interval)
    return {baseline: gain.baseline, "difference": gain.difference, "interval_95": interval}


def _line(summary: MeasureSummary) -> str:
    return _row(summary, summary.random, summary.difference, summary.interval)


def _row(summary: MeasureSummary, other: float, difference: float, interval: tuple[float, float] | None) -> str:
    bounds = "" if interval is None else " ({:+.3f} to {:+.3f})".format(*interval)
    shown = f"{difference:+.3f}{bounds}"
    note = "  less is better" if summary.less_is_better else ""
    return f"{summary.fill:<12} {summary.measure:<14} {summary.value:7.3f} {other:7.3f} {shown:>30}{note}"
