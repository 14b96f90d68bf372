"""The result of hiding a place: what every branch says with and without it, beside random places of the same size.

Does not import torch, so that the window and files share this type; `hide_places` computes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.datasets.transforms import PixelBox
from s3n_core.inspection.control_places import Region
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import ByValue, Score, Scores
from s3n_core.inspection.number_text import number_text, probability_text, signed_text
from s3n_core.system.atomic_files import write_bytes

_NOISE = 1e-4
"""Differences up to this share of a value (of 1, if it is smaller) may come from rounding and are no differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a value changes when a place is hidden, and when random places are.

    Attributes:
        before: The value for the unchanged image.
        after: The value with the place hidden.
        controls: The change (after - before) of each random place.
    """

    before: float
    after: float
    controls: tuple[float, ...]

    @property
    def change(self) -> float:
        """The change; negative if hiding the place lowers the value."""
        return self.after - self.before

    @property
    def median(self) -> float:
        """The median change of the random places."""
        return float(np.median(self.controls))

    @property
    def range(self) -> tuple[float, float]:
        """The range that holds the middle 95 % of the random places' changes (quantiles 0.025 and 0.975)."""
        low, high = np.quantile(self.controls, (0.025, 0.975)).tolist()
        return low, high

    @property
    def relied_on(self) -> float:
        """How much more the value falls than with the random places: the loss less their mean loss."""
        return float(np.mean(self.controls)) - self.change

    @property
    def stronger_than(self) -> int:
        """How many random places lower the value less than this place does, by more than rounding."""
        noise = _NOISE * max(1.0, abs(self.before))
        return sum(self.change < control - noise for control in self.controls)

    def to_dict(self) -> dict[str, Any]:
        """Return all values as JSON values."""
        low, high = self.range
        return {
            "before": self.before,
            "after": self.after,
            "change": self.change,
            "controls": list(self.controls),
            "control_median": self.median,
            "control_low": low,
            "control_high": high,
            "stronger_than": self.stronger_than,
            "of": len(self.controls),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class HiddenPlace(ByValue):
    """One hidden place. Compared by value.

    Attributes:
        name: The image's name, the key of the random places.
        place: The centre (x, y) of the hidden place, in pixels of the original.
        settings: How it was hidden; nothing in it is None.
        region: Where the random places lie.
        region_box: That region, (x0, y0, x1, y1) in pixels of the original.
        controls: Centres of the random places, float32 (n, 2), (x, y) in pixels of the original.
        classes: Class names, by index.
        logits: float32 (2 + n, C) by branch, "joint", "O", "D", "C" as far as the network has them: of the unchanged
            image, with the place hidden, and with each random place hidden.
        image: The original with the place hidden, RGB uint8 (h, w, 3), downscaled by ``image_scale`` if it is large.
        image_scale: Pixels of ``image`` per pixel of the original, at most 1.
        model: The model file's name.
        model_digest: First 16 hexadecimal digits of its SHA-256.
        precision: Precision of the network's layers.
        licence: What must be said of the licence of the weights that the model began with (`NetworkConfig.licence_notice`); "" if
            nothing.
    """

    name: str
    place: Place
    settings: HidingSettings
    region: Region
    region_box: PixelBox
    controls: NDArray[np.float32]
    classes: tuple[str, ...]
    logits: Mapping[str, NDArray[np.float32]]
    image: NDArray[np.uint8]
    image_scale: float
    model: str
    model_digest: str
    precision: str
    licence: str = ""

    @property
    def answer(self) -> str:
        """The branch of the network's prediction: "joint", or "O" without a joint head."""
        return self._scores(0).answer

    @property
    def prediction(self) -> Score:
        """The predicted class of the unchanged image."""
        return self._prediction(0)

    @property
    def hidden_prediction(self) -> Score:
        """The predicted class with the place hidden."""
        return self._prediction(1)

    @property
    def controls_changed(self) -> int:
        """For how many of the random places the predicted class changes."""
        return sum(self._prediction(2 + row).index != self.prediction.index for row in range(len(self.controls)))

    def probability(self, index: int, branch: str | None = None) -> Change:
        """Return the change of a class's probability, in [0, 1], according to a branch (None: the prediction)."""
        return self._change(branch, lambda scores, of: float(scores.probabilities(of)[index]))

    def margin(self, index: int, branch: str | None = None) -> Change:
        """Return the change of a class's logit margin: its logit minus the largest logit of any other class.

        The margin is negative where another class wins. Unlike the probability it does not saturate, so it is what
        places are ranked by.
        """

        def margin(scores: Scores, of: str) -> float:
            logits = scores.logits[of].astype(np.float64)
            others = np.delete(logits, index)
            return float(logits[index] - (others.max() if others.size else 0.0))

        return self._change(branch, margin)

    def logit(self, target: int, versus: int | None = None, branch: str | None = None) -> Change:
        """Return the change of a class's logit, or of its margin over one other class, as contributions ask for it."""
        return self._change(branch, lambda scores, of: scores.margin(target, versus, of))

    def sentence(self, index: int | None = None) -> str:
        """Return what hiding the place does to a class (None: the predicted one), in one sentence or two."""
        index = self.prediction.index if index is None else index
        probability, margin = self.probability(index), self.margin(index)
        low, high = margin.range
        verb = "lowers" if margin.change < 0 else "raises"
        text = (
            f"Hiding this place {verb} the logit margin of {displayed_class(self.classes[index])} by "
            f"{number_text(abs(margin.change), 2)} (probability {probability_text(probability.before)} to "
            f"{probability_text(probability.after)}). {self.rank_text(index)} (median {signed_text(margin.median)}, 95 % "
            f"range {signed_text(low)} to {signed_text(high)})."
        )
        if self.hidden_prediction.index != self.prediction.index:
            text += f" The prediction becomes {displayed_class(self.hidden_prediction.name)}."
        return text

    def rank_text(self, index: int) -> str:
        """Return how many random places lower a class's logit margin less: "Stronger than 19 of 20 random places"."""
        margin = self.margin(index)
        return f"Stronger than {margin.stronger_than} of {len(margin.controls)} random places"

    def lines(self) -> tuple[str, str, str, str]:
        """Return what hiding the place does to the predicted class, in short lines: rank, margin, controls, prediction."""
        index = self.prediction.index
        margin, probability = self.margin(index), self.probability(index)
        low, high = margin.range
        controls = f"random places: {signed_text(margin.median)} ({signed_text(low)} to {signed_text(high)})"
        after = f"probability {probability_text(probability.before)} to {probability_text(probability.after)}"
        if self.hidden_prediction.index != index:
            after = f"becomes {displayed_class(self.hidden_prediction.name)}; {after}"
        return self.rank_text(index), f"logit margin {signed_text(margin.change)}", controls, after

    def how(self) -> str:
        """Return how the place was hidden, in a few words: "mean colour, 69 px, beside 20 random places in the ..."."""
        settings, words = (
            self.settings,
            {"mean": "mean colour", "surround": "colour of the surroundings", "blur": "blur"},
        )
        where = "in the annotated box" if self.region == "box" else "in what the network sees"
        beside = f"{settings.controls} random places {where} (their median and 95 % range)"
        return f"{words[settings.fill]}, {settings.size:.0f} px, beside {beside}"

    def to_dict(self, index: int | None = None) -> dict[str, Any]:
        """Return everything except the arrays as JSON values, for the predicted class and another one.

        Args:
            index: A class in addition to the predicted one, or None.
        """
        indices = [self.prediction.index, *([] if index in (None, self.prediction.index) else [index])]
        return {
            "name": self.name,
            "place": list(self.place),
            "settings": self.settings.to_dict(),
            "region": self.region,
            "region_box": list(self.region_box),
            "controls": self.controls.tolist(),
            "prediction": self.prediction.name,
            "hidden_prediction": self.hidden_prediction.name,
            "classes": [
                {
                    "index": at,
                    "class": self.classes[at],
                    "branches": {
                        branch: {
                            "probability": self.probability(at, branch).to_dict(),
                            "margin": self.margin(at, branch).to_dict(),
                        }
                        for branch in self.logits
                    },
                }
                for at in indices
                if at is not None
            ],
            "model": self.model,
            "model_digest": self.model_digest,
            "precision": self.precision,
            **({"licence": self.licence} if self.licence else {}),
        }

    def _scores(self, row: int) -> Scores:
        return Scores(logits={branch: values[row] for branch, values in self.logits.items()})

    def _prediction(self, row: int) -> Score:
        scores = self._scores(row)
        shares = scores.probabilities(scores.answer)
        index = int(np.argmax(shares))
        return Score(index=index, name=self.classes[index], probability=float(shares[index]))

    def _change(self, branch: str | None, value: Any) -> Change:
        of = branch or self.answer
        before, after, *controls = (value(self._scores(row), of) for row in range(len(self.logits[of])))
        return Change(before=before, after=after, controls=tuple(control - before for control in controls))


def write_hidden_place(path: Path, hidden: HiddenPlace, index: int | None = None) -> None:
    """Write `HiddenPlace.to_dict` as a JSON file, atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    write_bytes(path, (json.dumps(hidden.to_dict(index), indent=1) + "\n").encode("ascii"))
