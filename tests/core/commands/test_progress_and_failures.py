"""The output of running and failing jobs on a terminal, in a log file and for another program."""

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer

from s3n_core import cli
from s3n_core.__main__ import main as start_of_the_program
from s3n_core.commands import progress
from s3n_core.commands.arguments import quoted
from s3n_core.commands.failures import say
from s3n_core.commands.plain_output import write_plainly
from s3n_core.commands.progress import duration, progress_bar, progress_bars
from s3n_core.errors import DataChanged, S3NError
from s3n_core.system.json_values import to_json


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["first", "first é 鳥", "it's", "a$b", "run-1.2"])
def test_a_command_in_a_sentence_can_be_copied(name: str) -> None:
    assert shlex.split(quoted(name)) == [name]
    assert (quoted(name) == name) == (name in ("first", "run-1.2"))


def test_a_bar_never_reaches_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """`TABLE=$(s3n predict ...)`: stderr is a terminal, stdout a pipe."""
    screen, pipe = Terminal(), io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", pipe)
    with progress_bar("Exporting") as bar:
        bar(0, 10)
        bar(5, 10, "[/red] :smile: name.png", 120.0)
        say("Left out: x.png")
        print("table.csv")
    assert pipe.getvalue() == "table.csv\n"
    assert "[/red] :smile: name.png, 2 min left" in screen.getvalue()
    assert "5/10" in screen.getvalue()
    assert "Left out: x.png" in screen.getvalue()


def test_a_stage_has_its_bar_from_when_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", screen)
    with progress_bars("Reading", "Comparing") as (reading, comparing):
        reading(16, 16)
        say("read")
        assert "Comparing" not in screen.getvalue()
        comparing(3, 64)
        say("compared")
    assert "16/16" in screen.getvalue()
    assert "3/64" in screen.getvalue()


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Predicting") as bar:
        bar(1, 10)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with progress_bar("Predicting") as bar:
        bar(0, 100)
        bar(50, 100, "3.0 images/s", 16.4)
    assert capsys.readouterr().err == "Predicting: 0 of 100\nPredicting: 50 of 100, 3.0 images/s, 16 s left\n"
    with progress_bar("Predicting", quiet=True) as bar:
        bar(1, 10)
    assert capsys.readouterr() == ("", "")


def test_the_time_left_counts_from_where_a_job_went_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 0.0, 0.0, 0.0, 10.0, 10.0, 10.0])
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress_bar("Predicting") as bar:
        bar(900, 1000)  # done by an earlier job
        bar(950, 1000)  # fifty in ten seconds
    assert capsys.readouterr().err.splitlines()[-1] == "Predicting: 950 of 1000, 10 s left"


def test_times_and_values() -> None:
    assert [duration(seconds) for seconds in (0.4, 89, 90, 3600, 9000)] == ["0 s", "89 s", "2 min", "60 min", "2.5 h"]
    assert to_json({"a": (Path("x"), float("nan")), 1: {"b": float("inf")}}) == {"a": ["x", None], "1": {"b": None}}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Make `s3n runs list` fail with an error."""

    def fail_with(error: BaseException, *options: str) -> int:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr("s3n_core.runs.run_list.list_runs", fail)
        return cli.main(["runs", "list", *options])

    return fail_with


def test_a_defect_is_one_sentence_and_a_log(failing, capsys, s3n_home: Path) -> None:  # type: ignore[no-untyped-def]
    assert failing(ZeroDivisionError("division\nby zero")) == 70
    (line,) = capsys.readouterr().err.splitlines()
    log = s3n_home / "logs" / "s3n.log"
    assert line.startswith("Error: This is a bug in the program: ZeroDivisionError: division by zero. ")
    assert str(log) in line
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_defect_where_no_log_can_be_written(  # type: ignore[no-untyped-def]
    failing, capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("S3N_HOME", str(tmp_path / "file"))
    assert failing(ZeroDivisionError("x")) == 70
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_error_is_one_line(failing, capsys) -> None:  # type: ignore[no-untyped-def]
    assert failing(S3NError("first\n  second \udcff")) == 1
    assert capsys.readouterr().err == "Error: first second \\udcff\n"


@pytest.mark.parametrize(
    ("error", "exit_code", "expected"),
    [
        (S3NError("first\n second"), 1, {"code": "program.error", "message": "first second"}),
        (
            DataChanged("changed", root=Path("birds"), changes=("1 image added",)),
            1,
            {"code": "run.data_changed", "message": "changed", "root": "birds", "changes": ["1 image added"]},
        ),
        (typer.BadParameter("no good"), 2, {"code": "program.arguments"}),
        (ZeroDivisionError("x"), 70, {"code": "program.defect"}),
    ],
    ids=["plain", "with fields", "arguments", "defect"],
)
def test_a_program_reads_why_a_command_failed(failing, capsys, s3n_home: Path, error, exit_code, expected) -> None:  # type: ignore[no-untyped-def]
    assert failing(error, "--json") == exit_code
    out, err = capsys.readouterr()
    value = json.loads(out.splitlines()[-1])
    assert value.pop("event") == "failed"
    assert err.splitlines()[-1] == f"Error: {value['message']}"
    assert expected.items() <= value.items()


def test_being_stopped_is_no_failure(failing, capsys) -> None:  # type: ignore[no-untyped-def]
    assert failing(KeyboardInterrupt(), "--json") == 130
    assert capsys.readouterr().out == ""


def test_ctrl_c(failing) -> None:  # type: ignore[no-untyped-def]
    assert failing(KeyboardInterrupt()) == 130


@pytest.mark.skipif(sys.platform == "win32", reason="there is no head")
def test_a_reader_that_leaves(s3n_home: Path) -> None:
    command = f'"{sys.executable}" -m s3n_core train --show-recipe --json | head -c 0; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_terminal_that_knows_no_letters(s3n_home: Path) -> None:
    """Names that the output encoding cannot represent do not make a command fail."""
    run = s3n_home / "runs" / "鳥"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"format": "s3n-run", "format_version": 1}), encoding="utf-8")
    command = [sys.executable, "-m", "s3n_core", "runs", "list"]
    environment = {"PYTHONIOENCODING": "latin-1", "S3N_HOME": str(s3n_home), "PATH": ""}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"\\u9ce5" in done.stdout


def test_signs_that_the_terminal_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "cp1252", write_through=True))
    write_plainly()
    print("\u22123.4 \u2264 \u00d7 \u2026 \u9ce5")
    assert written.getvalue() == b"-3.4 <= \xd7 \x85 \\u9ce5\n"


def test_ctrl_c_while_the_program_is_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # so that it is as before afterwards
    monkeypatch.setitem(sys.modules, "s3n_core.cli", Interrupted("s3n_core.cli"))
    assert start_of_the_program() == 130


@pytest.mark.parametrize(("own", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_a_person_wants_otherwise(
    own: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", own or "")  # so that it is as before afterwards
    if own is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    loaded = ModuleType("s3n_core.cli")
    found = list[str | None]()
    loaded.main = lambda: found.append(os.environ.get("OMP_WAIT_POLICY")) or 0  # type: ignore[attr-defined, func-returns-value]
    monkeypatch.setitem(sys.modules, "s3n_core.cli", loaded)
    assert start_of_the_program() == 0
    assert found == [expected]
