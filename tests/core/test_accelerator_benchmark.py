"""`benchmarks/accelerator.py` works where there is no card: each stage with tiny networks on the CPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def table(tmp_path: Path, *options: str, code: int = 0) -> dict[str, tuple[str, str]]:
    """Run the script and return its table: what was measured and whether the target is met, by row."""
    out = tmp_path / "table.md"
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "benchmarks" / "accelerator.py"), "--out", str(out), *options],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    lines = out.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    start = lines.index("| what | measured | target | met |")
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[start + 2 :]]
    return {what: (measured, met) for what, measured, _, met in rows}


def test_equations_and_speed(tmp_path: Path) -> None:
    rows = table(tmp_path, "--device", "cpu", "--small", "--only", "equations", "speed")
    named = [what for what in rows if what.startswith("Eq")]
    assert [what.split(",")[0] for what in named][:6] == [
        "Eq. 1",
        "Eq. 2",
        "Eq. 3",
        "Eq. 4",
        "Eq. 5",
        "Eq. 6",
    ]
    assert all(rows[what][1] == "yes" for what in named)
    for job in ("inference", "training step"):
        measured, _ = rows[f"{job}, mobilenet_v2, 64 px, batch 2, float32"]
        assert "x three bare passes" in measured


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited by setrlimit")
def test_memory_that_really_runs_out_is_halved(tmp_path: Path) -> None:
    ((what, (measured, met)),) = table(tmp_path, "--device", "cpu", "--small", "--only", "memory").items()
    assert what.startswith("training with 0.51 GB")
    assert measured.startswith("16 to 8")
    assert measured.endswith("the run finished")
    assert met == "yes"


def test_without_time_the_table_says_what_was_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "benchmarks"))
    from accelerator import Finding, Report

    def fail() -> list[Finding]:
        raise RuntimeError("the card is gone")

    report = Report(tmp_path / "table.md", "cpu", minutes=2)
    report.stage("first", fail, is_check=True, needs=1)
    report.stage("second", fail, needs=600)
    assert report.failed
    assert report.skipped
    lines = (tmp_path / "table.md").read_text("utf-8").splitlines()
    assert lines[-2:] == [
        "| first | failed: the card is gone |  | **no** |",
        "| second | not measured: no time left |  |  |",
    ]


def test_a_stage_that_needs_another_is_not_measured_without_it(tmp_path: Path) -> None:
    rows = table(tmp_path, "--device", "cpu", "--small", "--only", "waiting", code=2)
    assert rows["waiting for images"][0].startswith("not measured: no speed of a training")


def test_a_measurement_that_fails_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "benchmarks"))
    from accelerator import Finding, Report

    def fail() -> list[Finding]:
        raise RuntimeError("the card is gone")

    report = Report(tmp_path / "table.md", "cpu", minutes=2)
    report.stage("training", fail, needs=1)
    assert (report.failed, report.skipped) == (True, False)
