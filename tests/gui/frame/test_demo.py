"""`main.py --demo` without a window: no display, no Qt, no console, no demo files."""

import subprocess
import sys
from pathlib import Path

import pytest

from s3n_core.errors import S3NError
from s3n_gui import app
from s3n_gui.frame import demo_without_window
from s3n_gui.state import demo

CHECKOUT = Path(__file__).resolve().parents[3]


class Engine:
    """A fake of the engine's processes: records the commands and returns the given exit codes."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        self.commands.append(command)
        self.chosen = Path(command[command.index("--only") + 1]).read_text(encoding="utf-8").splitlines()
        return subprocess.CompletedProcess(command, self.codes.pop(0))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    engine = Engine(0)
    for name in ("b/2", "a/1", "b/1"):
        file = tmp_path / "installed" / "demo" / "images" / f"{name}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setattr(demo_without_window.subprocess, "run", engine)
    monkeypatch.setattr(demo, "resource", lambda name: tmp_path / "installed" / name)
    monkeypatch.setattr(app, "why_no_window", lambda: "No window can be shown here: because.")
    monkeypatch.chdir(tmp_path)
    return engine


def test_demo_predicts_and_exports(engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--demo"]) == 0
    model = str(tmp_path / "installed" / "demo" / "model.safetensors")
    images = str(tmp_path / "installed" / "demo" / "images")
    predictions, attention = tmp_path / "s3n-demo" / "predictions.csv", tmp_path / "s3n-demo" / "attention"
    start = [sys.executable, "-m", "s3n_core"]
    (command,) = engine.commands
    only = command.index("--only")
    assert command[:only] == [*start, "export", model, images, "--out", str(attention)]
    assert command[only + 2 :] == ["--predictions", str(predictions)]
    assert engine.chosen == ["a/1.jpg", "b/1.jpg"]  # the first image of each species
    said = capsys.readouterr().out
    assert str(predictions) in said
    assert str(attention) in said


def test_demo_writes_where_it_is_asked_to(engine: Engine, tmp_path: Path) -> None:
    assert app.main(["--demo", "--out", str(tmp_path / "há  ér")]) == 0
    assert engine.commands[-1][-1] == str(tmp_path / "há  ér" / "predictions.csv")


def test_demo_says_why_there_is_no_window(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["--demo"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "No window can be shown here: because."
    assert len(engine.commands) == 1


def test_a_job_that_fails_ends_the_demo(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.codes = [3]
    assert app.main(["--demo"]) == 3
    assert len(engine.commands) == 1
    assert "Predictions:" not in capsys.readouterr().out


def test_missing_demo_files_are_one_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> Path:
        raise S3NError(f"{name} is missing from this installation of S3N Studio; install it again.")

    monkeypatch.setattr(demo, "resource", missing)
    assert app.main(["--demo"]) == 1
    assert capsys.readouterr().err == (
        "Error: demo/model.safetensors is missing from this installation of S3N Studio; install it again.\n"
    )
    assert engine.commands == []


def test_without_arguments_it_points_to_the_demo(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main([]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "No window can be shown here: because."
    assert engine.commands == []
    assert "--demo" in said
    assert "s3n --help" in said


def test_without_a_console(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pythonw` and start menus give Python no output streams."""
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        monkeypatch.setattr(sys, name, None)
    assert app.main(["--demo"]) == 0
    assert len(engine.commands) == 1


def test_main_py_starts_the_program() -> None:
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "main.py"), "--version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("S3N Studio ")
