"""Which images a model has seen: hashes of their content, kept in the model file, and what is said of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_training import TrainedRun

from s3n_core.datasets.content_hashes import content_hash, content_hashes
from s3n_core.datasets.loading import Sample
from s3n_core.datasets.splits import read_split
from s3n_core.models.model_headers import IMAGES_KEY, parse_header, read_header
from s3n_core.models.opening import Model
from s3n_core.models.seen_images import NOT_KNOWN, OPTIMISTIC, SeenCounts, SeenImages, SeenReader
from s3n_core.runs.model_paths import model_file
from s3n_core.runs.run_directory import RunDirectory


def hashes(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.uint64)


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    one, moved, other = tmp_path / "1.png", tmp_path / "2.jpg", tmp_path / "3.png"
    one.write_bytes(b"pixels" * 100_000)
    shutil.copy(one, moved)
    other.write_bytes(b"pixels" * 100_000 + b".")
    assert content_hash(one) == content_hash(moved) != content_hash(other)
    assert content_hash(tmp_path / "missing") is None
    found = content_hashes([other, one, moved, tmp_path / "missing"])
    assert found.tolist() == sorted({content_hash(one), content_hash(other)})


def test_what_a_model_has_seen_survives_its_file() -> None:
    seen = SeenImages(hashes(3, 2**64 - 1), hashes(7))
    again = SeenImages.from_header(json.loads(json.dumps(seen.to_header())))
    assert again is not None
    found = [again.of(number) for number in (3, 2**64 - 1, 7, 8, None)]
    assert found == ["training", "training", "validation", "unseen", "unknown"]
    partly = SeenImages(hashes(3), complete=False)
    again = SeenImages.from_header(partly.to_header())
    assert again is not None
    assert [again.of(3), again.of(4)] == ["training", "unknown"]


@pytest.mark.parametrize(
    "texts", [{}, {"training": "AAAA"}, {"training": "??", "validation": ""}, {"training": "AAA="}]
)
def test_damaged_hashes_are_unknown(texts: dict[str, str]) -> None:
    assert SeenImages.from_header(texts) is None


def test_a_header_without_hashes_or_with_damaged_ones_is_a_header(trained_run: TrainedRun) -> None:
    data = model_file(trained_run.path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    content = json.loads(data[8 : 8 + length])
    for damage in ("[", "3", '{"training": 5}'):
        content["__metadata__"][IMAGES_KEY] = damage
        text = json.dumps(content).encode()
        header = parse_header(len(text).to_bytes(8, "little") + text, Path("m"))
        assert SeenImages.from_header(header.images) is None
        assert header.classes == read_header(model_file(trained_run.path)).classes


def test_a_trained_model_knows_its_images_wherever_they_lie(trained_run: TrainedRun, tmp_path: Path) -> None:
    seen = SeenImages.from_header(read_header(model_file(trained_run.path)).images)
    assert seen is not None
    expected = {"train": "training", "validation": "validation", "test": "unseen"}
    for number, row in enumerate(read_split(RunDirectory(trained_run.path).split_csv)):
        renamed = shutil.copy(trained_run.data / row.name, tmp_path / f"{number}.jpeg")
        assert seen.of(content_hash(Path(renamed))) == expected[row.part]
    assert (len(seen.training), len(seen.validation)) == (24, 12)


def test_a_reader_says_what_it_has_read(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    known = SeenImages(content_hashes([tmp_path / "a"]))
    reader = SeenReader(known, lambda sample: sample.name)  # type: ignore[arg-type, return-value]
    for name in "aab":
        reader(Sample(tmp_path / name, name))
    assert [reader.take(tmp_path / name) for name in "aab"] == ["training", "training", "unseen"]
    assert SeenReader(None).take(tmp_path / "a") == "unknown"


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (SeenCounts(), ""),
        (SeenCounts(unknown=3), NOT_KNOWN),
        (SeenCounts(unseen=3), "The model has not seen these images before."),
        (SeenCounts(training=3), "The model learned from all 3 of these images; new ones are harder."),
        (SeenCounts(training=1), "The model learned from this image; new ones are harder."),
        (SeenCounts(validation=3), f"Validation images, {OPTIMISTIC}."),
        (
            SeenCounts(training=2000, validation=1, unseen=1),
            f"The model learned from 2,000 of these 2,002 images; 1 was {OPTIMISTIC}. New images are harder.",
        ),
        (SeenCounts(validation=2, unseen=1), f"Of these 3 images 2 were {OPTIMISTIC}."),
        (
            SeenCounts(unseen=1, unknown=2),
            "Of 2 it is not known whether the model has seen them.",
        ),
    ],
)
def test_a_sentence_says_what_the_counts_mean(counts: SeenCounts, sentence: str) -> None:
    assert counts.sentence() == sentence
    assert counts.is_fair == (counts.images == counts.unseen)
    assert counts.to_dict()["sentence"] == sentence


def test_a_model_without_hashes_does_not_know(model: Model) -> None:
    assert model.seen is None
    assert SeenReader(model.seen).take(model.path) == "unknown"
