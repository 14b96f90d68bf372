"""A training on images of 12 bits: its range is found once, kept, and used wherever the model is asked."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_model import SMALL_TRAINING
from tiny_training import draw_pictures, epoch_lines, prepare, tiny_recipe, train

import s3n_core
from s3n_core import api
from s3n_core.cli import main
from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.range_finding import image_warnings
from s3n_core.datasets.value_ranges import ValueRanges
from s3n_core.errors import RunError
from s3n_core.export.file_request import Candidate, FileRequest
from s3n_core.export.preview import FirstFiles
from s3n_core.models.model_headers import ranges_of, read_header
from s3n_core.models.opening import open_model
from s3n_core.prediction.job import predict_to_file
from s3n_core.prediction.tables import read_json_table
from s3n_core.progress import Progress
from s3n_core.runs.model_paths import model_file
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.server.model_cache import InspectedModel
from s3n_core.training.events import RunStarted
from s3n_core.training.preparing import prepare_run, read_plan


def of_bits(source: Path, out: Path, top: int) -> Path:
    """The same pictures in grey, as TIFF files with values from 0 to ``top``."""
    for path in source.rglob("*.png"):
        place = out / path.relative_to(source).with_suffix(".tif")
        place.parent.mkdir(parents=True, exist_ok=True)
        grey = np.asarray(Image.open(path).convert("L")).astype(np.float64)
        stretched = (grey - grey.min()) / (grey.max() - grey.min())
        levels = np.rint(stretched * 255)
        values = np.rint(levels * (top / 255))
        Image.fromarray(values.astype(np.uint8 if top == 255 else np.uint16)).save(place)
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of two classes with 8, 12 and 13 bits, and dark ones."""
    folder = tmp_path_factory.mktemp("bits")
    source = draw_pictures(folder / "source", "ab", 6)
    few = draw_pictures(folder / "source of few", "ab", 1)
    for pictures, name, top in (
        (source, "eight", 255),
        (source, "twelve", 4095),
        (few, "few", 4095),
        (few, "thirteen", 8191),
        (few, "dark", 900),
    ):
        of_bits(pictures, folder / name, top)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> RunDirectory:
    """One epoch on the pictures of 12 bits."""
    run = prepare(folder / "runs" / "twelve", folder / "twelve", epochs=1, validation=0.34)
    started = next(event for event in train(run) if isinstance(event, RunStarted))
    assert any("0 to 4,095" in note for note in started.notes)
    return run


@pytest.fixture
def model(run: RunDirectory) -> Iterator[s3n_core.Model]:
    with s3n_core.load_model(run.path, device="cpu") as model:
        yield model


def test_training_is_that_on_the_same_pictures_of_eight_bits(folder: Path, run: RunDirectory) -> None:
    other = prepare(folder / "runs" / "eight", folder / "eight", epochs=1, validation=0.34)
    train(other)
    assert epoch_lines(run) == epoch_lines(other)
    probe = sorted(path.name for path in run.snapshots.glob("probe-*.jpg"))[0]
    assert (run.snapshots / probe).read_bytes() == (other.snapshots / probe).read_bytes()
    assert "value_ranges" not in other.read_run()
    header = read_header(model_file(other.path))
    assert header.file_version == 1
    assert "integer_range" not in header.preprocess
    results = []
    for path, data in ((run.path, "twelve"), (other.path, "eight")):
        with s3n_core.load_model(path, device="cpu") as model:
            results.append(model.evaluate(folder / data).to_dict())
    assert results[0]["predictions"] == results[1]["predictions"]
    assert results[0]["loss"] == results[1]["loss"]


def test_the_range_is_kept_in_run_and_model(run: RunDirectory) -> None:
    assert read_plan(run).ranges == ValueRanges(integers=(0.0, 4095.0))
    header = read_header(model_file(run.path))
    assert header.file_version == 2
    assert header.preprocess["integer_range"] == [0.0, 4095.0]
    assert open_model(run.path, "cpu").preprocess.ranges == ValueRanges(integers=(0.0, 4095.0))


def test_every_path_gives_the_same_prediction(
    folder: Path, run: RunDirectory, model: s3n_core.Model, tmp_path: Path
) -> None:
    path = folder / "twelve" / "a" / "0.tif"
    assert main(["predict", str(run.path), str(path), "--out", str(tmp_path / "row.json"), "--device", "cpu"]) == 0
    (row,) = json.loads((tmp_path / "row.json").read_text())["rows"]
    with Image.open(path) as image:
        in_memory = image.copy()
    for said in (
        model.predict(path),
        model.predict(in_memory, name="0.tif"),
        *model.predict_many([path]),
        *model.predict_many(path),
    ):
        assert said.class_name == row["class"]
        assert said.probability == pytest.approx(row["probability"], abs=1e-5)
    wanted = np.asarray(read_image(folder / "eight" / "a" / "0.tif"))
    np.testing.assert_array_equal(model.inspect(path).response.image, wanted)
    served = InspectedModel()
    served.want({"path": str(run.path), "device": "cpu"})
    served.open()
    prepared = served.prepared(path, "0.tif", lambda: False)
    np.testing.assert_array_equal(prepared.shown[0][0], wanted)
    assert served.inspector is not None
    scores = served.inspector.inspect(prepared).scores
    assert scores.probabilities("joint").max() == pytest.approx(row["probability"], abs=1e-5)
    request = FileRequest(
        images=(Candidate(path=str(path), name="0.tif"),), options={"panels": ["original"], "sheet": False}
    )
    shown = FirstFiles().make(served.inspector, request)
    exported = np.asarray(Image.open(io.BytesIO(shown.content)).convert("RGB")).astype(int)
    assert abs(exported.mean() - wanted.mean()) < 3


def test_validation_and_test_images_are_compared_with_the_range(folder: Path, tmp_path: Path) -> None:
    """Those that the training does not learn from decide no range, and a training says where they do not suit it."""
    for split, source in (("train", "twelve"), ("val", "thirteen"), ("test", "dark")):
        shutil.copytree(folder / source, tmp_path / "mixed" / split)
    run = prepare(tmp_path / "run", tmp_path / "mixed", epochs=1, batch_size=4)
    started = next(event for event in train(run) if isinstance(event, RunStarted))
    assert read_plan(run).ranges == ValueRanges(integers=(0.0, 4095.0))
    (validation, test) = [note for note in started.notes if note.startswith("The values of the")]
    assert validation.startswith("The values of the validation images of more than 8 bits go from ")
    assert "0 to 4,095: what lies beyond it" in validation
    assert test.startswith("The values of the test images of more than 8 bits go from ")
    assert "0 to 4,095: they use less than a quarter" in test
    assert list(read_plan(run).range_warnings) == [validation, test]  # said again when it is resumed


def test_a_resumed_run_reads_its_images_as_it_began(run: RunDirectory, folder: Path, tmp_path: Path) -> None:
    """A run of an earlier version has no range: its images stay as dark as they were."""
    earlier = prepare(tmp_path / "run", folder / "twelve", epochs=1)
    content = earlier.read_run()
    del content["value_ranges"]
    earlier.write_run(content)
    plan = read_plan(earlier)
    assert not plan.ranges
    assert plan.preprocess.ranges == ValueRanges()
    content["value_ranges"] = {"integers": [5, 1]}
    earlier.write_run(content)
    with pytest.raises(RunError, match="value_ranges"):
        read_plan(earlier)


@pytest.mark.parametrize(
    ("data", "said"),
    [("thirteen", "0 to 4,095: what lies beyond"), ("dark", "0 to 4,095: they use less than"), ("few", "")],
)
def test_python_warns_of_images_that_do_not_suit_the_range(
    folder: Path, model: s3n_core.Model, data: str, said: str
) -> None:
    paths = sorted((folder / data).rglob("*.tif"))
    assert [said in sentence for sentence in model.evaluate(folder / data).warnings] == [True] * bool(said)
    for source in (folder / data, paths):
        with pytest.warns(UserWarning, match=said) if said else nullcontext():
            model.predict_many(source).to_list()


def test_commands_warn_of_images_that_do_not_suit_the_range(
    folder: Path, run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [str(run.path), str(folder / "dark"), "--device", "cpu"]
    for command in (
        ["predict", *common, "--out", str(tmp_path / "table.csv")],
        ["evaluate", *common],
        ["export", *common, "--out", str(tmp_path / "out"), "--panels", "original"],
    ):
        assert main(command) == 0
        (line,) = [line for line in capsys.readouterr().err.splitlines() if "more than 8 bits" in line]
        assert "0 to 4,095: they use less than" in line


def test_a_job_that_goes_on_still_warns_of_the_images_that_it_has_read(
    folder: Path, run: RunDirectory, tmp_path: Path
) -> None:
    model = open_model(model_file(run.path), device="cpu")
    dark, eight = (open_data_set(folder / name).records for name in ("dark", "eight"))
    out = tmp_path / "table.csv"
    events = predict_to_file(model, [*dark, *eight], out, batch_size=len(dark))
    with closing(events):
        assert [next(events).done for _ in range(2)] == [0, len(dark)]
    *_, last = predict_to_file(model, [*dark, *eight], out, batch_size=len(dark))
    assert last.resumed == len(dark)
    (sentence,) = last.warnings
    assert "0 to 4,095: they use less than" in sentence


@pytest.mark.parametrize(("data", "said"), [("dark", "0 to 4,095: they use less than"), ("few", "")])
def test_programs_and_tables_are_told_of_the_range(
    folder: Path, run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: str, said: str
) -> None:
    common, table = [str(run.path), str(folder / data), "--device", "cpu", "--json"], tmp_path / "table.json"
    results = []
    for command in (["predict", *common, "--out", str(table)], ["evaluate", *common]):
        assert main(command) == 0
        results.append(json.loads(capsys.readouterr().out.splitlines()[-1])["warnings"])
    assert [said in sentence for sentence in results[0]] == [True] * bool(said)
    assert results[0] == results[1] == json.loads(table.read_text()).get("warnings", [])
    header, _ = read_json_table(table)
    assert list(header.warnings) == results[0]


def test_one_image_is_compared_with_the_range(folder: Path, run: RunDirectory) -> None:
    ranges = ranges_of(read_header(model_file(run.path)))
    assert ranges == ValueRanges(integers=(0.0, 4095.0))
    (sentence,) = image_warnings(folder / "dark" / "a" / "0.tif", ranges)
    assert sentence.startswith(
        "The values of this image go from 25 to 872, but the model's range is 0 to 4,095: they use"
    )
    for fitting in (folder / "few" / "a" / "0.tif", folder / "eight" / "a" / "0.tif", folder / "none.tif"):
        assert image_warnings(fitting, ranges) == ()


def test_the_search_for_the_range_counts_images_and_can_be_stopped(folder: Path, tmp_path: Path) -> None:
    counted: list[tuple[int, int]] = []
    data_set, recipe = open_data_set(folder / "twelve"), tiny_recipe()
    prepare_run(tmp_path / "run", data_set, recipe, progress=lambda done, total: counted.append((done, total)))
    total = counted[0][1]
    assert counted == [(done, total) for done in range(1, total + 1)]
    assert total > 1

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_run(tmp_path / "stopped", data_set, recipe, progress=stop)
    assert not (tmp_path / "stopped").exists()
    prepare_run(tmp_path / "of eight", open_data_set(folder / "eight"), recipe, progress=stop)  # nothing to search


def test_a_program_follows_the_search_for_the_range(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [f"--set={name}={json.dumps(value)}" for name, value in SMALL_TRAINING.items()]
    common = [*settings, "--set=epochs=1", "--device=cpu", f"--runs={tmp_path}", "--json", "--quiet"]
    assert main(["train", str(folder / "twelve"), *common]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    progress = [line for line in lines if line["event"] == "progress"]
    assert {line["what"] for line in progress} == {"Finding the range of values"}
    assert progress[-1]["done"] == progress[-1]["total"] > 1


def test_a_taken_name_is_refused_before_images_are_decoded(run: RunDirectory, folder: Path) -> None:
    told: list[str] = []
    with pytest.raises(RunError, match="already a run"):
        prepare_run(run.path, open_data_set(folder / "twelve"), tiny_recipe(), tell=told.append)
    assert not told


def test_python_shows_the_search_for_the_range_apart_from_the_batches(
    folder: Path, s3n_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, list[tuple[int, int]]] = {}
    asked: dict[str, Progress] = {}

    @contextmanager
    def bar(what: str, progress: Progress, *, late: bool = False) -> Iterator[Callable[[int, int], None]]:
        asked[what] = progress
        shown[what] = []
        yield lambda done, total: shown[what].append((done, total))

    def own(done: int, total: int) -> None:
        raise AssertionError("only batches are counted, by the bar that is replaced here")

    monkeypatch.setattr(api, "progress_bar", bar)
    api.train(folder / "twelve", name="bits", device="cpu", settings=SMALL_TRAINING, progress=own, epochs=1)
    assert list(shown) == ["Finding the range of values", "Training"]
    assert shown["Finding the range of values"][-1] == (len(shown["Finding the range of values"]),) * 2
    assert asked == {"Finding the range of values": None, "Training": own}
