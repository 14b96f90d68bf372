"""Each command from start to end, as a user runs it on the synthetic birds."""

import csv
import json
import os
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from command_line import Command
from pictures import class_folders
from small_training import SMALL, TrainedRun

import s3n_core
from s3n_core.commands import job_progress
from s3n_core.datasets.assignment import Assignment, assignment_file, write_assignment
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import write_left_out
from s3n_core.datasets.splits import read_split
from s3n_core.demo import writing
from s3n_core.errors import OutOfMemory, WeightsMissing
from s3n_core.evaluation.cascade import CascadePoint, most_saving
from s3n_core.runs.model_paths import model_file
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.trash import list_trash

SMALL_SETTINGS = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
QUICK_PICTURES = ["--dpi", 40, "--no-sheets", "--panels", "peaks"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# -- training ---------------------------------------------------------------------------------------------------------


def test_train_ends_with_the_run_and_its_folder(s3n: Command, drawn_birds: Path, s3n_home: Path) -> None:
    outcome = s3n("train", drawn_birds, "--name", "erste Vögel", "--device", "cpu", *SMALL_SETTINGS, "-s", "epochs=1")
    path = s3n_home / "runs" / "erste Vögel"
    assert (outcome.code, outcome.out) == (0, f"{path}\n")
    said = outcome.err.splitlines()
    assert said[0] == "Detected as CUB-200-2011: 48 images of 12 classes (36 train, 12 test)."
    assert "fewer than 5 training images" in said[1]
    assert said[2].startswith("Training 1 epoch of 24 images in 12 classes, 12 for validation, on CPU")
    assert any(line.startswith("epoch   1/1   loss") for line in said)
    assert said[-1].startswith("Finished the only epoch. Best validation accuracy: ")
    assert RunDirectory(path).summary().status == "finished"


def test_train_learns_nothing_from_images_that_were_left_out(s3n: Command, drawn_birds: Path, s3n_home: Path) -> None:
    records = [record for record in open_data_set(drawn_birds).records if record.split == "train"]
    gone = {records[0].name, records[-1].name}
    write_left_out(drawn_birds, gone)
    settings = [*SMALL_SETTINGS, "-s", "epochs=1"]
    outcome = s3n("train", drawn_birds, "--name", "less", "--device", "cpu", *settings)
    run = RunDirectory(s3n_home / "runs" / "less")
    assert "2 of them are left out by hand; --all-images includes them." in outcome.err
    assert gone.isdisjoint(row["name"] for row in rows_of(run.split_csv))
    assert len(rows_of(run.split_csv)) == 46
    assert {name for name, _ in run.read_run()["data"]["left_out"]} == set(gone)
    s3n("train", drawn_birds, "--name", "all", "--all-images", "--device", "cpu", *settings)
    assert len(rows_of(s3n_home / "runs" / "all" / "split.csv")) == 48


def test_every_command_honours_what_was_assigned(
    s3n: Command, drawn_birds: Path, s3n_home: Path, tmp_path: Path
) -> None:
    records = open_data_set(drawn_birds).records
    learned = next(record.name for record in records if record.split == "train")
    tested = next(record.name for record in records if record.split == "test")
    write_assignment(drawn_birds, Assignment(parts={learned: "test", tested: "validation"}))
    outcome = s3n("train", drawn_birds, "--name", "mine", "--device", "cpu", *SMALL_SETTINGS, "-s", "epochs=1")
    assert "2 images assigned by hand" in outcome.err
    parts = {row["name"]: row["part"] for row in rows_of(s3n_home / "runs" / "mine" / "split.csv")}
    assert (parts[learned], parts[tested]) == ("test", "validation")
    s3n("predict", "mine", drawn_birds, "--split", "test", "--out", tmp_path / "test.csv", "--device", "cpu")
    files = {row["file"] for row in rows_of(tmp_path / "test.csv")}
    assert learned in files
    assert tested not in files
    outcome = s3n("evaluate", "mine", drawn_birds, "--device", "cpu", "--json")
    assert outcome.events[-1]["images"] == len(files)
    assert str(assignment_file(drawn_birds)) in outcome.err


def test_train_tells_a_program(s3n: Command, drawn_birds: Path, tmp_path: Path) -> None:
    settings = [*SMALL_SETTINGS, "--set", "epochs=1"]
    outcome = s3n("train", drawn_birds, "--runs", tmp_path, "--device", "cpu", "--json", *settings)
    assert (outcome.code, outcome.err) == (0, "")
    kinds = [event["event"] for event in outcome.events]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_ended"
    assert {"checkpoint_saved", "epoch_done"} <= set(kinds)
    assert outcome.events[0]["path"] == str(tmp_path / "birds-1")
    assert outcome.events[-1]["status"] == "finished"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--recipe", "fast"], "quick, small-data, paper, release, hawkeye, baseline"),
        (["--set", "epochs"], "field=value"),
        (["--set", "epochs=0"], "epochs"),
        (["--set", "colour=red"], "colour"),
        (["--set", "network.backbone=resnet999"], "network.backbone"),
        (["--set", "batch_size=10", "--set", "micro_batch=3"], "micro_batch"),
        (["--name", "../elsewhere"], "cannot be called"),
        (["--name", ".hidden"], "cannot be called"),
        (["--name", "con"], "Windows"),
        (["--device", "tpu"], "tpu"),
        (["--format", "coco"], "coco"),
    ],
)
def test_train_refuses_settings_that_make_no_sense(
    s3n: Command, drawn_birds: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    outcome = s3n("train", drawn_birds, "--runs", tmp_path / "runs", "--set", "weights=none", *arguments)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("Error: ")
    assert said in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


def test_train_never_takes_a_name_twice(s3n: Command, drawn_birds: Path, run: RunDirectory) -> None:
    before = run.run_json.read_bytes()
    outcome = s3n("train", drawn_birds, "--name", "birds-1", *SMALL_SETTINGS)
    assert outcome.code == 1
    assert "choose another name" in outcome.err
    assert run.run_json.read_bytes() == before


@pytest.fixture
def without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without pretrained weights on which every download is an error; returns where those of the recipe belong."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    return tmp_path / "hub" / "checkpoints" / "mobilenet_v2-b0353104.pth"


@pytest.mark.parametrize("prepare", [[], ["--prepare"]])
def test_training_does_not_download_weights_unasked(
    s3n: Command, drawn_birds: Path, s3n_home: Path, without_weights: Path, prepare: list[str]
) -> None:
    outcome = s3n("train", drawn_birds, "--name", "offline", "--device", "cpu", *prepare)
    said = outcome.err.splitlines()
    assert outcome.code == 1
    assert said[-1].startswith("Error: The pretrained weights of mobilenet_v2 are not on this machine.")
    assert "`s3n weights fetch mobilenet_v2` downloads them: about 14 MB, from https://" in said[-1]
    assert f"to {without_weights}." in said[-1]
    assert "torchvision gives no licence" in said[-1]
    assert not (s3n_home / "runs" / "offline").exists()  # the name remains available for the corrected command
    failed = s3n("train", drawn_birds, "--device", "cpu", "--json", *prepare).events[-1]
    assert (failed["code"], failed["backbone"]) == ("model.weights_missing", "mobilenet_v2")
    assert failed["path"] == str(without_weights)


def test_a_prepared_run_whose_weights_have_gone_is_not_resumed_with_a_download(
    s3n: Command, drawn_birds: Path, s3n_home: Path, without_weights: Path
) -> None:
    from torchvision.models import mobilenet_v2

    without_weights.parent.mkdir(parents=True)
    torch.save(mobilenet_v2(weights=None).state_dict(), without_weights)
    settings = [*SMALL_SETTINGS, "--set", "weights=imagenet"]
    assert s3n("train", drawn_birds, "--name", "first", "--device", "cpu", "--prepare", *settings).code == 0
    without_weights.unlink()
    for order in (["runs", "resume", "first"], ["pack", "first"]):
        assert "`s3n weights fetch mobilenet_v2` downloads them" in s3n(*order).err.splitlines()[-1]


def test_python_does_not_download_weights_unasked(drawn_birds: Path, s3n_home: Path, without_weights: Path) -> None:
    with pytest.raises(WeightsMissing, match="s3n weights fetch mobilenet_v2"):
        s3n_core.train(drawn_birds, progress=False)
    assert not (s3n_home / "runs").exists()


# -- prediction -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["name", "folder", "file"])
def test_a_model_is_a_name_a_folder_or_a_file(
    s3n: Command, run: RunDirectory, trained_run: TrainedRun, tmp_path: Path, model: Path, named: str
) -> None:
    text = {"name": "birds-1", "folder": run.path, "file": model}[named]
    out = tmp_path / "table.csv"
    outcome = s3n("predict", text, trained_run.data, "--split", "test", "--out", out, "--device", "cpu")
    assert (outcome.code, outcome.out) == (0, f"{out}\n")
    assert outcome.err.startswith("12 images; sampling expected, float32, model ")
    assert "The model has not seen these images before." in outcome.err
    rows = rows_of(out)
    assert len(rows) == 12
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    assert all(row["label"] in row["file"] and row["correct"] in ("true", "false") for row in rows)


def test_a_name_with_a_dot_and_a_folder_of_the_same_name(
    s3n: Command, run: RunDirectory, trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.rename(run.path, run.path.with_name("birds v1.2"))
    (tmp_path / "birds v1.2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert s3n("predict", "birds v1.2", trained_run.data, "--split", "test", "--out", "t.json").code == 0
    table = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert len(table["rows"]) == 12


def test_predict_one_image(s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path) -> None:
    image = next((trained_run.data / "images").rglob("*.jpg"))
    assert s3n("predict", model, image, "--out", tmp_path / "one.csv").code == 0
    (row,) = rows_of(tmp_path / "one.csv")
    assert (row["file"], row["label"], row["error"]) == (image.name, "", "")


def test_predict_tells_a_program(s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path) -> None:
    outcome = s3n("predict", model, trained_run.data, "--split", "test", "--out", tmp_path / "t.csv", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert [event["event"] for event in outcome.events] == ["progress"] * len(outcome.events)
    assert outcome.events[0]["done"] == 0
    assert outcome.events[-1]["finished"]
    assert outcome.events[-1]["seen"] == {"training": 0, "validation": 0, "unseen": 12, "unknown": 0}


class _Interruption:
    """A progress bar, or one per stage, that simulates Ctrl+C once enough is done."""

    def __init__(self, at: int) -> None:
        self.at = at

    @contextmanager
    def __call__(self, *stages: str, quiet: bool = False, json: bool = False):  # type: ignore[no-untyped-def]
        def bar(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
            if done >= self.at:
                signal.raise_signal(signal.SIGINT)

        yield bar if len(stages) == 1 else (bar,) * len(stages)


def test_predict_goes_on_after_ctrl_c(
    s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["predict", model, trained_run.data, "--split", "test", "--out"]
    assert s3n(*command, tmp_path / "whole.csv").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(job_progress, "progress_bar", _Interruption(at=8))
        outcome = s3n(*command, tmp_path / "parts.csv")
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err == "Stopped after 8 of 12 images; run the same command to resume.\n"
    assert not (tmp_path / "parts.csv").exists()
    outcome = s3n(*command, tmp_path / "parts.csv")
    assert outcome.code == 0
    assert outcome.err.startswith("Resuming: 8 of 12 images")
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.csv", "whole.csv"]


@pytest.mark.parametrize("arguments", [["--sampling", "often"], ["--precision", "float8"], ["--device", "cray"]])
def test_choices_that_do_not_exist(
    s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path, arguments: list[str]
) -> None:
    sentence = s3n("predict", model, trained_run.data, "--out", tmp_path / "t.csv", *arguments).sentence
    assert arguments[1] in sentence


@pytest.mark.parametrize("place", ["table.txt", "file/table.csv", "folder.csv"])
def test_a_place_where_no_table_can_be(s3n: Command, trained_run: TrainedRun, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_bytes(b"")
    assert place.split("/")[0] in s3n("predict", "any", trained_run.data, "--out", tmp_path / place).sentence


# -- export -----------------------------------------------------------------------------------------------------------


def test_export_writes_pictures_and_an_index(
    s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "att"
    command = ["export", model, trained_run.data, "--out", out, "--split", "test", "--most", 2, "--dpi", 40, "--arrays"]
    outcome = s3n(*command)
    assert (outcome.code, outcome.out) == (0, f"{out}\n")
    assert outcome.err.startswith("2 images; sampling expected, float32, model ")
    rows = rows_of(out / "index.csv")
    assert len(rows) == 2
    for row in rows:
        assert (out / row["sheet"]).is_file()
        assert (out / row["arrays"]).is_file()
        assert {path.stem for path in (out / row["folder"]).iterdir()} >= {"peaks", "response", "map_d", "image_c"}
    before = sorted(out.rglob("*"))
    assert s3n(*command).code == 0  # again, into the same folder
    assert sorted(out.rglob("*")) == before


def test_export_takes_only_the_named_images(s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path) -> None:
    names = [record.name for record in open_data_set(trained_run.data).records][2:0:-1]
    (tmp_path / "names.txt").write_text("\n".join(names), "utf-8")
    out = tmp_path / "att"
    command = ["export", model, trained_run.data, "--out", out, "--only", tmp_path / "names.txt", "--dpi", 40]
    assert s3n(*command, "--no-singles").code == 0
    assert [row["file"] for row in rows_of(out / "index.csv")] == names
    (tmp_path / "names.txt").write_text("gone.png\n")
    outcome = s3n(*command)
    assert outcome.code == 1
    assert "1 of 1 chosen images are not among these images" in outcome.err


def test_export_says_what_ctrl_c_left(
    s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_progress, "progress_bar", _Interruption(at=2))
    outcome = s3n("export", model, trained_run.data, "--split", "test", "--out", tmp_path / "att", *QUICK_PICTURES)
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err.startswith("Stopped after 2 of 12 images; ")
    rows = rows_of(tmp_path / "att" / "index.csv")
    assert len(rows) == 2
    assert all((tmp_path / "att" / row["folder"] / "peaks.jpg").is_file() for row in rows)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--panels", "beaks"],
        ["--picture", "bmp"],
        ["--colours", "rainbow"],
        ["--layout", "round"],
        ["--no-sheets", "--no-singles"],
    ],
)
def test_export_refuses_what_it_cannot_draw(
    s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path, arguments: list[str]
) -> None:
    outcome = s3n("export", model, trained_run.data, "--out", tmp_path / "att", *arguments)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "att").exists()


# -- evaluation, audit, drawing ---------------------------------------------------------------------------------------


def test_evaluate_takes_the_test_part(s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path) -> None:
    outcome = s3n("evaluate", model, trained_run.data, "--out", tmp_path / "figures")
    assert outcome.code == 0
    heading = "Test images. The model has not seen these images before."
    assert outcome.out.startswith(f"{heading}\nSplit: test of {trained_run.data}\nTop-1 ")
    tables = ["evaluation_accuracy.csv", "evaluation_by_class.csv", "evaluation_confusion.csv"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == tables
    *steps, figures = s3n("evaluate", model, trained_run.data, "--split", "train", "--json").events
    assert [step["event"] for step in steps] == ["progress"] * len(steps)
    assert (steps[-1]["what"], steps[-1]["done"], steps[-1]["total"]) == ("Evaluating", 36, 36)
    assert figures["event"] == "evaluated"
    assert (figures["part"], figures["images"]) == ("train", 36)
    assert (figures["seen"]["training"], figures["seen"]["validation"]) == (24, 12)
    assert [row["name"] for row in figures["predictions"]][:4] == ["joint", "O", "D", "C"]


def test_what_a_run_held_out_is_a_part(s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path) -> None:
    split = read_split(RunDirectory(trained_run.path).split_csv)
    validation = [row.name for row in split if row.part == "validation"]
    training = next(row.name for row in split if row.part == "train")
    data = shutil.copytree(trained_run.data, tmp_path / "moved")
    (data / training).unlink()  # the data may be incomplete and moved
    of_run = ["--runs", trained_run.root, "--split", "validation"]
    figures = s3n("evaluate", trained_run.path.name, data, *of_run, "--json").events[-1]
    assert (figures["part"], figures["images"]) == ("validation", len(validation))
    as_before = s3n("evaluate", trained_run.path, data, *of_run[:-1], "held-out", "--json").events[-1]
    assert (as_before["part"], as_before["predictions"]) == ("validation", figures["predictions"])
    state = RunDirectory(trained_run.path).read_state()
    assert state is not None
    assert figures["top1"] == pytest.approx(state.best_accuracy)
    assert s3n("predict", model, data, "--split", "validation", "--out", tmp_path / "p.csv").code == 0
    assert [row["file"] for row in rows_of(tmp_path / "p.csv")] == validation
    alone = shutil.copy(model, tmp_path / "model.safetensors")
    assert "lies in no run" in s3n("evaluate", alone, data, "--split", "validation").err
    (data / validation[0]).unlink()
    assert (
        f"{validation[0]}, which is in the validation set of the run"
        in s3n("evaluate", trained_run.path, data, *of_run).err
    )


def test_predict_stops_after_o(s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path) -> None:
    arguments = ["predict", model, trained_run.data, "--split", "test", "--stop-below", 100]
    outcome = s3n(*arguments, "--out", tmp_path / "p.csv")
    assert outcome.code == 0
    assert "Fast mode, stopping after O up to H = 100.0 nats: 1.00 backbone passes per image." in outcome.err
    assert s3n(*arguments, "--json", "--out", tmp_path / "p.json").events[-1]["passes"] == 1
    table = json.loads((tmp_path / "p.json").read_bytes())
    assert (table["stop_below"], table["passes"]) == (100, 1)
    assert {tuple(row["branches"]) for row in table["rows"]} == {("O",)}


def test_predict_chooses_the_threshold(s3n: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    """On the validation images of the run, which lie elsewhere than the images to predict."""
    runs = ["--runs", trained_run.root]
    measured = s3n(
        "evaluate", trained_run.path, trained_run.data, *runs, "--split", "validation", "--cascade", "--json"
    )
    curve = [CascadePoint(p["stop_below"], 1, 0, p["top1_images"], p["passes"]) for p in measured.events[-1]["cascade"]]
    threshold = most_saving(curve).stop_below
    photo = shutil.copy(next(trained_run.data.rglob("*.jpg")), tmp_path / "photo.jpg")
    outcome = s3n("predict", trained_run.path, photo, *runs, "--fast", "--out", tmp_path / "p.json")
    assert outcome.code == 0
    images = measured.events[-1]["images"]
    assert f"Fast mode, chosen on {images} validation images of {trained_run.data}" in outcome.err
    assert json.loads((tmp_path / "p.json").read_bytes()).get("stop_below") == threshold
    both = s3n("predict", trained_run.path, photo, *runs, "--fast", "--stop-below", 1, "--out", tmp_path / "q.json")
    assert both.code == 2
    alone = shutil.copy(
        trained_run.path / "checkpoints" / model_file(trained_run.path).name, tmp_path / "m.safetensors"
    )
    no_run = s3n("predict", alone, photo, "--fast", "--out", tmp_path / "q.json")
    assert no_run.code == 1
    assert "no validation images to choose the threshold of fast mode on" in no_run.err


@pytest.mark.parametrize("threshold", ["-0.1", "nan", "inf"])
def test_a_threshold_is_a_number(s3n: Command, model: Path, tmp_path: Path, threshold: str) -> None:
    outcome = s3n("predict", model, tmp_path, "--out", tmp_path / "p.csv", f"--stop-below={threshold}")
    assert outcome.code == 2
    assert "--stop-below" in outcome.err


def test_evaluate_a_cascade(s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path) -> None:
    outcome = s3n("evaluate", model, trained_run.data, "--cascade", "--stop-below", 100, "--out", tmp_path)
    *whole, fast = rows_of(tmp_path / "evaluation_accuracy.csv")
    assert (fast["prediction"], fast["stop_below"], fast["passes"]) == ("fast mode", "100.0", "1")
    branch = next(row for row in whole if row["prediction"] == "O")  # all images stop after it
    assert (fast["top1"], fast["top1_low"]) == (branch["top1"], branch["top1_low"])
    assert {row["stop_below"] for row in whole} == {""}
    assert "With --stop-below 100.0: top-1 " in outcome.out
    assert ", 100.0 % of the images by O alone, 1.00 backbone passes per image" in outcome.out
    assert "Stop below (nats)" in outcome.out
    figures = s3n("evaluate", model, trained_run.data, "--json", "--cascade", "--stop-below", 100).events[-1]
    first, last = figures["cascade"][0], figures["cascade"][-1]
    assert first == {
        "stop_below": None,
        "stopped": 0,
        "top1": figures["top1"],
        "top1_images": first["top1_images"],
        "top1_interval_95": figures["top1_interval_95"],
        "passes": 3,
    }
    assert figures["stop_below"] == last | {"stop_below": 100}
    by_o = next(row for row in figures["predictions"] if row["name"] == "O")
    assert (last["stopped"], last["top1_images"], last["passes"]) == (1, by_o["top1_images"], 1)
    plain = s3n("evaluate", model, trained_run.data, "--json").events[-1]
    assert plain == {key: value for key, value in figures.items() if key not in ("cascade", "stop_below")}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OutOfMemory("The device has too little memory.")])
def test_evaluate_keeps_its_figures_where_places_cannot_be_measured(
    s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: object
) -> None:
    def measure_places(*_: object, **__: object) -> None:
        raise error  # type: ignore[misc]

    monkeypatch.setattr("s3n_core.evaluation.hit_rates.measure_places", measure_places)
    outcome = s3n("evaluate", model, trained_run.data, "--places", "--out", tmp_path / "figures")
    assert outcome.code in (1, 130)
    assert "\nTop-1 " in outcome.out
    assert len(list((tmp_path / "figures").iterdir())) == 3
    events = s3n("evaluate", model, trained_run.data, "--places", "--json").events
    assert next(event for event in events if event["event"] == "evaluated")["images"] == 12


def test_evaluate_notices_at_once_that_there_are_no_boxes(s3n: Command, tmp_path: Path) -> None:
    class_folders(tmp_path / "data", {"a": 1, "b": 1})
    assert "has a box" in s3n("evaluate", "any", tmp_path / "data", "--split", "all", "--places").sentence


@pytest.mark.parametrize("below", [".", "figures/of mine"])
def test_evaluate_writes_no_tables_among_the_images(s3n: Command, trained_run: TrainedRun, below: str) -> None:
    out = trained_run.data / below
    assert "be read as a table of labels" in s3n("evaluate", "any", trained_run.data, "--out", out).sentence
    assert not (trained_run.data / "figures").exists()


def test_evaluate_names_the_parts_that_there_are(s3n: Command, trained_run: TrainedRun) -> None:
    assert "train, test" in s3n("evaluate", "any", trained_run.data, "--split", "val").sentence


def test_audit_for_people_and_programs(s3n: Command, trained_run: TrainedRun) -> None:
    outcome = s3n("audit", trained_run.data)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{trained_run.data}: 48 images" in outcome.out
    *progress, report = s3n("audit", trained_run.data, "--json", "--no-decode").events
    assert (progress[-1]["event"], progress[-1]["done"], progress[-1]["total"]) == ("progress", 48, 48)
    assert (report["images"], report["decoded"], len(report["small_classes"])) == (48, False, 12)


def test_audit_writes_its_report_in_full(s3n: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    out = tmp_path / "new" / "findings"
    outcome = s3n("audit", trained_run.data, "--smallest", 10_000, "--out", out)
    assert outcome.code == 0
    assert "... and 28 more" in outcome.out
    text = (out / "audit.txt").read_text()
    assert text.count(" x ") == 48
    report = json.loads((out / "audit.json").read_bytes())
    assert (report["smallest_side"], len(report["small_images"]), report["near_duplicates"]) == (10_000, 48, [])
    (tmp_path / "file").touch()
    assert (
        "a file has the name of one of its folders"
        in s3n("audit", trained_run.data, "--out", tmp_path / "file").sentence
    )


def test_shuffled_labels_are_a_data_set_to_train_on(s3n: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    out = tmp_path / "shuffled"
    outcome = s3n("shuffle-labels", trained_run.data, out, "--seed", 1)
    assert (outcome.code, outcome.out) == (0, f"{out}\n")
    assert "training images have another class's label now" in outcome.err
    assert "choose a new or empty folder" in s3n("shuffle-labels", trained_run.data, out).sentence
    evaluated = s3n("evaluate", trained_run.path, out, "--device", "cpu", "--json")
    same = s3n("evaluate", trained_run.path, trained_run.data, "--device", "cpu", "--json")
    assert evaluated.events[-1]["top1"] == same.events[-1]["top1"], "test images keep their labels"


def test_demo_data_is_drawn_once(s3n: Command, tmp_path: Path) -> None:
    out = tmp_path / "birds"
    outcome = s3n("demo-data", out, "--train", 1, "--test", 0, "--workers", 1)
    assert (outcome.code, outcome.out) == (0, f"{out}\n")
    assert len(list(out.rglob("*.jpg"))) == 12
    assert "choose" in s3n("demo-data", out, "--train", 1, "--test", 0, "--workers", 1).sentence
    assert len(list(out.rglob("*.jpg"))) == 12


def test_demo_data_leaves_parts_out_and_says_how_often_it_chose_again(s3n: Command, tmp_path: Path) -> None:
    out = tmp_path / "birds"
    outcome = s3n(
        "demo-data", out, "--train", 1, "--test", 0, "--species", 3, "--leave-out", "0,5", "--seed", 7, "--workers", 1
    )
    assert (outcome.code, outcome.out) == (0, f"{out}\n")
    redrawn = json.loads((out / "left_out.json").read_bytes())["redrawn"]
    assert redrawn > 0
    assert f"because they fitted several species: {redrawn}." in outcome.err


@pytest.mark.parametrize(
    ("options", "species", "interventions"),
    [([], 12, False), (["--interventions"], 24, True), (["--interventions", "--species", "12"], 12, True)],
)
def test_demo_data_draws_all_species_where_interventions_are_asked_for(
    s3n: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    species: int,
    interventions: bool,
) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(writing, "write_drawn_birds", lambda _out, **asked_for: asked.append(asked_for) or 0)
    outcome = s3n("demo-data", tmp_path / "birds", *options)
    assert outcome.code == 0
    assert [(one["species"], one["leave_out"], one["interventions"]) for one in asked] == [
        (species, 0.0, interventions)
    ]
    assert ("index.jsonl" in outcome.err) == interventions


# -- runs -------------------------------------------------------------------------------------------------------------


def test_runs_of_an_empty_home(s3n: Command) -> None:
    outcome = s3n("runs", "list")
    assert (outcome.code, outcome.out) == (0, "")
    assert "s3n train" in outcome.err
    assert s3n("runs", "list", "--json").events == [[]]
    assert "no run 'first'" in s3n("runs", "show", "first").sentence


def test_runs_are_listed_and_shown(s3n: Command, run: RunDirectory) -> None:
    header, row = s3n("runs", "list").out.splitlines()
    assert header.split() == ["name", "status", "epoch", "validation", "recipe", "data"]
    assert row.split()[:3] == ["birds-1", "finished", "2/2"]
    ((listed,),) = s3n("runs", "list", "--json").events
    assert {
        "name",
        "path",
        "status",
        "live",
        "created",
        "state",
        "run",
        "problem",
        "validation_images",
        "validation_count",
        "best_accuracy_interval_95",
    } == listed.keys()
    shown = s3n("runs", "show", "birds-1").out
    assert "status     finished" in shown
    assert "validation" in shown
    assert "rate_backbone" not in shown
    assert "rate_backbone" in s3n("runs", "show", "birds-1", "--all").out
    (fields,) = s3n("runs", "show", run.path, "--json").events
    assert [epoch["epoch"] for epoch in fields["epochs_done"]] == [0, 1]


def test_a_finished_run_is_trained_longer(s3n: Command, run: RunDirectory) -> None:
    assert (
        "already been trained for 2 epochs; choose at least 3"
        in s3n("runs", "resume", "birds-1", "--epochs", "2").sentence
    )
    assert run.summary().status == "finished"
    outcome = s3n("runs", "resume", "birds-1", "--epochs", "3")
    assert outcome.code == 0, outcome
    assert "Resuming at epoch 3 of 3 epochs" in outcome.err
    assert "not the same as that of a new run of 3 epochs" in outcome.err  # its schedule is a cosine
    assert s3n("runs", "list").out.splitlines()[1].split()[:3] == ["birds-1", "finished", "3/3"]


def test_a_finished_run_stays_finished(s3n: Command, run: RunDirectory) -> None:
    assert "nothing left to resume" in s3n("runs", "resume", "birds-1").sentence
    assert run.summary().status == "finished"
    for order in ("pause", "stop"):
        assert "is not being trained" in s3n("runs", order, "birds-1").sentence


def test_trash_and_back(s3n: Command, run: RunDirectory, s3n_home: Path) -> None:
    assert "s3n runs restore birds-1" in s3n("runs", "trash", "birds-1").err
    assert not run.path.exists()
    assert s3n("runs", "list", "--trash").out.splitlines()[1].startswith("birds-1  ")
    ((entry,),) = s3n("runs", "list", "--trash", "--json").events
    assert entry["name"] == "birds-1"
    assert s3n("runs", "restore", "birds-1").out == f"{run.path}\n"
    assert run.summary().status == "finished"
    assert "runs list --trash" in s3n("runs", "restore", "birds-1").sentence
    s3n("runs", "trash", "birds-1")
    assert s3n("runs", "empty-trash").err == "1 run deleted permanently.\n"
    assert list_trash(s3n_home / "runs") == []
    assert "empty" in s3n("runs", "list", "--trash").err


@pytest.mark.parametrize("command", ["audit", "evaluate", "demo-data"])
def test_ctrl_c_elsewhere(
    s3n: Command, trained_run: TrainedRun, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    arguments = {
        "audit": [trained_run.data],
        "evaluate": [model, trained_run.data, "--out", tmp_path / "figures"],
        "demo-data": [tmp_path / "birds", "--workers", 1],
    }[command]
    bars = "progress_bars" if command == "audit" else "progress_bar"
    monkeypatch.setattr(f"s3n_core.commands.{command.replace('-', '_')}.{bars}", _Interruption(at=1))
    outcome = s3n(command, *arguments)
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err.startswith("Stopped")
    assert not (tmp_path / "figures").exists()
