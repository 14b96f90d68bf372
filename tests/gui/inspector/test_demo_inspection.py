"""The stored demo inspection, shown before the engine has started, equals that of the demo model."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from s3n_core.datasets.detection import open_data_set
from s3n_core.inspection.inspector import inspect
from s3n_core.inspection.summary import arrays_of
from s3n_core.models.opening import open_model
from s3n_gui.inspector.stored import read_demo_inspection
from s3n_gui.state.demo import demo_images, demo_is_installed, demo_model

RENEW = "renew it with the command in resources/demo/README.md"


@pytest.mark.skipif(not demo_is_installed(), reason="the demo is not in this checkout")
def test_the_stored_look_is_what_the_demo_model_sees() -> None:
    stored = read_demo_inspection()
    assert stored is not None, f"inspection.bin cannot be read: {RENEW}"
    digest = hashlib.sha256(demo_model().read_bytes()).hexdigest()
    assert digest.startswith(stored.response.model_digest), f"inspection.bin is of another model: {RENEW}"
    first = open_data_set(demo_images()).records[0]
    seen = inspect(open_model(demo_model(), "cpu", "float32"), first.path, name=first.name)
    assert stored.response.name == seen.response.name, RENEW
    assert [(peak.cell, peak.set) for peak in stored.warps.peaks] == [
        (peak.cell, peak.set) for peak in seen.warps.peaks
    ], RENEW
    found, wanted = arrays_of(stored), arrays_of(seen)
    for name in ("image", "response", "map_d", "map_c", "grid_d", "grid_c"):
        np.testing.assert_allclose(found[name], wanted[name], atol=1e-4, err_msg=f"{name}: {RENEW}")
    for answer, logits in seen.scores.logits.items():
        np.testing.assert_allclose(stored.scores.logits[answer], logits, atol=1e-2, err_msg=f"{answer}: {RENEW}")
