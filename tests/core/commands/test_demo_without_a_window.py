"""`main.py --demo` with a substitute for the demo model: the real jobs, twice into the same folder."""

import csv
import subprocess
from pathlib import Path

import pytest
from pictures import class_folders

from s3n_core import cli
from s3n_gui import app
from s3n_gui.frame import demo_without_window
from s3n_gui.state import demo


def test_the_demo_writes_again_into_the_same_folder(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = class_folders(tmp_path / "images", {"a": 2, "b": 1})

    def in_this_process(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        assert command[1:3] == ["-m", "s3n_core"]
        return subprocess.CompletedProcess(command, cli.main(command[3:]))

    monkeypatch.setattr(demo_without_window.subprocess, "run", in_this_process)
    monkeypatch.setattr(demo, "resource", lambda name: model if name.endswith(".safetensors") else images)
    monkeypatch.setattr(app, "why_no_window", lambda: "The window cannot be opened.")
    monkeypatch.chdir(tmp_path)
    contents = []
    for _ in range(2):
        assert app.main(["--demo"]) == 0
        said = capsys.readouterr()
        assert said.out.startswith("The window cannot be opened.\n")
        assert f"Figures:            {tmp_path / 's3n-demo' / 'attention'}" in said.out
        with (tmp_path / "s3n-demo" / "predictions.csv").open(encoding="utf-8", newline="") as file:
            assert [row["file"] for row in csv.DictReader(file)] == ["a/0.png", "b/0.png"]
        contents.append({path: path.stat().st_size for path in (tmp_path / "s3n-demo").rglob("*") if path.is_file()})
    assert contents[0] == contents[1]
    assert len(contents[0]) > 10


def test_the_demo_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(demo, "resource", lambda name: tmp_path / name)
    monkeypatch.setattr(app, "why_no_window", lambda: "The window cannot be opened.")
    assert app.main(["--demo", "--out", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("Error: ")
