import itertools
import json
from pathlib import Path

import pytest
import torch
from random_model import save_picture, save_random_model

from s3n_core.cli import main
from s3n_core.datasets.opening import open_images
from s3n_core.errors import DataSetError, OutputError
from s3n_core.evaluation.chosen_images import comparison_images
from s3n_core.evaluation.precision_tuning import tune_precision
from s3n_core.evaluation.precision_verdict import TimeComparison
from s3n_core.models.device_names import PrecisionName
from s3n_core.models.opening import Model, open_model
from s3n_core.models.tuned_precisions import TunedPrecision, store_tuned, stored_verdicts
from s3n_core.prediction.job import predict_to_file


@pytest.fixture
def random_model(tmp_path: Path) -> Model:
    return open_model(save_random_model(tmp_path / "model.safetensors"), device="cpu", precision="float32")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(3):
        save_picture(tmp_path / "images" / f"{number}.jpg", number)
    return tmp_path / "images"


def verdict_of(model: Model, precision: PrecisionName) -> TunedPrecision:
    return TunedPrecision(
        precision=precision,
        model=model.digest,
        name="birds-1",
        processor="a processor",
        torch="2.15.0",
        date="2026-11-29",
        float32_seconds=1.0,
        mixed_seconds=0.5,
        rounds=9,
        faster=True,
        split="all",
        images=1000,
        same=1000,
    )


def test_where_it_is_slower_no_predictions_are_compared(random_model: Model, images: Path) -> None:
    ticks = itertools.chain.from_iterable([(0, 9), (9, 10), (10, 11), (11, 20)])
    tuned = tune_precision(random_model, open_images(images).records, clock=lambda: float(next(ticks)))
    assert (tuned.float32_seconds, tuned.mixed_seconds, tuned.rounds) == (1.0, 9.0, 1)
    assert (tuned.precision, tuned.faster, tuned.images) == ("float32", False, 0)


def test_where_it_is_faster_the_predictions_are_compared(
    random_model: Model, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = TimeComparison(1.0, 0.5, faster=True, rounds=9)
    monkeypatch.setattr("s3n_core.evaluation.precision_tuning.compare_times", lambda *_, **__: faster)
    (images / "broken.jpg").write_bytes((images / "0.jpg").read_bytes()[:300])
    records = open_images(images).records
    done: list[tuple[int, int]] = []
    tuned = tune_precision(random_model, records, progress=lambda *now: done.append(now))
    assert (tuned.precision, tuned.faster, tuned.images) == ("float32", True, 3)
    assert done[-1] == (len(records), len(records))


def test_answers_that_are_not_finite_are_not_the_same_class(
    random_model: Model, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = TimeComparison(1.0, 0.5, faster=True, rounds=9)
    monkeypatch.setattr("s3n_core.evaluation.precision_tuning.compare_times", lambda *_, **__: faster)
    assert random_model.network.joint is not None
    random_model.network.joint.register_forward_hook(lambda _, __, logits: torch.full_like(logits, torch.nan))
    tuned = tune_precision(random_model, open_images(images).records)
    assert (tuned.same, tuned.images) == (0, 3)


def test_nothing_is_measured_without_a_readable_image(random_model: Model, images: Path) -> None:
    records = open_images(images).records
    for record in records:
        record.path.write_bytes(record.path.read_bytes()[:300])
    with pytest.raises(DataSetError, match="None of the images could be read"):
        tune_precision(random_model, records)


def test_auto_reads_the_verdict_of_this_model_and_machine(random_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_model(random_model.path, device="cpu").precision == "float32"
    path = store_tuned(verdict_of(random_model, "float32+bfloat16"))
    assert open_model(random_model.path, device="cpu").precision == "float32+bfloat16"
    assert open_model(random_model.path, device="cpu", precision="float32").precision == "float32"
    assert [verdict.current for verdict in stored_verdicts()] == [True]
    with monkeypatch.context() as patch:
        patch.setattr("s3n_core.models.tuned_precisions.torch_version", lambda: "another")
        assert open_model(random_model.path, device="cpu").precision == "float32"
        assert [verdict.current for verdict in stored_verdicts()] == [False]
    path.write_text("{")
    assert open_model(random_model.path, device="cpu").precision == "float32"
    assert stored_verdicts() == ()


def test_a_table_begun_before_the_verdict_is_not_continued_with_another_precision(
    random_model: Model, images: Path, tmp_path: Path
) -> None:
    records, out = open_images(images).records, tmp_path / "table.csv"
    begun = predict_to_file(open_model(random_model.path, device="cpu"), records, out, batch_size=1)
    assert [next(begun).done, next(begun).done] == [0, 1]
    begun.close()
    store_tuned(verdict_of(random_model, "float32+bfloat16"))
    again = open_model(random_model.path, device="cpu")
    assert again.precision == "float32+bfloat16"
    with pytest.raises(OutputError, match="another precision"):
        next(predict_to_file(again, records, out))


def test_the_command_stores_its_verdict_and_lists_it(
    random_model: Model, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["devices", "--tune", str(random_model.path), str(images), "--json"]) == 0
    said = capsys.readouterr()
    assert "at least 765" in said.err
    result = json.loads(said.out.splitlines()[-1])
    assert (result["event"], result["split"], result["precision"]) == ("tuned", "all", "float32")
    assert main(["devices", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["current"]) for one in report["tuned"]] == [(str(random_model.path), True)]
    assert main(["devices"]) == 0
    assert f"  {random_model.path}: float32. float32+bfloat16 is " in capsys.readouterr().out


def test_a_folder_without_a_model_is_a_mistake(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", str(images)]) == 2
    assert "--tune MODEL" in capsys.readouterr().err


def test_without_a_folder_the_images_of_the_run_are_needed(random_model: Model) -> None:
    with pytest.raises(DataSetError, match=r"lies in no run\. Give a folder of images"):
        comparison_images(random_model.path)
