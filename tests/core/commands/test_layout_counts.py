"""A dozen layouts, one of each kind, through audit, training and prediction: all say the same about the same folder."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from command_line import Command
from random_layouts import KINDS, layout
from small_training import SMALL

SETTINGS = [part for key, value in (SMALL | {"epochs": 1}).items() for part in ("--set", f"{key}={value}")]


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_audit_training_and_prediction_count_the_same(s3n: Command, model: Path, tmp_path: Path, kind: int) -> None:
    made = layout(tmp_path / "data", kind)
    truth = Counter((label, split or "unassigned") for label, split in made.truth.values() if label is not None)

    out = tmp_path / "table.csv"
    assert s3n("predict", model, made.root, "--out", out).code == 0
    with out.open(encoding="utf-8", newline="") as file:
        labels = Counter(row["label"] or None for row in csv.DictReader(file))
    assert labels == Counter(label for label, _ in made.truth.values())

    if not truth:
        refused = s3n("train", made.root, "--runs", tmp_path / "runs", *SETTINGS)
        assert refused.code == 1
        assert "without labels" in refused.err or "one class only" in refused.err
        return
    audited = json.loads(s3n("audit", made.root, "--json").out.splitlines()[-1])
    assert audited["images"] == len(made.truth)
    counts = {(name, split): n for split, row in audited["counts"].items() for name, n in row.items() if n}
    assert counts == truth

    outcome = s3n("train", made.root, "--runs", tmp_path / "runs", "--device", "cpu", *SETTINGS)
    assert outcome.code == 0, outcome.err
    with (Path(outcome.out.strip()) / "split.csv").open(encoding="utf-8", newline="") as file:
        used = Counter((row["class"], row["part"] == "test") for row in csv.DictReader(file) if row["class"])
    assert used == Counter((label, split == "test") for label, split in truth.elements())
