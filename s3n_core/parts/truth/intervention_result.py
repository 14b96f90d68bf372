"""How well attributions agree with exact interventions: of every scene, in the mean, and beside goals. Without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.bootstrap import interval_over_images
from s3n_core.evaluation.goals import Goal
from s3n_core.parts.truth.intervention_measures import THRESHOLDS, best_threshold, completeness, irrelevant

GRAD_CAM, SIGNED = "O positive (Grad-CAM)", "O signed"
PLACED, UNPLACED = "all branches placed", "all branches unwarped"
RESPONSE, Q_D = "R", "Q_d"
DELETION, CEILING = "deletion of each part", "ceiling"
RANDOM, ONES, HALF = "random map", "all ones", "half map"

Kind = Literal[
    "contributions", "map", "deletion", "control", "ceiling", "random heads", "random network", "shuffled labels"
]

NOT_TRAINED: Mapping[Kind, str] = {
    "random heads": "--sanity",
    "random network": "--sanity",
    "shuffled labels": "--shuffled with a model that was trained after s3n shuffle-labels",
}
"""Attributions of networks that have not learnt the classes, and how to have them measured: every measure should fall to its
control."""

KINDS: Mapping[str, Kind] = {
    GRAD_CAM: "contributions",
    SIGNED: "contributions",
    PLACED: "contributions",
    UNPLACED: "contributions",
    RESPONSE: "map",
    Q_D: "map",
    DELETION: "deletion",
    RANDOM: "control",
    ONES: "control",
    HALF: "control",
    CEILING: "ceiling",
}
"""What each attribution is; one of a network that has not learnt the classes has its kind and the name of the model's."""

SD_GOAL, COMPLETENESS_GOAL, CONTRASTIVITY_GOAL = 0.65, 0.92, 0.95

Clip = Literal["clipped", "unclipped"]
_MEASURES = ("csdc", "pc", "dc", "d")

Key = tuple[Kind, str]
"""An attribution: its kind and its name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """One attribution of one scene at every threshold, shape (thresholds,); None where a measure does not apply.

    Attributes:
        csdc: Share of a sufficient set of parts that is important; None for a wrong prediction.
        pc: 1 where the prediction stays when all but the important parts are removed, else 0.
        dc: 1 where it changes when the important parts are removed, else 0.
        d: 1 - share of irrelevant regions that are important; None where the logit is not positive, or none is irrelevant.
    """

    csdc: NDArray[np.float64] | None
    pc: NDArray[np.float64]
    dc: NDArray[np.float64]
    d: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SceneAttribution:
    """One attribution of one scene.

    Attributes:
        curves: Of the attribution clipped at zero, and of the signed one.
        sd: Agreement with the drops when each part is removed, by the sum in the mask, and by the mean in the mask.
        ts: Whether it tells two classes apart, alike; None where the scene has no such classes.
    """

    curves: Mapping[Clip, Curves]
    sd: tuple[float | None, float | None]
    ts: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SceneMeasures:
    """What is measured of one scene.

    Attributes:
        name: The image's name.
        species: The bird's species.
        correct: Whether the prediction is correct.
        logit: Logit of the species, less the mean over all classes.
        drops: By how much it drops without each part.
        background_drops: The same for each object of the background, by its number.
        told: By part: whether the prediction is correct without it; only parts without which the bird fits no other
            species.
        premise: Whether removal confirms that two classes depend on different parts; None where there are no such classes.
        attributions: The attributions.
    """

    name: str
    species: str
    correct: bool
    logit: float
    drops: Mapping[str, float]
    background_drops: Mapping[str, float]
    told: Mapping[str, bool]
    premise: bool | None
    attributions: Mapping[Key, SceneAttribution]

    def to_dict(self) -> dict[str, Any]:
        """Return what belongs to no threshold as JSON values."""
        return {
            "name": self.name,
            "species": self.species,
            "correct": self.correct,
            "logit": self.logit,
            "drops": dict(self.drops),
            "background_drops": dict(self.background_drops),
            "premise": self.premise,
            "attributions": [
                {"kind": kind, "name": name, "sd": of.sd[0], "sd_by_density": of.sd[1], **_pair_of(of.ts)}
                for (kind, name), of in self.attributions.items()
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of a measure over images.

    Attributes:
        value: The mean; None without images.
        images: Number of images.
        interval: Its 95 % interval (bootstrap over images), None for fewer than ten.
    """

    value: float | None
    images: int
    interval: tuple[float, float] | None

    @property
    def low(self) -> float | None:
        """The lower end of the interval; without one, the mean."""
        return self.value if self.interval is None else self.interval[0]

    @classmethod
    def of(cls, values: Sequence[float], *key: str) -> Mean:
        """Return the mean of one value per image; ``key`` says what they are."""
        array = np.array(values, dtype=np.float64)
        return cls(
            value=float(array.mean()) if len(array) else None,
            images=len(array),
            interval=interval_over_images(array, "faithfulness", *key),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the mean as JSON values."""
        return {"value": self.value, "images": self.images, "interval_95": self.interval and list(self.interval)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtThreshold:
    """The measures that need a threshold t, at one.

    Attributes:
        t: The threshold.
        values: CSDC, PC, DC and D of each image, as in `Curves`, NaN where one does not apply, shape (images, 4).
        key: What they are, for drawing images.
    """

    t: float
    values: NDArray[np.float64]
    key: tuple[str, ...]

    @property
    def means(self) -> Mapping[str, Mean]:
        """The mean of each measure over the images that it applies to: "csdc", "pc", "dc", "d"."""
        columns = zip(_MEASURES, self.values.T, strict=True)
        return {name: Mean.of(of[np.isfinite(of)].tolist(), name, *self.key) for name, of in columns}

    @property
    def completeness(self) -> Mean:
        """((CSDC + PC + DC)/3 + D)/2, None where one of them has no image."""
        return _completeness_mean(self.values, completeness, self.key)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "threshold": self.t,
            "completeness": self.completeness.to_dict(),
            **{name: mean.to_dict() for name, mean in self.means.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionRow:
    """All measures of one attribution.

    Attributes:
        kind: What it is.
        name: Its name.
        fitted: Clipped at zero, t fitted on every second scene and used on the others.
        unclipped: The same for the signed attribution.
        funnybirds: Clipped at zero, t fitted on the scenes that it is used on, as FunnyBirds does.
        sd: SD (correctness) by the sum in the mask.
        sd_by_density: SD by the mean in the mask.
        ts: TS (contrastivity) by the sum in the mask.
        ts_by_density: TS by the mean in the mask.
    """

    kind: Kind
    name: str
    fitted: AtThreshold
    unclipped: AtThreshold
    funnybirds: AtThreshold
    sd: Mean
    sd_by_density: Mean
    ts: Mean
    ts_by_density: Mean

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            **{
                field.name: getattr(self, field.name).to_dict()
                for field in fields(self)
                if field.name not in ("kind", "name")
            },
        }


@dataclass(frozen=True, kw_only=True)
class InterventionMeasures:
    """How well attributions of a model agree with exact interventions.

    Attributes:
        scenes: The measures of every scene, in order.
        total: Number of scenes with interventions, measured or not.
        unknown: How many of them show a species that the model does not know.
        left_out: (name, reason) of scenes that could not be measured.
        species: How many species the model knows.
        model: Digest of the model file.
        precision: Precision of the network's layers.
        sampling: How peaks are assigned.
    """

    scenes: tuple[SceneMeasures, ...]
    total: int
    unknown: int
    left_out: tuple[tuple[str, str], ...]
    species: int
    model: str
    precision: str
    sampling: str

    @property
    def correct(self) -> int:
        """In how many scenes the prediction is correct."""
        return sum(scene.correct for scene in self.scenes)

    @property
    def told(self) -> tuple[int, int]:
        """How many predictions are correct with one part removed, and of how many that fit one species only."""
        told = [correct for scene in self.scenes for correct in scene.told.values()]
        return sum(told), len(told)

    @property
    def not_positive(self) -> int:
        """How many scenes are left out of D and BI because the logit is not above 0."""
        return sum(scene.logit <= 0 for scene in self.scenes)

    @property
    def premises(self) -> tuple[int, int]:
        """In how many scenes removal confirms the premise of TS, and how many have two classes to ask about."""
        asked = [scene.premise for scene in self.scenes if scene.premise is not None]
        return sum(asked), len(asked)

    @property
    def background_independence(self) -> tuple[float | None, int]:
        """BI: share of background objects whose removal does not lower the logit by 5 % or more, and their number."""
        positive = [scene for scene in self.scenes if scene.logit > 0 and scene.background_drops]
        kept = [
            irrelevant(scene.logit, scene.logit - np.array(list(scene.background_drops.values()))) for scene in positive
        ]
        if not kept:
            return None, 0
        of_objects = np.concatenate(kept)
        return float(of_objects.mean()), len(of_objects)

    def rows(self) -> tuple[AttributionRow, ...]:
        """Return all attributions, in the order of a table."""
        return tuple(self._row(key) for key in self.scenes[0].attributions)

    def gains(self) -> tuple[Mean, Mean]:
        """Return what placing D and C adds to SD and to completeness: paired differences over the same images."""
        pairs = [
            [scene.attributions["contributions", name].sd[0] for name in (PLACED, UNPLACED)]
            for scene in self.scenes
            if ("contributions", PLACED) in scene.attributions
        ]
        differences = [a - b for a, b in pairs if a is not None and b is not None]
        sd = Mean.of(differences, "SD", "gain", PLACED, UNPLACED)
        if not pairs:
            return sd, sd
        placed, unplaced = (self._row(("contributions", name)).fitted.values for name in (PLACED, UNPLACED))

        def difference(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return completeness(values[..., :4]) - completeness(values[..., 4:])

        return sd, _completeness_mean(
            np.concatenate([placed, unplaced], axis=1), difference, ("gain", PLACED, UNPLACED)
        )

    def goals(self) -> tuple[Goal, ...]:
        """Return the goals for contributions, and whether they are met."""
        rows = self.rows()
        named = {row.name: row for row in rows if row.kind == "contributions"}
        judged = named.get(PLACED) or named.get(SIGNED) or next(iter(named.values()))
        controls = [row for row in rows if row.kind == "control"]
        random = [row for row in rows if row.kind in NOT_TRAINED and row.name == judged.name]
        ceiling = next(row for row in rows if row.kind == "ceiling")

        def best(of: Sequence[AttributionRow], read: Callable[[AttributionRow], Mean]) -> float | None:
            return max((value for row in of if (value := read(row).value) is not None), default=None)

        measures: dict[str, Callable[[AttributionRow], Mean]] = {
            "completeness": lambda row: row.fitted.completeness,
            "SD": lambda row: row.sd,
            "TS": lambda row: row.ts,
        }
        control, top = best(controls, measures["SD"]), ceiling.sd.value
        half = None if control is None or top is None else control + (top - control) / 2
        goals = [
            Goal(name="SD (correctness)", value=judged.sd.value, least=SD_GOAL),
            Goal(name="SD, half of the way from the best control to the ceiling", value=judged.sd.value, least=half),
            Goal(name="completeness", value=judged.fitted.completeness.value, least=COMPLETENESS_GOAL),
            Goal(name="TS (contrastivity)", value=judged.ts.value, least=CONTRASTIVITY_GOAL),
        ]
        for others, of in (("the controls", controls), ("random networks", random)):
            for name, read in measures.items():
                goals.append(
                    Goal(name=f"{name}, above {others}", value=read(judged).value, least=best(of, read), strict=True)
                )
        for kind, how in NOT_TRAINED.items():
            row = next((row for row in random if row.kind == kind), None)
            if row is None:
                goals.append(Goal(name=f"{kind}, which are not measured without {how}", value=None))
                continue
            for name, read in measures.items():
                # A network that has learnt nothing must not be shown to be better; alone it may be, by chance.
                goals.append(
                    Goal(
                        name=f"{kind}: {name}, not above the best control",
                        value=read(row).low,
                        most=best(controls, read),
                    )
                )
        return tuple(goals)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        independence, objects = self.background_independence
        gains = self.gains()
        return {
            "images": len(self.scenes),
            "total": self.total,
            "unknown_species": self.unknown,
            "left_out": [list(pair) for pair in self.left_out],
            "species": self.species,
            "model": self.model,
            "precision": self.precision,
            "sampling": self.sampling,
            "correct": self.correct,
            "correct_without_a_part": {"correct": self.told[0], "images": self.told[1]},
            "logit_not_positive": self.not_positive,
            "premise_confirmed": {"images": self.premises[0], "of": self.premises[1]},
            "background_independence": {"value": independence, "objects": objects},
            "gain_of_placing": {name: gain.to_dict() for name, gain in zip(("sd", "completeness"), gains, strict=True)},
            "attributions": [row.to_dict() for row in self.rows()],
            "goals": [goal.to_dict() for goal in self.goals()],
            "by_image": [scene.to_dict() for scene in self.scenes],
        }

    def _row(self, key: Key) -> AttributionRow:
        found = [scene.attributions[key] for scene in self.scenes]
        fitting, using = found[0::2], found[1::2]
        told = [of.ts for of in found if of.ts is not None]
        return AttributionRow(
            kind=key[0],
            name=key[1],
            fitted=_at_threshold(fitting, using, "clipped", key),
            unclipped=_at_threshold(fitting, using, "unclipped", key),
            funnybirds=_at_threshold(found, found, "clipped", key),
            sd=_mean_sd(found, 0, key),
            sd_by_density=_mean_sd(found, 1, key),
            ts=Mean.of([ts[0] for ts in told], "TS", *key),
            ts_by_density=Mean.of([ts[1] for ts in told], "TS", *key),
        )


def _mean_sd(found: Sequence[SceneAttribution], which: int, key: Key) -> Mean:
    return Mean.of([sd for of in found if (sd := of.sd[which]) is not None], "SD", *key)


def _at_threshold(
    fitting: Sequence[SceneAttribution], using: Sequence[SceneAttribution], clip: Clip, key: Key
) -> AtThreshold:
    """Fit t on some scenes, and return the measures of others at it."""

    def values(found: Sequence[SceneAttribution], name: str) -> list[NDArray[np.float64]]:
        return [curve for of in found if (curve := getattr(of.curves[clip], name)) is not None]

    none = np.zeros(len(THRESHOLDS))  # a measure without images does not decide
    means = [np.mean(curves, axis=0) if (curves := values(fitting, name)) else none for name in _MEASURES]
    best = best_threshold(*means)
    own = [[getattr(of.curves[clip], name) for name in _MEASURES] for of in using]
    at = np.array([[np.nan if curve is None else curve[best] for curve in of_image] for of_image in own])
    return AtThreshold(t=float(THRESHOLDS[best]), values=at, key=(clip, *key))


def _completeness_mean(
    values: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]], key: tuple[str, ...]
) -> Mean:
    """Return a statistic of CSDC, PC, DC and D of each image, shape (images, ...), with its interval."""
    value = float(statistic(values))
    return Mean(
        value=value if np.isfinite(value) else None,
        images=len(values),
        interval=interval_over_images(values, "faithfulness", "completeness", *key, statistic=statistic),
    )


def _pair_of(ts: tuple[float, float] | None) -> dict[str, float | None]:
    first, second = ts or (None, None)
    return {"ts": first, "ts_by_density": second}
