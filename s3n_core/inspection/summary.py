"""An inspection as stored in files: named arrays, and a summary for JSON. Does not import torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import Annotation
from s3n_core.inspection.inspection import Inspection, Score
from s3n_core.system.json_values import to_json


def arrays_of(inspection: Inspection) -> dict[str, NDArray[Any]]:
    """Return every array by name, as for an .npz file; peaks as columns, highest first (zeta is NaN without draws)."""
    response, warps, logits = inspection.response, inspection.warps, inspection.scores.logits
    zeta = [np.nan if peak.zeta is None else peak.zeta for peak in warps.peaks]
    return {
        "image": response.image,
        "response": response.map,
        "class_maps": response.class_maps,
        "class_map_indices": np.array(response.mapped_classes, dtype=np.int64),
        "map_d": warps.map_d,
        "map_c": warps.map_c,
        "grid_d": warps.grid_d,
        "grid_c": warps.grid_c,
        "images_d": warps.image_d,
        "images_c": warps.image_c,
        "gate_logits": response.gate_logits,
        **{f"logits_{branch}": values for branch, values in logits.items()},
        "peak_xy": np.array([(peak.x, peak.y) for peak in warps.peaks], dtype=np.float64).reshape(-1, 2),
        "peak_cell": np.array([peak.cell for peak in warps.peaks], dtype=np.int64).reshape(-1, 2),
        "peak_response": np.array([peak.response for peak in warps.peaks], dtype=np.float64),
        "peak_zeta": np.array(zeta, dtype=np.float64),
        "peak_weight_d": np.array([peak.weight_d for peak in warps.peaks], dtype=np.float64),
        "peak_weight_c": np.array([peak.weight_c for peak in warps.peaks], dtype=np.float64),
    }


def summary_of(inspection: Inspection, annotation: Annotation | None = None) -> dict[str, Any]:
    """Return everything except the arrays as JSON values, with the top five classes of each branch.

    Args:
        inspection: The inspection.
        annotation: The image's box and key points, if its data set has any.
    """
    annotation = annotation or Annotation()
    response, warps, logits = inspection.response, inspection.warps, inspection.scores.logits
    return {
        "name": response.name,
        "image_size": list(response.image_size),
        "image_scale": response.image_scale,
        "source_box": list(response.source_box),
        "source_size": response.source_size,
        "view_share": response.view_share,
        "view": response.view_text,
        "place_cells": response.place_accuracy.cells,
        "place_accuracy": response.place_accuracy.text,
        "input_size": len(warps.image_d),
        "prediction": _score(inspection.prediction),
        "scores": {branch: [_score(score) for score in inspection.top(branch)] for branch in logits},
        "entropy": response.entropy,
        "delta": response.delta,
        "sure": response.sure,
        "rule": response.rule,
        "merged_classes": [{"index": i, "class": response.classes[i]} for i in response.merged_classes],
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
                "outside_box": None if annotation.box is None else annotation.is_outside(peak.x, peak.y),
            }
            for peak in warps.peaks
        ],
        "box": to_json(annotation.box),
        "parts": to_json(annotation.parts),
        "beta_1": warps.beta_1,
        "beta_2": warps.beta_2,
        "window": response.window,
        "floor": response.floor,
        "base": warps.base,
        "sampling": warps.sampling,
        "attention": response.attention,
        "control": warps.control,
        "settings": warps.settings.to_dict(),
        "precision": response.precision,
        "device": response.device,
        "model": response.model,
        "model_digest": response.model_digest,
        **({"licence": response.licence} if response.licence else {}),
    }


def _score(score: Score) -> dict[str, Any]:
    return {"index": score.index, "class": score.name, "probability": score.probability}
