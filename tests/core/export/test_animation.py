import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_inspection import where_colour
from PIL import Image

from s3n_core.cli import main
from s3n_core.errors import OutputError, RunError
from s3n_core.export.animation import AnimationOptions, animate
from s3n_core.export.figures import tokens
from s3n_core.export.gif_file import common_palette, gif_bytes
from s3n_core.export.run_snapshots import RunSnapshots, map_of_peaks
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.method.sparse_attention import sampling_map
from s3n_core.runs.metrics_reading import read_epochs
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.resources import resource


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the demo model's run: three epochs, four probe images."""
    return Path(shutil.copytree(resource("demo/runs/demo"), tmp_path / "demo run"))


def frames_of(path: Path) -> list[Image.Image]:
    frames = []
    with Image.open(path) as animation:
        for number in range(animation.n_frames):
            animation.seek(number)
            frames.append(animation.convert("RGB"))
    return frames


def test_every_epoch_is_a_frame_that_repeats(run, tmp_path):
    out, steps = tmp_path / "demo.gif", []
    options = AnimationOptions(width=400, probes=(2,), seconds=0.3)
    assert animate(run, out, options, lambda done, total: steps.append((done, total))) == 3
    assert steps[-1] == (3, 3)
    with Image.open(out) as animation:
        assert (animation.n_frames, animation.width, animation.info["loop"]) == (3, 400, 0)
        pauses = []
        for number in range(3):
            animation.seek(number)
            pauses.append(animation.info["duration"])
    assert pauses == [300, 300, 2000]
    frames = frames_of(out)
    for frame in frames:
        assert len(where_colour(frame, tokens.BRANCH_COLOURS["D"], within=8)) > 20, "peaks, and the marks of columns"
    lengths = [
        len(where_colour(frame.crop((0, 0, 400, 30)), tokens.BRANCH_COLOURS["joint"], within=12)) for frame in frames
    ]
    assert lengths[0] * 2.7 < lengths[2] < lengths[0] * 3.3, "the line grows with the epochs"


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    options = AnimationOptions(width=300, probes=(1,))
    contents = []
    for name in ("a.gif", "b.gif"):
        animate(run, tmp_path / name, options)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_what_stands_still_does_not_flicker():
    rng = np.random.default_rng(0)
    picture = np.asarray(Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((160, 120)))
    frames = []
    for step in range(4):
        frame = picture.copy()
        frame[100:, 20 * step : 20 * step + 20] = (213, 94, 0)
        frame[:10] = 255
        frames.append(Image.fromarray(frame))
    data = gif_bytes(iter(frames), common_palette(frames, ["#FFFFFF", "#D55E00"]), [50] * 4)
    with Image.open(io.BytesIO(data)) as animation:
        shown = []
        for number in range(animation.n_frames):
            animation.seek(number)
            shown.append(np.asarray(animation.convert("RGB")).astype(int))
    assert len(shown) == 4
    for step, frame in enumerate(shown):
        np.testing.assert_array_equal(frame[:100], shown[0][:100])
        assert (frame[:10] == 255).all()
        assert (frame[100:, 20 * step : 20 * step + 20] == (213, 94, 0)).all()
        assert np.abs(frame - np.asarray(frames[step])).mean() < 8


def test_the_map_is_that_of_the_network():
    response = torch.zeros(1, 31, 31)
    weights = torch.zeros(1, 31, 31)
    rows = []
    for row, column, strength, weight in ((4, 7, 1.0, 1.0), (20, 30, 0.4, 0.3), (0, 0, 0.6, 0.0)):
        response[0, row, column], weights[0, row, column] = strength, weight
        rows.append((column / 30, row / 30, strength, weight, 1 - weight))
    network = sampling_map(weights, response, 3.8, base=0.09)[0]
    np.testing.assert_allclose(map_of_peaks(np.array(rows), (31, 31), 3.8, 0.09), network, atol=1e-5)


def test_peaks_lie_where_the_cells_of_the_view_lie(run):
    stored = json.loads((run / "snapshots" / "epoch-0000" / "probes.json").read_bytes())
    settings = json.loads((run / "run.json").read_bytes())["recipe"]["network"]
    shown = RunSnapshots(run).probes(0)
    side, compared = settings["source_size"], 0
    for entry, probe in zip(stored, shown, strict=True):
        frame = ViewFrame(box=(0.0, 0.0, 1.0, 1.0), size=side)
        for peak, row in zip(entry["peaks"], probe.peaks, strict=True):
            cell = (30 * peak["y"], 30 * peak["x"])
            np.testing.assert_allclose(row[:2], frame.cell_to_original(*cell, (31, 31)), atol=1e-9)
            compared += 1
    assert compared > 4


def test_a_run_with_dense_maps_has_no_map_of_peaks(run, tmp_path):
    content = json.loads((run / "run.json").read_text())
    content["recipe"]["network"]["attention"] = "dense"
    (run / "run.json").write_text(json.dumps(content))
    animate(run, tmp_path / "out.gif", AnimationOptions(width=300, probes=(1,)))
    assert RunSnapshots(run).probes(0)[0].map_d is None
    purple = where_colour(frames_of(tmp_path / "out.gif")[0], "#440154", within=30)
    assert len(purple) < 50


def test_accuracy_is_the_held_out_one_where_there_is_one(run):
    snapshots = RunSnapshots(run)
    measured = read_epochs(RunDirectory(run).metrics_jsonl)[2]
    assert snapshots.accuracy(2) == ("validation", measured["validation_accuracy_joint"], 240)
    assert measured["validation_accuracy_joint"] > 0.9
    assert snapshots.accuracy(9) is None


def test_the_accuracy_of_o_alone_is_its_own(run):
    metrics = RunDirectory(run).metrics_jsonl
    text = metrics.read_text(encoding="utf-8")
    metrics.write_text(
        text.replace("accuracy_O", "accuracy_o").replace("accuracy_joint", "accuracy_O"), encoding="utf-8"
    )
    assert RunSnapshots(run).accuracy(2) == ("validation", read_epochs(metrics)[2]["validation_accuracy_O"], 240)


def test_runs_without_pictures_are_refused_in_a_sentence(run, tmp_path):
    with pytest.raises(RunError, match="no probe image 7; it has 4"):
        animate(run, tmp_path / "out.gif", AnimationOptions(probes=(7,)))
    (run / "snapshots/epoch-0001/probe-2-d.jpg").unlink()
    with pytest.raises(RunError, match=r"epoch-0001 is broken .*delete this folder"):
        animate(run, tmp_path / "out.gif")
    shutil.rmtree(run / "snapshots")
    with pytest.raises(RunError, match="demo run has no snapshots"):
        animate(run, tmp_path / "out.gif")
    assert not (tmp_path / "out.gif").exists()


@pytest.mark.parametrize("wrong", [{"width": 10}, {"seconds": 0.001}, {"colour_map": "jet"}, {"opacity": 2}])
def test_options_out_of_bounds_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|colour map"):
        AnimationOptions(**wrong)


def test_the_command(run, tmp_path, capsys):
    out = tmp_path / "out.gif"
    assert main(["animate", str(run), "--out", str(out), "--images", "1,3", "--width", "240"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert len(frames_of(out)) == 3
    assert main(["animate", str(run), "--out", str(out), "--images", "first"]) == 2
    assert main(["animate", str(tmp_path), "--out", str(out)]) == 1


def test_the_place_is_made_or_refused_before_anything_is_drawn(run, tmp_path, monkeypatch):
    out = tmp_path / "new" / "folder" / "out.gif"
    assert animate(run, out, AnimationOptions(width=240, probes=(1,))) >= 1
    assert out.is_file()
    monkeypatch.setattr("s3n_core.export.animation.common_palette", lambda *_: pytest.fail("drawn"))
    for place in (tmp_path / "new", out / "below.gif"):
        with pytest.raises(OutputError, match="choose another"):
            animate(run, place)


def test_an_animation_among_the_images_is_refused(run, tmp_path):
    images = tmp_path / "images"
    (images / "ant").mkdir(parents=True)
    content = json.loads((run / "run.json").read_text(encoding="utf-8"))
    content["data"]["root"] = str(images)
    (run / "run.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(OutputError, match="choose a place outside"):
        animate(run, images / "ant" / "out.gif", AnimationOptions(width=300))
    assert not any((images / "ant").iterdir())
