"""Resuming checks that the data set is still the one that the run started with."""

import shutil
from pathlib import Path

import pytest
from tiny_training import draw_pictures, kinds, prepare, train

from s3n_core.datasets.left_out import write_left_out
from s3n_core.errors import DataChanged, RunError
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.changed_data import require_same_data
from s3n_core.training.events import EpochDone, RunStarted
from s3n_core.training.trainer import Trainer


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_pictures(tmp_path / "birds", "abc", 4)


def begun(tmp_path: Path, data: Path) -> RunDirectory:
    """A run that was stopped after its first epoch."""
    run = prepare(tmp_path / "run", data, epochs=2, probes=0, validation=0)
    trainer = Trainer(run.path, workers=0)
    for event in trainer.run():
        if isinstance(event, EpochDone):
            trainer.request_stop()
    return run


def test_what_was_added_removed_and_moved_is_named_and_can_be_accepted(tmp_path: Path, data: Path) -> None:
    run = begun(tmp_path, data)
    (data / "a" / "0.png").unlink()
    shutil.copy(data / "b" / "1.png", data / "b" / "new.png")
    (data / "b" / "2.png").rename(data / "c" / "moved.png")
    with pytest.raises(RunError, match=r"--changed-data") as error:
        train(run)
    text = str(error.value)
    assert "2 images removed (a/0.png, b/2.png)" in text
    assert "2 images added (b/new.png, c/moved.png)" in text
    state = run.read_state()
    assert state is not None
    assert (state.status, state.message) == ("failed", text)
    assert isinstance(state.error, DataChanged)
    assert state.error.root == data
    assert state.error.changes[0] == "2 images removed (a/0.png, b/2.png)"

    events = list(Trainer(run.path, workers=0, changed_data=True).run())
    assert isinstance(events[0], RunStarted)
    assert any("2 images added" in note for note in events[0].notes)
    assert kinds(events).count("ImageLeftOut") == 2
    assert kinds(events)[-1] == "RunEnded"


def test_other_labels_in_a_list_are_seen(tmp_path: Path, data: Path) -> None:
    names = [path.relative_to(data).as_posix() for path in sorted(data.rglob("*.png"))]
    lines = [f"{name} {'abc'.index(name[0])}" for name in names]
    (data / "train.txt").write_text("\n".join(lines) + "\n")
    run = begun(tmp_path, data)
    (data / "train.txt").write_text("\n".join([f"{names[0]} 2", *lines[1:]]) + "\n")
    with pytest.raises(RunError, match=r"1 image with another class \(a/0\.png\)"):
        train(run)


def test_a_class_that_was_renamed_or_added_is_named(tmp_path: Path, data: Path) -> None:
    names = [path.relative_to(data).as_posix() for path in sorted(data.rglob("*.png"))]
    (data / "train.txt").write_text("".join(f"{name} {'abc'.index(name[0])}\n" for name in names))
    (data / "classes.txt").write_text("tern\ngull\nauk\n")
    run = prepare(tmp_path / "run", data, validation=0)
    (data / "classes.txt").write_text("sea swallow\ngull\nauk\n")
    with pytest.raises(DataChanged) as error:
        require_same_data(run, changed_data=False)
    assert error.value.changes == ("1 class renamed (tern, now sea swallow)",)
    (data / "classes.txt").write_text("tern\ngull\nauk\nskua\n")
    shutil.copy(data / "a" / "0.png", data / "new.png")
    with open(data / "train.txt", "a") as file:
        file.write("new.png 3\n")
    write_left_out(data, ["new.png"])
    with pytest.raises(DataChanged) as error:
        require_same_data(run, changed_data=False)
    assert error.value.changes == ("1 class added (skua)",)


def test_files_of_another_size_are_seen(tmp_path: Path, data: Path) -> None:
    run = begun(tmp_path, data)
    (data / "a" / "0.png").write_bytes((data / "b" / "0.png").read_bytes() + b"more")
    with pytest.raises(RunError, match="files that have changed in size"):
        train(run)


def test_a_data_set_that_lies_elsewhere_in_time_only_is_the_same(tmp_path: Path, data: Path) -> None:
    run = begun(tmp_path, data)
    for path in data.rglob("*.png"):
        path.touch()
    (data / "notes.txt").write_text("nothing that is learned from")
    assert kinds(train(run))[-1] == "RunEnded"
