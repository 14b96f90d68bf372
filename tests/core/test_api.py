"""The public API of `import s3n_core`, used as a program would."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_training import SMALL, TrainedRun

import s3n_core
from s3n_core.cli import main
from s3n_core.system.locks import RunLock
from s3n_core.training.events import EpochDone, RunEnded, StepDone
from s3n_core.training.recipes import RECIPES

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT = CHECKOUT / "docs" / "python.md"


@pytest.fixture(scope="module")
def model(trained_run: TrainedRun) -> Iterator[s3n_core.Model]:
    with s3n_core.load_model(trained_run.path, device="cpu") as model:
        yield model


@pytest.fixture
def image(trained_run: TrainedRun) -> Path:
    return sorted((trained_run.data / "images").rglob("*.jpg"))[0]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Check that calls leave random generators and thread counts unchanged."""
    torch.manual_seed(1)
    np.random.seed(2)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), torch.get_num_threads()
    yield
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.get_num_threads() == before[2]


def in_a_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_it_is_light() -> None:
    loaded = in_a_process("import s3n_core, sys; dir(s3n_core); print(*sys.modules)").split()
    assert "s3n_core" in loaded
    assert not {"torch", "numpy", "pydantic", "PIL", "s3n_core.api"} & set(loaded)


def test_every_name_is_there() -> None:
    assert dir(s3n_core) == sorted(s3n_core.__all__, key=str)
    for name in s3n_core.__all__:
        assert getattr(s3n_core, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'load_modell'"):
        _ = s3n_core.load_modell
    assert (Path(s3n_core.__file__).parent / "py.typed").is_file()


def test_a_table_is_that_of_the_command_line(model: s3n_core.Model, trained_run: TrainedRun, tmp_path: Path) -> None:
    images = trained_run.data / "images"
    written = model.predict_many(images).to_csv(tmp_path / "python.csv")
    assert main(["predict", str(trained_run.path), str(images), "--out", str(tmp_path / "s3n.csv")]) == 0
    assert written.read_bytes() == (tmp_path / "s3n.csv").read_bytes()


def test_a_table_may_lie_in_the_home_folder(
    model: s3n_core.Model, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", str(tmp_path))
    assert model.predict_many(image).to_csv("~/mine/x.y") == tmp_path / "mine" / "x.y.csv"
    assert (tmp_path / "mine" / "x.y.csv").is_file()


def test_predictions_are_lazy_and_begin_anew(model: s3n_core.Model, trained_run: TrainedRun) -> None:
    said: list[tuple[int, int]] = []
    predictions = model.predict_many(trained_run.data, split="test", progress=lambda *place: said.append(place))
    assert len(predictions) == 12
    assert said == []
    first = predictions.to_list()
    assert said[-1] == (12, 12)
    assert predictions.to_list() == first
    assert [row.label for row in first] == [row.label for row in predictions]


def test_images_of_every_kind_give_one_row(model: s3n_core.Model, image: Path) -> None:
    with Image.open(image) as opened:
        pixels = np.asarray(opened.convert("RGB"))
        kinds = [image, str(image), opened.copy(), pixels]
        rows = model.predict_many(kinds).to_list()
    assert [row.file for row in rows] == [image.name, image.name, "image 3", "image 4"]
    assert len({(row.class_name, row.probability, row.peak_places) for row in rows}) == 1
    assert model.predict(pixels).probability == rows[0].probability
    assert model.predict(image, name="other").file == "other"


def test_an_image_in_memory_is_turned_as_a_file_is(model: s3n_core.Model, image: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.png"
    with Image.open(image) as upright:
        exif = Image.Exif()
        exif[274] = 6
        upright.convert("RGBA").save(turned, exif=exif)
    with Image.open(turned) as opened:
        assert model.predict(opened).probability == model.predict(turned).probability


def test_more_images_than_are_taken_at_once(model: s3n_core.Model, image: Path) -> None:
    predictions = model.predict_many(image for _ in range(70))
    with pytest.raises(TypeError, match="not known"):
        len(predictions)
    assert len(predictions.to_list()) == 70


def test_what_cannot_be_read_is_a_row_or_an_error(model: s3n_core.Model, image: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    shutil.copy(image, tmp_path / "good.jpg")
    rows = model.predict_many([tmp_path / "broken.jpg", tmp_path / "good.jpg"]).to_list()
    assert [bool(row.error) for row in rows] == [True, False]
    with pytest.raises(s3n_core.S3NError, match="not an image") as caught:
        model.predict(tmp_path / "broken.jpg")
    assert caught.value.code == "image.unreadable"
    with pytest.raises(ValueError, match=r"uint8 of shape \(h, w, 3\), not float64"):
        model.predict(np.zeros((4, 4, 3)))


def test_a_damaged_image_in_memory_costs_no_other_image(model: s3n_core.Model, image: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(image.read_bytes()[:2000])
    with Image.open(image) as good, Image.open(tmp_path / "cut.jpg") as cut:
        rows = model.predict_many([good, cut, good]).to_list()
        assert [bool(row.error) for row in rows] == [False, True, False]
        found = list(model.contributions_many([good, cut, good]))
        assert [isinstance(one, s3n_core.S3NError) for one in found] == [False, True, False]
        with pytest.raises(s3n_core.S3NError, match="image 1"):
            model.predict(cut)
        with pytest.raises(s3n_core.S3NError, match="image 1"):
            model.inspect(cut)


def test_a_data_frame(model: s3n_core.Model, trained_run: TrainedRun) -> None:
    frame = model.predict_many(trained_run.data, split="test").to_pandas()
    rows = model.predict_many(trained_run.data, split="test").to_list()
    assert list(frame["class"]) == [row.class_name for row in rows]
    assert frame["probability"].tolist() == [row.probability for row in rows]
    assert frame["error"].isna().all()


def test_figures_are_those_of_the_export(
    model: s3n_core.Model, image: Path, trained_run: TrainedRun, tmp_path: Path
) -> None:
    inspection = model.inspect(image)
    assert inspection.response.name == image.name
    assert inspection.scores is not None
    assert (
        main(
            [
                "export",
                str(trained_run.path),
                str(image),
                "--out",
                str(tmp_path),
                "--no-sheets",
                "--panels",
                "response",
                "--picture",
                "png",
            ]
        )
        == 0
    )
    (file,) = tmp_path.rglob("response.png")
    with Image.open(file) as exported:
        assert exported.size == s3n_core.figure(inspection, panels="response").size
        assert np.array_equal(
            np.asarray(exported.convert("RGB")), np.asarray(s3n_core.figure(inspection, panels="response"))
        )
    assert s3n_core.figure(inspection).width > s3n_core.figure(inspection, panels=["peaks", "response"]).width
    with pytest.raises(ValueError, match="did you mean 'response'"):
        s3n_core.figure(inspection, panels="respons")


def test_a_hidden_place_is_the_same_for_every_kind_of_image(model: s3n_core.Model, image: Path) -> None:
    peak = model.inspect(image).warps.peaks[0]
    settings = s3n_core.HidingSettings(size=12, seed=1)
    steps: list[tuple[int, int]] = []
    of_file = model.hide_place(
        image, (peak.x, peak.y), settings=settings, progress=lambda done, total: steps.append((done, total))
    )
    assert isinstance(of_file, s3n_core.HiddenPlace)
    assert steps[-1] == (22, 22)
    with Image.open(image) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    assert model.hide_place(pixels, (peak.x, peak.y), name=image.name, settings=settings, progress=False) == of_file
    assert f"of {len(of_file.controls)} random places" in of_file.sentence()
    with pytest.raises(ValueError, match="does not see"):
        model.hide_place(image, (-5.0, 3.0))


def test_an_evaluation_is_that_of_the_command_line(
    model: s3n_core.Model, trained_run: TrainedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    result = model.evaluate(trained_run.data)
    capsys.readouterr()
    assert main(["evaluate", str(trained_run.path), str(trained_run.data), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {key: printed[key] for key in ("images", "confusion", "loss")} == {
        "images": result.images,
        "confusion": result.confusion.tolist(),
        "loss": result.loss,
    }


def test_a_training_tells_what_it_does(
    trained_run: TrainedRun, s3n_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[object] = []
    places: list[tuple[int, int]] = []
    run = s3n_core.train(
        trained_run.data,
        name="mine",
        settings={**SMALL, "rate_backbone": 0, "rate_heads": 0},
        epochs=3,
        on_event=events.append,
        progress=lambda *at: places.append(at),
    )
    assert (run.name, run.status, run.path.parent) == ("mine", "finished", s3n_home / "runs")
    assert isinstance(events[-1], RunEnded)
    assert places[-1][0] == places[-1][1] > 0
    live = [event for event in events if isinstance(event, EpochDone)]
    read = [event for event in run if isinstance(event, EpochDone)]
    assert [(event.epoch, event.best) for event in read] == [(event.epoch, event.best) for event in live]
    assert [(event.epoch, event.best) for event in read] == [(0, True), (1, False), (2, False)]
    assert len([event for event in run if isinstance(event, StepDone)]) == places[-1][1]
    assert s3n_core.load_model(run).name == "mine"
    assert s3n_core.open_run("mine").path == run.path


def test_events_come_once_where_a_resumed_training_cuts_the_metrics(trained_run: TrainedRun, tmp_path: Path) -> None:
    shutil.copytree(trained_run.path, tmp_path / "run")
    run, metrics = s3n_core.Run(tmp_path / "run"), tmp_path / "run" / "metrics.jsonl"
    lines = metrics.read_bytes().splitlines(keepends=True)
    with RunLock(run.path):
        followed = iter(run)
        assert [next(followed) for _ in lines]
        again = {**json.loads(lines[-1]), "epoch": 99}
        metrics.write_bytes(b"".join(lines[:-1]) + json.dumps(again).encode() + b"\n")
        assert next(followed).epoch == 99
    assert list(followed) == []


def test_a_training_in_a_process_of_its_own(trained_run: TrainedRun) -> None:
    run = s3n_core.start_training(trained_run.data, name="apart", settings=SMALL, epochs=500)
    try:
        followed = iter(run)
        assert isinstance(next(followed), StepDone)
        run.pause()
        assert "running" not in wait_for(run, "paused")
        run.resume()
        wait_for(run, "running")
        run.stop()
        assert run.wait(120) == "stopped"
        assert all(isinstance(event, StepDone | EpochDone) for event in followed)  # the iteration ends, too
    finally:
        if run.status not in {"stopped", "finished", "failed"}:
            run.stop()
    with pytest.raises(s3n_core.S3NError, match="is not being trained"):
        run.pause()


def wait_for(run: s3n_core.Run, status: str) -> str:
    import time

    deadline = time.monotonic() + 120
    while run.status != status:
        assert time.monotonic() < deadline, run.status
        time.sleep(0.05)
    return run.status


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: s3n_core.train(data, epohcs=3), "did you mean 'epochs'"),
        (lambda data: s3n_core.train(data, settings={"network.input_sise": 3}), "did you mean 'network.input_size'"),
        (lambda data: s3n_core.train(data, recipe="quik"), "'quik'"),
        (lambda data: s3n_core.load_model("no-such-run"), "no-such-run"),
        (lambda data: s3n_core.load_model("/tmp/nope.safetensors"), "no model file"),
        (lambda data: s3n_core.load_model(data, sampling="expcted"), "did you mean 'expected'"),
        (lambda data: s3n_core.open_data("/no/such/folder"), "no/such/folder"),
    ],
)
def test_mistakes_are_named(call: object, message: str, trained_run: TrainedRun) -> None:
    with pytest.raises((s3n_core.S3NError, ValueError), match=message):
        call(trained_run.data)  # type: ignore[operator]


def test_notebooks_show_without_computing(
    model: s3n_core.Model, trained_run: TrainedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictions = model.predict_many(trained_run.data, split="test")
    row, result = predictions.to_list()[0], model.evaluate(trained_run.data)
    monkeypatch.setattr("s3n_core.prediction.job.predict", None)
    assert "12 images" in predictions._repr_html_()
    assert row.class_name is not None
    assert "<table>" in row._repr_html_()
    assert row.class_name.replace("_", " ").split(".")[-1] in row._repr_html_()
    assert "<table>" in result._repr_html_()
    assert "finished" in s3n_core.Run(trained_run.path)._repr_html_()


def test_the_documents_examples(
    trained_run: TrainedRun, s3n_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run every block of docs/python.md in order, on small birds and with a small network."""
    monkeypatch.chdir(tmp_path)
    os.symlink(trained_run.data, tmp_path / "birds")
    shutil.copytree(trained_run.path, s3n_home / "runs" / "first")
    monkeypatch.setitem(RECIPES, "quick", RECIPES["quick"].changed(SMALL))
    text = DOCUMENT.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    with torch.random.fork_rng():  # the last block uses the global generator
        for block in blocks:
            exec(compile(block, str(DOCUMENT), "exec"), names)
    assert (tmp_path / "predictions.csv").is_file()
    assert (tmp_path / "sheet.png").is_file()
    assert tuple(names["discriminative"].shape) == (2, 3, 224, 224)  # type: ignore[attr-defined]


def test_the_documents_examples_are_typed(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy comes with the extra 'dev'")
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    # One file: each block continues the one before. Names that are rebound keep their types.
    code = "\n".join(blocks)
    (tmp_path / "examples.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(tmp_path / "examples.py")],
        cwd=CHECKOUT,
        env={**os.environ, "MYPYPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
