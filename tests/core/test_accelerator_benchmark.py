"""`benchmarks/accelerator.py` works where there is no card: each stage with tiny networks on the CPU."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def benchmarks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "benchmarks"))


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
    for job, bare in (("inference", "three backbone passes"), ("training step", "three plain steps")):
        measured, _ = rows[f"{job}, mobilenet_v2, 64 px, batch 2, float32"]
        assert f" x {bare} (" in measured


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited by setrlimit")
def test_memory_that_really_runs_out_is_halved(tmp_path: Path) -> None:
    ((what, (measured, met)),) = table(tmp_path, "--device", "cpu", "--small", "--only", "memory").items()
    assert what.startswith("training with 0.51 GB")
    assert measured.startswith("16 to 8")
    assert measured.endswith("the run finished")
    assert met == "yes"


class Failing:
    """In the place of the process that measures."""

    def do(self, work: Mapping[str, Any], seconds: float) -> Any:
        from accelerator import WorkFailed

        raise WorkFailed("the card is gone")


def test_without_time_the_table_says_what_was_not_measured(tmp_path: Path) -> None:
    from accelerator import Report

    report = Report(tmp_path / "table.md", "A machine", minutes=1)
    report.stage("first", Failing(), {}, seconds=60, is_check=True)  # type: ignore[arg-type]
    assert (report.failed, report.skipped) == (True, False)
    report = Report(tmp_path / "table.md", "A machine", minutes=0.2)
    report.stage("second", Failing(), {}, seconds=60)  # type: ignore[arg-type]
    assert (report.failed, report.skipped) == (False, True)
    assert (tmp_path / "table.md").read_text("utf-8").splitlines()[
        -1
    ] == "| second | not measured: no time left |  |  |"


# Answers with what it is to do; hangs with a child in a session of its own, as torchrun starts them; or dies.
WORK = """
import json, os, subprocess, sys, time
for line in sys.stdin:
    piece = json.loads(line)["piece"]
    if piece == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(999)"], start_new_session=True)
        open(os.path.join(sys.argv[1], "child.txt"), "w").write(str(child.pid))
        time.sleep(999)
    if piece == "die":
        sys.exit("a segment was violated")
    print(json.dumps({"done": [{"what": piece, "measured": "well"}]}), flush=True)
"""


def test_a_stage_that_hangs_or_kills_its_process_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import accelerator
    import accelerator_process

    script = tmp_path / "work.py"
    script.write_text(WORK)
    monkeypatch.setattr(accelerator_process, "WORK", script)
    monkeypatch.setattr(accelerator, "LEAST", 0.0)
    report = accelerator.Report(tmp_path / "table.md", "A machine", minutes=10)
    process = accelerator_process.MeasuringProcess(tmp_path)
    child = tmp_path / "child.txt"
    try:
        assert report.stage("before", process, {"piece": "one"}, seconds=300) is not None
        seconds = 1.0
        while not child.exists() or not child.read_text():  # on a busy machine it may be stopped before it has begun
            report.stage("hanging", process, {"piece": "hang"}, seconds=seconds)
            seconds *= 2
        report.stage("dying", process, {"piece": "die"}, seconds=300)
        report.stage("after", process, {"piece": "two"}, seconds=300)
    finally:
        process.end()
    assert not psutil.pid_exists(int(child.read_text())) or psutil.Process(int(child.read_text())).status() == "zombie"
    rows = (tmp_path / "table.md").read_text("utf-8").splitlines()[6:]
    assert rows[0] == "| one | well |  |  |"
    assert "| hanging | not measured: stopped, because it took longer than " in rows[1]
    assert rows[-2] == "| dying | failed: its process ended with 1: a segment was violated |  | **no** |"
    assert rows[-1] == "| two | well |  |  |"
    assert report.failed
    assert report.skipped


def test_a_stage_that_needs_another_is_not_measured_without_it(tmp_path: Path) -> None:
    rows = table(tmp_path, "--device", "cpu", "--small", "--only", "waiting", code=2)
    assert rows["waiting for images"][0].startswith("not measured: no speed of a training")


class TestStages:
    """Each stage by itself, in this process."""

    @pytest.fixture
    def work(self, tmp_path: Path) -> Any:
        from accelerator_work import SMALL, Work

        work = Work(tmp_path, "cpu", replace(SMALL, batch=4, files=6))
        work.images()
        return work

    def test_a_training_that_is_killed_and_resumed(self, work: Any) -> None:
        (row,) = work.do("kill")
        assert row.measured == "2 epochs, losses differ by at most 0.0e+00"
        assert row.met

    @pytest.mark.skipif(sys.platform == "win32" or not torch.distributed.is_available(), reason="torchrun with gloo")
    def test_two_processes(self, work: Any) -> None:
        (row,) = work.do("two-processes")
        assert row.what == "two processes (gloo), against one"
        assert row.measured.startswith("losses of the first epoch differ by ")
        assert row.met

    def test_waiting_for_images_and_the_speed_beside_that_from_memory(self, work: Any) -> None:
        name, case = next((name, case) for name, case in work.do("machine")["cases"] if case["job"] == "training step")
        found = json.loads(json.dumps(work.do("speed", case=case)))  # as it comes from another process
        assert found["rows"][0]["what"] == name
        share, speed = work.do("waiting", speed=found["speed"])
        assert share.what == "waiting for images, mobilenet_v2, 64 px, batch 2, float32"
        assert share.measured.endswith("% of the time")
        assert speed.what == "training from files, mobilenet_v2, 64 px, batch 2, float32"
        assert re.fullmatch(r"[\d,.]+ images a second, from memory [\d,.]+: [\d.]+%", speed.measured)

    @pytest.mark.parametrize(
        ("waited", "speed", "met"),
        [(0.05, 95.0, (True, True)), (0.06, 94.9, (False, False)), (0.0, 60.0, (True, False))],
    )
    def test_both_are_judged(self, waited: float, speed: float, met: tuple[bool, bool]) -> None:
        from accelerator_speed import TRAINING, Case, Speed, waiting

        class Measured:
            """In the place of trainings: the last epoch counts."""

            def prepare(self, name: str, **settings: object) -> None:
                pass

            def resume(self, name: str) -> None:
                pass

            def epochs(self, name: str) -> list[dict[str, float]]:
                return [
                    {"waiting_for_images": 0.5, "images_per_second": 1.0},
                    {"waiting_for_images": waited, "images_per_second": speed},
                ]

        case = Case(job=TRAINING, backbone="resnet18", size=64, batch=10, device="cpu", precision="float32")
        rows = waiting(Measured(), Speed(case, seconds=0.1, bare=0.1, memory=0, bare_memory=0))  # type: ignore[arg-type]
        assert tuple(row.met for row in rows) == met
        assert [row.target for row in rows] == ["at most 5% of the time", "at least 95%"]
        assert rows[1].measured == f"{speed:.1f} images a second, from memory 100.0: {speed:.1f}%"

    def test_compiled_on_both_sides(self, work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        import accelerator_speed
        from few_layers import FewLayers

        from s3n_core.method import backbones

        graphs = []

        def count(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., Any]:
            graphs.append(graph)
            return graph.forward

        monkeypatch.setattr(backbones.torchvision_models, "get_model", lambda name, weights: FewLayers())
        monkeypatch.setattr(accelerator_speed, "COMPILER", count)
        cases = [(name, case) for name, case in work.do("machine")["cases"] if case["compiled"]]
        assert [case["job"] for _, case in cases] == ["inference", "training step"]
        for name, case in cases:
            before = len(graphs)
            assert work.do("speed", case=case)["rows"][0]["what"] == name
            assert len(graphs) > before
            assert name.endswith(", compiled")
