"""The order in which images are answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from s3n_core.datasets.loading import Sample
from s3n_core.datasets.records import ImageRecord
from s3n_core.reproduce import answers


@pytest.mark.parametrize("control", ["none", "other_image"])
def test_control_b2_gets_the_peaks_of_images_of_all_classes(control: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control's peaks come from the same batch, and a data set is listed class by class."""
    records = [
        ImageRecord(path=Path(f"{label}/{at}.png"), name=f"{label}/{at}.png", label=label, split="test")
        for label in range(4)
        for at in range(answers.BATCH)
    ]
    batches = []

    def loop(model: object, samples: Sequence[Sample], *_: object, batch_size: int, **__: object) -> Iterator[object]:
        for start in range(0, len(samples), batch_size):
            batch = samples[start : start + batch_size]
            batches.append({sample.name.partition("/")[0] for sample in batch})
            yield [(start, {"joint": np.array([sample.name])}) for sample in batch]

    monkeypatch.setattr(answers, "over_model_images", loop)
    network = SimpleNamespace(config=SimpleNamespace(control=control))
    model = SimpleNamespace(network=network, preprocess=SimpleNamespace(ranges=None))
    found = answers.probabilities(model, records, lambda image, _: image)  # type: ignore[arg-type]
    assert [str(row["joint"][0]) for row in found] == [record.name for record in records]
    assert all(len(classes) == 1 if control == "none" else len(classes) > 2 for classes in batches)
