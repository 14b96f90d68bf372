"""`s3n train --prepare`, `s3n pack` and `s3n unpack` as a user calls them."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from command_line import Command
from small_training import SMALL, TrainedRun
from torchvision.models import mobilenet_v2

from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.locks import RunLock

SETTINGS = [part for key, value in (SMALL | {"epochs": 1}).items() for part in ("--set", f"{key}={value}")]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_there_and_back(s3n: Command, drawn_birds: Path, s3n_home: Path, tmp_path: Path) -> None:
    prepared = s3n("train", drawn_birds, "--name", "first", "--device", "cpu", "--prepare", *SETTINGS)
    assert (prepared.code, prepared.out.strip()) == (0, str(s3n_home / "runs" / "first"))
    assert "`s3n runs resume first` trains it; `s3n pack first` takes it to another machine." in prepared.err
    shown = s3n("runs", "show", "first").out
    assert "stopped" in shown
    assert "Prepared; resume it to train." in shown
    packed = s3n("pack", "first")
    assert (packed.code, packed.out.strip()) == (0, "first.zip")
    assert "`s3n unpack first.zip --data DATA`" in packed.err

    there = tmp_path / "there"
    shutil.copytree(drawn_birds, there / "birds")
    elsewhere = s3n("unpack", "first.zip", "--data", there / "birds", "--runs", there / "runs", "--json")
    assert elsewhere.code == 0
    assert elsewhere.events[-1] == {
        "event": "unpacked",
        "path": str(there / "runs" / "first"),
        "data": str(there / "birds"),
        "images": None,
        "replaced": None,
        "licence": "",
    }
    trained = s3n("runs", "resume", "first", "--runs", there / "runs", "--json", "--quiet")
    assert trained.events[-1]["event"] == "run_ended"
    result = s3n("pack", "first", "--runs", there / "runs", "--out", "result.zip", "--json").events[-1]
    assert result == {
        "event": "packed",
        "path": "result.zip",
        "bytes": Path("result.zip").stat().st_size,
        "licence": "",
    }
    shutil.rmtree(there)

    back = s3n("unpack", "result.zip")
    assert (back.code, back.out.strip()) == (0, str(s3n_home / "runs" / "first"))
    assert "is in the trash (`s3n runs restore first`)" in back.err
    assert f"Its data set: {drawn_birds}." in back.err
    run = RunDirectory(s3n_home / "runs" / "first")
    assert run.summary().status == "finished"
    assert run.read_run()["data"]["root"] == str(drawn_birds)
    assert s3n("evaluate", "first", drawn_birds).code == 0


def test_a_run_that_is_packed_is_neither_resumed_nor_stopped(s3n: Command, drawn_birds: Path, s3n_home: Path) -> None:
    s3n("train", drawn_birds, "--name", "first", "--device", "cpu", "--prepare", *SETTINGS)
    with RunLock(s3n_home / "runs" / "first", packs=True):
        for order in (["resume", "first"], ["resume", "first", "--epochs", "2"], ["stop", "first"]):
            outcome = s3n("runs", *order)
            assert outcome.code != 0
            assert "is being packed" in outcome.err


def test_the_licence_of_the_weights_is_said_on_both_machines(
    s3n: Command, drawn_birds: Path, s3n_home: Path, tmp_path: Path
) -> None:
    torch.save(mobilenet_v2(weights=None).state_dict(), "theirs.pth")
    settings = [*SETTINGS, "--set", "weights=theirs.pth"]
    assert s3n("train", drawn_birds, "--name", "first", "--device", "cpu", "--prepare", *settings).code == 0
    notice = "The model began with the weights theirs.pth, whose licence is not known."
    assert notice in s3n("pack", "first").err.splitlines()
    outcome = s3n("unpack", "first.zip", "--data", drawn_birds, "--runs", tmp_path / "there")
    assert notice in outcome.err.splitlines()
    assert s3n("pack", "first", "--json").events[-1]["licence"] == notice


def test_prepared_for_a_program(s3n: Command, drawn_birds: Path, s3n_home: Path) -> None:
    outcome = s3n("train", drawn_birds, "--name", "first", "--prepare", "--json", *SETTINGS)
    assert outcome.events[-1] == {"event": "prepared", "path": str(s3n_home / "runs" / "first")}


def test_images_are_unpacked_beside_the_job(s3n: Command, run: RunDirectory, tmp_path: Path) -> None:
    assert "`s3n unpack birds-1.zip`" in s3n("pack", "birds-1", "--images").err
    outcome = s3n("unpack", "birds-1.zip", "--runs", tmp_path / "there")
    images = tmp_path / "birds-1-images"
    assert f"Its images are in {images}." in outcome.err
    assert s3n("evaluate", tmp_path / "there" / "birds-1", images, "--split", "validation").code == 0


def test_a_finished_run_needs_no_data(s3n: Command, run: RunDirectory, tmp_path: Path) -> None:
    content = run.read_run()
    content["data"]["root"] = str(tmp_path / "gone")
    run.write_run(content)
    s3n("pack", "birds-1")
    outcome = s3n("unpack", "birds-1.zip", "--runs", tmp_path / "there")
    assert outcome.code == 0
    assert "is not on this machine: to train the run here, unpack it again with --data." in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pack", "nothing"), "There is no run 'nothing'"),
        (("pack", "birds-1", "--out", "."), "is a folder; name a file"),
        (("unpack", "none.zip"), "There is no file none.zip"),
        (("unpack", "image.png"), "is not a job of this program"),
    ],
)
def test_mistakes_are_one_sentence(
    s3n: Command, run: RunDirectory, trained_run: TrainedRun, arguments: tuple[str, ...], said: str
) -> None:
    shutil.copy(next(trained_run.data.rglob("*.jpg")), "image.png")
    assert said in s3n(*arguments).sentence


def test_a_failure_has_its_code(s3n: Command) -> None:
    Path("job.zip").write_bytes(b"PK")
    last = json.loads(s3n("unpack", "job.zip", "--json").out.splitlines()[-1])
    assert last["code"] == "run.job_file"
