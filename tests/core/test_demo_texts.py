"""What documents say of the demo is what it shows: its files belong together, and every text is written from them."""

import dataclasses
import hashlib
import importlib
import json
import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.demo.drawing import draw_bird
from s3n_core.demo.species import SPECIES
from s3n_core.models.model_headers import read_header
from s3n_core.parts.comparison.comparison import FEWEST
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.resources import resource

CHECKOUT = Path(__file__).resolve().parents[2]
DEMO = resource("demo")


@pytest.fixture(scope="module")
def writing() -> ModuleType:
    """The module that writes the texts; benchmarks are no installed package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(CHECKOUT))
        return importlib.import_module("benchmarks.demo.texts")


@pytest.fixture(scope="module")
def facts(writing: ModuleType) -> Any:
    return writing.read_facts()


def test_every_text_of_the_demo_is_what_it_shows_today(writing: ModuleType, facts: Any) -> None:
    found = {}
    for path in sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("resources/**/*.md")]):
        found |= {
            (path.relative_to(CHECKOUT).as_posix(), name): text
            for name, text in writing.marked(path.read_text(encoding="utf-8")).items()
        }
    written = writing.texts(facts)
    assert found == {(document, name): written[name] for document, name in found}, "python -m benchmarks.demo.make WORK"
    assert sorted(name for _, name in found) == sorted(written)
    assert {document for document, _ in found} == set(writing.DOCUMENTS)


def test_nothing_else_states_a_number_or_a_class_of_the_demo(writing: ModuleType) -> None:
    """Outside the marks, documents, guide and help name neither one of its species nor a figure of its model."""
    pages = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("resources/help/*.html")]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        rest = re.sub(r"```.*?```", "", writing.renewed(text, lambda name: ""), flags=re.DOTALL)
        assert not re.search(r"Willowling", rest), path
        assert not re.search(r"demo (?:model|birds)[^.|\n]*\d+(?:\.\d+)? (?:%|nats)", rest), path


@pytest.fixture
def made_anew() -> None:
    """Skip while the model is of a version that did not keep which images it has seen."""
    if not read_header(DEMO / "model.safetensors").images:
        pytest.skip("the demo's files are of an earlier version; python -m benchmarks.demo.make WORK")


@pytest.mark.usefixtures("made_anew")
def test_the_model_knows_what_it_has_seen_and_not_the_images_of_the_demo(facts: Any) -> None:
    assert [row.seen for row in facts.rows] == ["unseen"] * len(facts.rows)
    assert facts.measured["seen"]["unseen"] == facts.measured["images"] == 24 * 40


@pytest.mark.usefixtures("made_anew")
def test_the_images_are_todays_drawings() -> None:
    records = open_data_set(DEMO / "images").records
    assert sorted(Counter(record.label for record in records).values()) == [1] * 22 + [FEWEST] * 2
    # Test images of `s3n demo-data --species 24 --train 1 --test 10 --seed 2`: scene number = image x 24 + species.
    for record in (records[0], records[-1]):
        assert record.label is not None
        image = int(record.name.rpartition("_")[2].split(".")[0]) - 1
        drawn = np.asarray(draw_bird(SPECIES[record.label], image * 24 + record.label, 2).image).astype(int)
        kept = np.asarray(Image.open(record.path)).astype(int)
        assert kept.shape == drawn.shape
        assert np.abs(kept - drawn).mean() < 4  # JPEG


def test_model_run_and_measurement_belong_together(facts: Any) -> None:
    model = DEMO / "model.safetensors"
    assert model.stat().st_size <= 10_000_000
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert digest.startswith(facts.measured["model"])
    run = RunDirectory(DEMO / "runs" / "demo")
    state, header = run.read_state(), read_header(model)
    assert state is not None
    assert state.status == "finished"
    assert header.metrics == {"best_validation_accuracy": state.best_accuracy}
    assert list(header.classes) == run.read_run()["classes"]


def test_no_path_of_a_machine_is_kept() -> None:
    run = json.loads((DEMO / "runs" / "demo" / "run.json").read_text(encoding="utf-8"))
    assert not any(Path(text).is_absolute() for text in _texts(run))


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def test_a_mistake_and_a_lonely_peak_are_said_rightly(writing: ModuleType, facts: Any) -> None:
    rows = [*facts.rows]
    wrong = dataclasses.replace(rows[0], class_name=rows[-1].class_name, correct=False, margin=0.01, probability=0.5)
    first = facts.first
    peak = max(first.warps.peaks, key=lambda peak: peak.response)
    lonely = dataclasses.replace(first, warps=dataclasses.replace(first.warps, peaks=(peak,)))
    written = writing.texts(dataclasses.replace(facts, rows=[wrong, *rows[1:]], first=lonely))
    said = " ".join(written["predictions"].split())
    right = sum(bool(row.correct) for row in rows) - 1
    assert said.startswith(f"The model is right on {right} of {len(rows)} images.")
    assert f"predicted as *{rows[-1].class_name.split('.')[-1].replace('_', ' ')}*, with a confidence of 0.50" in said
    assert "finds evidence in one place: " in " ".join(written["panes"].split())


def test_the_readme_lists_the_settings_that_are_used(writing: ModuleType) -> None:
    make = importlib.import_module("benchmarks.demo.make")
    commands = " ".join((DEMO / "README.md").read_text(encoding="utf-8").replace("\\\n", " ").split())
    for name, settings in (("demo-first", make.FIRST), ("demo", make.SECOND)):
        line = next(part for part in commands.split("s3n ") if f"--name {name} " in part)
        assert re.findall(r"-s (\S+)", line) == [f"{key}={value}" for key, value in settings.items()]
