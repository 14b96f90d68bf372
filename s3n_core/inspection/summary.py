"""An inspection in words, for JSON, and as named arrays for a file. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.peak import Score

if TYPE_CHECKING:
    from s3n_core.inspection.inspection import Inspection

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def rule_sentence(inspection: Inspection) -> str:
    """Return one sentence on which rule of Eq. 3 applied, and why."""
    first = inspection.classes[inspection.merged_classes[0]]
    if inspection.attention == "saliency":
        return "R is the channel mean of the features (saliency), whatever the network takes the image for."
    digits = 2 if f"{inspection.entropy:.2f}" != f"{inspection.delta:.2f}" else 5
    numbers = f"H = {inspection.entropy:.{digits}f} {'≤' if inspection.sure else '>'} delta = {inspection.delta:g}"
    if inspection.sure:
        return f"The network is sure ({numbers}), so R is the map of its likeliest class, {first}."
    count = len(inspection.merged_classes)
    if count == 1:
        return f"The network is unsure ({numbers}), but with so few classes R is the map of the likeliest, {first}."
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return f"The network is unsure ({numbers}), so R averages its {number} likeliest classes."


def arrays_of(inspection: Inspection) -> dict[str, NDArray[Any]]:
    """Return every array by name; peaks as columns, highest first (zeta NaN where none is drawn)."""
    peaks = inspection.peaks
    zeta = [np.nan if peak.zeta is None else peak.zeta for peak in peaks]
    return {
        "image": inspection.image,
        "response": inspection.response,
        "class_maps": inspection.class_maps,
        "class_map_indices": np.array(inspection.mapped_classes, dtype=np.int64),
        "map_d": inspection.map_d,
        "map_c": inspection.map_c,
        "grid_d": inspection.grid_d,
        "grid_c": inspection.grid_c,
        "images_d": inspection.images_d,
        "images_c": inspection.images_c,
        "gate_logits": inspection.gate_logits,
        **{f"logits_{answer}": logits for answer, logits in inspection.logits.items()},
        "peak_xy": np.array([(peak.x, peak.y) for peak in peaks], dtype=np.float64).reshape(-1, 2),
        "peak_cell": np.array([peak.cell for peak in peaks], dtype=np.int64).reshape(-1, 2),
        "peak_response": np.array([peak.response for peak in peaks], dtype=np.float64),
        "peak_zeta": np.array(zeta, dtype=np.float64),
        "peak_weight_d": np.array([peak.weight_d for peak in peaks], dtype=np.float64),
        "peak_weight_c": np.array([peak.weight_c for peak in peaks], dtype=np.float64),
    }


def summary_of(inspection: Inspection) -> dict[str, Any]:
    """Return everything but the arrays as values that JSON holds, with the five likeliest classes an answer."""
    return {
        "name": inspection.name,
        "image_size": list(inspection.image_size),
        "image_scale": inspection.image_scale,
        "source_box": list(inspection.source_box),
        "source_size": inspection.source_size,
        "input_size": len(inspection.images_d),
        "prediction": _score(inspection.prediction),
        "scores": {answer: [_score(score) for score in inspection.top(answer)] for answer in inspection.logits},
        "entropy": inspection.entropy,
        "delta": inspection.delta,
        "sure": inspection.sure,
        "rule": inspection.rule,
        "merged_classes": [{"index": i, "class": inspection.classes[i]} for i in inspection.merged_classes],
        "peaks": [
            {
                "x": peak.x,
                "y": peak.y,
                "row": peak.cell[0],
                "column": peak.cell[1],
                "response": peak.response,
                "zeta": peak.zeta,
                "set": peak.set,
                "weight_d": peak.weight_d,
                "weight_c": peak.weight_c,
            }
            for peak in inspection.peaks
        ],
        "beta_1": inspection.beta_1,
        "beta_2": inspection.beta_2,
        "window": inspection.window,
        "floor": inspection.floor,
        "base": inspection.base,
        "sampling": inspection.sampling,
        "attention": inspection.attention,
        "control": inspection.control,
        "settings": inspection.settings.to_dict(),
        "precision": inspection.precision,
        "device": inspection.device,
        "model": inspection.model,
        "model_digest": inspection.model_digest,
    }


def _score(score: Score) -> dict[str, Any]:
    return {"index": score.index, "class": score.name, "probability": score.probability}
