"""The experiments by name, as settings of the recipe `quick`; includes the controls of docs/explanation/method.md."""

from __future__ import annotations

import json
from typing import Final

_COMMON: Final = {"validation": 0, "probes": 0, "checkpoint_minutes": 60}

BASELINE: Final = {"network.branches": "O"}
OD: Final = {"network.branches": "O+D"}
OC: Final = {"network.branches": "O+C"}
IDENTITY: Final = {"network.control": "identity"}
RANDOM_PLACES: Final = {"network.control": "random_places"}
HARD_CROP: Final = {"network.control": "hard_crop"}

DOUBLE: Final = {"rate_backbone": 0.002, "rate_heads": 0.006}

FOUR: Final = {"rate_backbone": 0.004, "rate_heads": 0.012}

ALL: Final = {"network.train_sampling": "all", "network.eval_sampling": "all"}

MEASURED: Final = {"network.batch_norm": "separate", "recalibrate": True}

LARGE: Final = {"network.input_size": 320}

SMALL_DATA: Final = {**DOUBLE, **ALL, **MEASURED}

EXPERIMENTS: Final[dict[str, dict[str, object]]] = {
    # The recipe `small-data`, its branch sets, and its controls with the same settings.
    "small-data": SMALL_DATA,
    "small-data-od": {**SMALL_DATA, **OD},
    "small-data-oc": {**SMALL_DATA, **OC},
    "small-data-identity": {**SMALL_DATA, **IDENTITY},
    "small-data-random-places": {**SMALL_DATA, **RANDOM_PLACES},
    "small-data-hard-crop": {**SMALL_DATA, **HARD_CROP},
    "small-data-baseline": {**SMALL_DATA, **BASELINE},
    "small-data-baseline-long": {**SMALL_DATA, **BASELINE},
    "small-data-eased": {**SMALL_DATA, "phases": [{"epochs": 5, "sampling": "identity"}]},
    # A larger input: 10x10 feature cells, hence more possible peaks; the source size remains 448 pixels.
    "small-data-large": {**SMALL_DATA, **LARGE},
    "small-data-large-identity": {**SMALL_DATA, **LARGE, **IDENTITY},
    "small-data-large-random-places": {**SMALL_DATA, **LARGE, **RANDOM_PLACES},
    "small-data-large-baseline": {**SMALL_DATA, **LARGE, **BASELINE},
    # The full method and its branch sets, with the recipe's settings.
    "odc": {},
    "od": OD,
    "oc": OC,
    "baseline": BASELINE,
    # Controls: (a) three heads and no parts, (b) as many peaks in random places, (c) equal compute.
    "identity": IDENTITY,
    "random-places": RANDOM_PLACES,
    "baseline-long": BASELINE,
    "hard-crop": HARD_CROP,
    # Candidates for cross-validation: the same learning rates for both (Eq. 9 sums four losses), then the remedies.
    "odc-half": {"rate_backbone": 0.0005, "rate_heads": 0.0015},
    "odc-double": DOUBLE,
    "od-double": {**DOUBLE, **OD},
    "oc-double": {**DOUBLE, **OC},
    "identity-double": {**DOUBLE, **IDENTITY},
    "random-places-double": {**DOUBLE, **RANDOM_PLACES},
    "hard-crop-double": {**DOUBLE, **HARD_CROP},
    "baseline-long-double": {**BASELINE, **DOUBLE},
    "odc-double-all": {**DOUBLE, **ALL},
    "od-double-all": {**DOUBLE, **OD, **ALL},
    "oc-double-all": {**DOUBLE, **OC, **ALL},
    "random-places-double-all": {**DOUBLE, **ALL, **RANDOM_PLACES},
    "odc-double-all-gentle": {**DOUBLE, **ALL, "network.base": 0.3},
    "odc-double-all-frozen": {**DOUBLE, **ALL, "network.batch_norm": "frozen"},
    "odc-double-smooth": {**DOUBLE, "smoothing": 0.15},
    "baseline-double-smooth": {**BASELINE, **DOUBLE, "smoothing": 0.15},
    "odc-double-frozen": {**DOUBLE, "network.batch_norm": "frozen"},
    "odc-double-mean": {**DOUBLE, "network.joint_init": "mean"},
    "odc-four": FOUR,
    "identity-four": {**FOUR, **IDENTITY},
    "odc-heads": {"rate_heads": 0.01},
    "odc-extremes": {"network.train_sampling": "extremes", "network.eval_sampling": "extremes"},
    "odc-random": {"network.train_sampling": "random"},
    "odc-stride": {"network.last_stride": 1},
    "baseline-stride": {**BASELINE, **DOUBLE, "network.last_stride": 1},
    "baseline-double": {**BASELINE, **DOUBLE},
    "baseline-four": {**BASELINE, **FOUR},
    "baseline-heads": {**BASELINE, "rate_heads": 0.01},
    "baseline-frozen": {**BASELINE, **DOUBLE, "network.batch_norm": "frozen"},
}


def settings(experiment: str, *, seed: int, weights: str, epochs: int) -> list[str]:
    """Return the ``--set`` arguments of an experiment; those named "-long" train for three times the epochs."""
    length = {"epochs": epochs * (3 if "-long" in experiment else 1)}
    fields = {**_COMMON, **length, **EXPERIMENTS[experiment], "seed": seed, "weights": weights}
    return [text for key, value in fields.items() for text in ("--set", f"{key}={_written(value)}")]


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
