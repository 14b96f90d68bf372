"""The window used for a long time: its memory and that of its engine process must not grow.

    python tests/campaign/soak.py --images 10000 --runs 200 --resizes 1000 --seed 0 --out soak.json

The real window shows the real demo, without a screen. It steps through images in Inspect (waiting for the engine at every 25th),
opens runs in Train, and is resized on every page. Memory is sampled throughout. The reported growth compares the median of the
last fifth with that of the second fifth; during the first, pages, caches and fonts are still being loaded.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))

import psutil  # noqa: E402
from PySide6.QtCore import QCoreApplication, QEvent  # noqa: E402

from s3n_core.system.resources import resource  # noqa: E402
from s3n_gui.appearance import theme  # noqa: E402
from s3n_gui.frame.main_window import MainWindow  # noqa: E402
from s3n_gui.frame.window_program import make_application  # noqa: E402
from s3n_gui.state.settings import Settings  # noqa: E402

SAMPLES = 50  # memory samples in each part
PATIENCE = 120.0


class Soak:
    """The window, and samples of its memory."""

    def __init__(self, home: Path, seed: int) -> None:
        self.app = make_application()
        theme.apply(self.app, "light")
        self.said: list[str] = []
        self.window = MainWindow(Settings())
        self.window.session.error_reported.connect(self.said.append)
        self.window.resize(1280, 800)
        self.window.show_page("start")
        self.window.show()
        self.window.begin()
        self.chance = random.Random(seed)
        self.answers, self.direction = 0, "next"
        self.home = home

    def turn(self, seconds: float = 0.0) -> None:
        """Process the window's events, for some seconds."""
        end = time.monotonic() + seconds
        while True:
            self.app.processEvents()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            if time.monotonic() >= end:
                return
            time.sleep(0.002)

    def wait(self, what: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not what():
            if time.monotonic() > end:
                raise TimeoutError("the window hangs")
            self.turn(0.01)

    def part(self, count: int, step: Callable[[int], None]) -> dict[str, Any]:
        """Repeat a step many times; return statistics on memory."""
        began, own, engine = time.monotonic(), [], []
        every = max(1, count // SAMPLES)
        for number in range(count):
            step(number)
            if number % every == 0:
                gc.collect()
                own.append(psutil.Process().memory_info().rss)
                engine.append(sum(_rss(child) for child in psutil.Process().children(recursive=True)))
                print(
                    f"\r{number} of {count}: {own[-1] >> 20} MiB, engine {engine[-1] >> 20} MiB  ",
                    end="",
                    file=sys.stderr,
                )
        print(file=sys.stderr)
        return {
            "count": count,
            "seconds": round(time.monotonic() - began),
            "window": _growth(own, count),
            "engine": _growth(engine, count),
            "threads": psutil.Process().num_threads(),
            "open files": psutil.Process().num_fds() if hasattr(psutil.Process, "num_fds") else 0,
        }

    def switch_images(self, count: int) -> dict[str, Any]:
        self.window.session.demo_asked.emit()
        page: Any = self.window.pages.page("inspect")
        self.window.show_page("inspect")
        page._client.answered.connect(self._count)
        self.wait(lambda: self.answers > 0)

        def step(number: int) -> None:
            before, seen = self.window.session.image, self.answers
            self.window.actions_by_id[f"inspect-{self.direction}"].trigger()
            if self.window.session.image == before:  # the end of the list
                self.direction = "previous" if self.direction == "next" else "next"
                self.window.actions_by_id[f"inspect-{self.direction}"].trigger()
            assert self.window.session.image != before
            self.turn()
            if number % 25 == 24:
                self.wait(lambda: self.answers > seen)

        return self.part(count, step)

    def open_runs(self, count: int, runs: Sequence[Path]) -> dict[str, Any]:
        self.window.show_page("train")

        def step(number: int) -> None:
            self.window.session.run = runs[number % len(runs)]
            self.turn(0.15)

        return self.part(count, step)

    def resize(self, count: int) -> dict[str, Any]:
        pages = list(self.window.pages.names)

        def step(number: int) -> None:
            if number % 20 == 0:
                self.window.show_page(pages[number // 20 % len(pages)])
            self.window.resize(self.chance.randint(900, 2400), self.chance.randint(600, 1400))
            self.turn(0.01)

        return self.part(count, step)

    def _count(self, *_: Any) -> None:
        self.answers += 1


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _growth(samples: Sequence[int], count: int) -> dict[str, Any]:
    fifth = max(1, len(samples) // 5)
    early, late = median(samples[fifth : 2 * fifth] or samples), median(samples[-fifth:])
    return {
        "first MiB": samples[0] >> 20,
        "early MiB": round(early / 2**20, 1),
        "late MiB": round(late / 2**20, 1),
        "KiB each": round((late - early) / 1024 / max(1, count * 0.7), 2),
        "largest MiB": max(samples) >> 20,
    }


def make_runs(root: Path, count: int = 5) -> list[Path]:
    """Create runs of different lengths from the demo's own."""
    (run, *_) = [path.parent for path in resource("demo").rglob("run.json")]
    runs = []
    for number in range(count):
        path = root / f"run-{number}"
        shutil.copytree(run, path)
        lines = (path / "metrics.jsonl").read_bytes().splitlines(keepends=True)
        (path / "metrics.jsonl").write_bytes(b"".join(lines[: len(lines) * (number + 1) // count]))
        runs.append(path)
    return runs


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--resizes", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write the summary (JSON) there, too")
    given = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="s3n-soak-"))
    os.environ["S3N_HOME"] = str(home)
    runs = make_runs(home / "runs")
    soak = Soak(home, given.seed)
    summary: dict[str, Any] = {"seed": given.seed}
    summary["image switches"] = soak.switch_images(given.images)
    summary["run openings"] = soak.open_runs(given.runs, runs)
    summary["resizes"] = soak.resize(given.resizes)
    summary["said"] = soak.said
    soak.window.close()
    soak.turn(1.0)
    text = json.dumps(summary, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(home, ignore_errors=True)
    return 1 if soak.said else 0


if __name__ == "__main__":
    raise SystemExit(main())
