"""A run, and real processes that train it, so to speak."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s3n_core.runs.run_directory import RunDirectory

CHECKOUT = Path(__file__).resolve().parents[3]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A runs folder whose path has a space and several scripts."""
    path = tmp_path / "Läufe 実行"
    path.mkdir()
    return path


@pytest.fixture
def run(root: Path) -> RunDirectory:
    return RunDirectory.create(root / "птицы 1", {"recipe": "quick"})


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code with arguments, wait for its first line (``ready``), kill it at the end if need be."""
    processes: list[subprocess.Popen[str]] = []

    def begin(code: str, *arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        return process

    yield begin
    for process in processes:
        with contextlib.suppress(OSError):
            process.kill()
        process.communicate()
