"""Which images are the probes of a training."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_training import tiny_recipe

from s3n_core.datasets.loading import Sample
from s3n_core.datasets.transforms import Preprocess
from s3n_core.export.run_snapshots import probe_number
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.system.seeding import keyed_generator
from s3n_core.training import snapshots
from s3n_core.training.snapshots import ProbeRecorder, choose_probes

COUNTS = {0: 7, 1: 1, 2: 3, None: 2}


def samples_of(counts: dict[int | None, int]) -> list[Sample]:
    names = [(label, f"{label}/{number}.png") for label, count in counts.items() for number in range(count)]
    return [Sample(path=Path(name), name=name, label=label) for label, name in names]


def chosen_one_by_one(samples: list[Sample], count: int, seed: int) -> tuple[Sample, ...]:
    """The definition: of the classes with images left that have the fewest probes, the image that was drawn first."""
    left = sorted(samples, key=lambda sample: keyed_generator(seed, "probe", sample.name).random())
    chosen: list[Sample] = []
    while left and len(chosen) < count:
        probes = [sum(other.label == sample.label for other in chosen) for sample in left]
        chosen.append(left.pop(probes.index(min(probes))))
    return tuple(chosen)


def test_a_probe_that_is_gone_leaves_the_others_their_numbers(tmp_path: Path, few_pictures: Path) -> None:
    data, folder = tmp_path / "birds", tmp_path / "run" / "snapshots"
    shutil.copytree(few_pictures, data)
    folder.mkdir(parents=True)
    recipe = tiny_recipe().network
    network = S3N(NetworkConfig(num_classes=2, **recipe.model_dump()))
    preprocess = Preprocess(input_size=recipe.input_size, source_size=recipe.source_size)
    probes = tuple(Sample(path=data / name, name=name, label=0) for name in ("a/0.png", "a/1.png", "a/2.png"))
    ProbeRecorder(folder, probes, ("a", "b"), preprocess, 0).record(network, 0, "cpu", "float32")
    before = {path.name: path.read_bytes() for path in folder.glob("*.jpg")}
    probes[0].path.unlink()
    ProbeRecorder(folder, probes, ("a", "b"), preprocess, 0).record(network, 1, "cpu", "float32")
    assert {path.name: path.read_bytes() for path in folder.glob("*.jpg")} == before
    entries = json.loads((folder / "epoch-0001" / "probes.json").read_text())
    assert [(entry["number"], entry["image"]) for entry in entries] == [(1, "a/1.png"), (2, "a/2.png")]
    assert sorted(path.name for path in (folder / "epoch-0001").glob("*-d.jpg")) == ["probe-1-d.jpg", "probe-2-d.jpg"]
    assert [probe_number(entry, place) for place, entry in enumerate(entries)] == [1, 2]
    assert probe_number({"image": "of an earlier run"}, 0) == 0


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 12, 16])
def test_probes_are_of_as_many_classes_as_possible(count: int) -> None:
    samples = samples_of(COUNTS)
    for seed in range(20):
        assert choose_probes(samples, count, seed) == chosen_one_by_one(samples, count, seed)


def test_images_are_compared_by_their_classes_only_and_drawn_only_if_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million images a comparison with each other, or a draw for nothing, takes minutes."""
    samples = samples_of(COUNTS)
    monkeypatch.setattr(Sample, "__eq__", lambda one, other: pytest.fail("two images are compared"))
    assert len(choose_probes(samples, 6, 0)) == 6
    monkeypatch.setattr(snapshots, "keyed_generator", lambda *key: pytest.fail("an image is drawn"))
    assert choose_probes(samples, 0, 0) == ()
