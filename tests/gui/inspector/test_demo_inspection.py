"""What the window shows of the demo before its engine has started is what the demo model sees."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from s3n_core.datasets.detection import open_data_set
from s3n_core.inspection.inspection import inspect
from s3n_core.models.opening import open_model
from s3n_core.system.resources import resource
from s3n_gui.inspector.stored import DEMO_IMAGES, DEMO_MODEL, demo_is_here, read_demo_inspection

RENEW = "renew it with the command in resources/demo/README.md"


@pytest.mark.skipif(not demo_is_here(), reason="the demo is not in this checkout")
def test_the_stored_look_is_what_the_demo_model_sees() -> None:
    stored = read_demo_inspection()
    assert stored is not None, f"inspection.bin cannot be read: {RENEW}"
    digest = hashlib.sha256(resource(DEMO_MODEL).read_bytes()).hexdigest()
    assert digest.startswith(stored.model_digest), f"inspection.bin is of another model: {RENEW}"
    first = open_data_set(resource(DEMO_IMAGES)).records[0]
    seen = inspect(open_model(resource(DEMO_MODEL), "cpu", "float32"), first.path, name=first.name)
    assert stored.name == seen.name, RENEW
    assert [(peak.cell, peak.set) for peak in stored.peaks] == [(peak.cell, peak.set) for peak in seen.peaks], RENEW
    for name in ("image", "response", "map_d", "map_c", "grid_d", "grid_c"):
        np.testing.assert_allclose(getattr(stored, name), getattr(seen, name), atol=1e-4, err_msg=f"{name}: {RENEW}")
    for answer, logits in seen.logits.items():
        np.testing.assert_allclose(stored.logits[answer], logits, atol=1e-2, err_msg=f"{answer}: {RENEW}")
