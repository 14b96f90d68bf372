"""Which images are measured where nobody says it, and what is said of them."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from small_training import TrainedRun

from s3n_core import load_model
from s3n_core.cli import main
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord, Split
from s3n_core.datasets.splits import read_split
from s3n_core.errors import DataSetError
from s3n_core.evaluation.chosen_images import evaluation_images, threshold_images
from s3n_core.runs.model_paths import model_file
from s3n_core.runs.run_directory import RunDirectory


def data_set(*images: tuple[Split | None, bool]) -> DataSet:
    records = tuple(
        ImageRecord(path=Path(f"{at}"), name=f"{at}", label=0 if labelled else None, split=split)
        for at, (split, labelled) in enumerate(images)
    )
    return DataSet(root=Path(), format="list-files", classes=("a",), records=records)


def test_the_rule_without_a_run() -> None:
    train, val, test = ("train", True), ("val", True), ("test", True)
    chosen = lambda *images: evaluation_images(data_set(*images), None)[0]  # noqa: E731
    assert chosen(train, val, test) == "test"
    assert chosen(train, val, ("test", False)) == "val"
    assert chosen(train, ("val", False)) == "all"
    assert chosen((None, True)) == "all"
    assert [record.name for record in evaluation_images(data_set(train, val, test), None)[1]] == ["2"]
    assert evaluation_images(data_set(train, test), None, "train")[0] == "train"


@pytest.fixture
def without_test(trained_run: TrainedRun, tmp_path: Path) -> Path:
    """The images of the run, without its test images, in class folders and under other names."""
    for row in read_split(RunDirectory(trained_run.path).split_csv):
        if row.part != "test":
            (tmp_path / "data" / row.class_name).mkdir(parents=True, exist_ok=True)
            shutil.copy(trained_run.data / row.name, tmp_path / "data" / row.class_name / f"x{Path(row.name).name}")
    return tmp_path / "data"


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    capsys.readouterr()
    assert main(["evaluate", *map(str, arguments), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_a_run_without_validation_images_has_none_for_the_threshold(trained_run: TrainedRun, tmp_path: Path) -> None:
    assert threshold_images(trained_run.path).split == "validation"
    run = RunDirectory(Path(shutil.copytree(trained_run.path, tmp_path / "run")))
    split = run.split_csv.read_text(encoding="utf-8")
    run.split_csv.write_text(split.replace('"validation"', '"train"'), encoding="utf-8")
    with pytest.raises(DataSetError, match=r"trained without any.*Set the threshold by hand"):
        threshold_images(run.path)
    for folder in ("val/ant", "val/bee", "train/ant", "train/bee"):
        (tmp_path / "own" / folder).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "own" / folder / "1.png")
    assert threshold_images(run.path, tmp_path / "own").split == "val"


def test_images_that_were_learned_from_are_said(
    trained_run: TrainedRun, without_test: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = shutil.copy(model_file(trained_run.path), tmp_path / "alone.safetensors")
    told = evaluated(capsys, alone, without_test)
    sentence = (
        "The model learned from 24 of these 36 images; 12 were used to choose the epoch: optimistic. New images are "
        "harder."
    )
    assert told["split"] == "all"
    assert told["seen"] == {"training": 24, "validation": 12, "unseen": 0, "unknown": 0, "sentence": sentence}
    assert told["heading"] == f"All images. {sentence}"
    with load_model(alone, device="cpu") as model:
        result = model.evaluate(without_test)
        rows = model.predict_many(without_test)
        words = [row.seen for row in rows]
        picture = model.predict_many([record.path for record in open_data_set(without_test).records[:1]])
        assert next(iter(picture)).seen in ("training", "validation")
    assert result.heading == told["heading"]
    assert result.heading in result._repr_html_()
    assert (words.count("training"), words.count("validation")) == (24, 12)
    assert rows.seen == result.seen


def test_validation_images_are_headed_as_optimistic(
    trained_run: TrainedRun, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    moved = tmp_path / "birds"
    shutil.copytree(trained_run.data, moved)
    (moved / "train_test_split.txt").write_text(  # all images are for training
        "\n".join(f"{line.split()[0]} 1" for line in (moved / "train_test_split.txt").read_text().splitlines())
    )
    told = evaluated(capsys, trained_run.path, moved)
    assert (told["split"], told["images"]) == ("validation", 12)
    assert told["heading"] == "Validation images, used to choose the epoch: optimistic."
    assert main(["evaluate", str(trained_run.path), str(moved)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == told["heading"]
    assert evaluated(capsys, trained_run.path, trained_run.data)["heading"] == (
        "Test images. The model has not seen these images before."
    )
