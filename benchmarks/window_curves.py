"""Benchmark of the Train page: the time to create it, and to open a run with 100,000 lines of metrics, offscreen.

Run with ``python benchmarks/window_curves.py [--burn 2]``; it needs no display. ``--burn`` keeps that many cores busy.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from window_ticks import Clock, burn  # noqa: E402

from s3n_core.runs.run_directory import RunDirectory  # noqa: E402
from s3n_core.runs.run_state import RunState  # noqa: E402
from s3n_gui.appearance import theme  # noqa: E402
from s3n_gui.background.incremental import IncrementalWork  # noqa: E402
from s3n_gui.frame.main_window import MainWindow  # noqa: E402
from s3n_gui.frame.pages import LIBRARIES, PACKAGES  # noqa: E402
from s3n_gui.frame.preload import preload  # noqa: E402
from s3n_gui.frame.window_program import make_application  # noqa: E402
from s3n_gui.state.settings import Settings  # noqa: E402

LINES, BATCHES = 100_000, 1000
NAMES = (
    "rate_backbone", "rate_heads", "rate_radius_d", "rate_radius_c", "loss", "loss_joint", "loss_O", "loss_D", "loss_C",
    "accuracy_joint", "accuracy_O", "accuracy_D", "accuracy_C", "images_per_second",
)  # fmt: skip
REPEATS = 5


def write_run(path: Path) -> None:
    """Write the run of a long training: one line per batch and one per epoch."""
    run = RunDirectory.create(path, {"recipe": {"name": "quick", "epochs": LINES // BATCHES}, "data": {}})
    with run.metrics_jsonl.open("w", encoding="utf-8") as file:
        for number in range(LINES):
            epoch, batch = divmod(number, BATCHES)
            values = {name: 1.0 / (1 + number / 5000) + index / 100 for index, name in enumerate(NAMES)}
            line = {"kind": "step", "epoch": epoch, "batch": batch + 1, "step": number + 1, **values}
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
            if batch + 1 == BATCHES:
                validation = {f"validation_{name}": value for name, value in values.items() if name[0] in "la"}
                line = {"kind": "epoch", "epoch": epoch, "step": number + 1, **values, **validation, "warnings": []}
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
    now = time.time()
    epochs = LINES // BATCHES
    run.write_state(RunState(status="finished", epoch=epochs, epochs=epochs, batch=0, batches=BATCHES, updated=now))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--burn", type=int, default=0, help="cores to keep busy meanwhile")
    burners = burn(parser.parse_args().burn)
    with tempfile.TemporaryDirectory() as home:
        os.environ["S3N_HOME"] = home
        app = make_application()
        theme.apply(app, "light")
        settings = Settings()
        write_run(settings.runs_root / "long")
        window = MainWindow(settings)
        window.resize(1280, 720)
        window.show_page("start")
        window.show()
        work = IncrementalWork()
        preload(work, LIBRARIES, PACKAGES)  # as the window does once it is usable
        work.finish()
        clock = Clock()
        for _ in range(100):
            app.processEvents()
            time.sleep(0.001)
        clock.restart()
        begin = time.perf_counter()
        window.show_page("train")
        page = window.pages.page("train")
        while not page.is_ready():
            app.processEvents()
            time.sleep(0.0005)
        print(f"first showing: whole after {time.perf_counter() - begin:.2f} s, gaps {clock.text()}", flush=True)
        for _ in range(REPEATS):
            window.session.run = None
            for _ in range(20):
                app.processEvents()
                time.sleep(0.01)
            clock.restart()
            begin, used, seen = time.perf_counter(), time.process_time(), 0.0
            window.session.run = settings.runs_root / "long"
            controller, charts = page.controller, page.charts  # type: ignore[attr-defined]
            while controller.series.step_count < LINES or not charts.is_settled:
                app.processEvents()
                if not seen and charts.values()["pace"][0]:
                    seen = time.perf_counter() - begin
                time.sleep(0.0005)
            took, processor = time.perf_counter() - begin, time.process_time() - used
            whole = f"{LINES:,} lines: curves after {seen:.2f} s, all lines after {took:.2f} s ({processor:.2f} s of a core)"
            print(f"{whole}, gaps {clock.text()}", flush=True)
        window.close()
    for burner in burners:
        burner.kill()


if __name__ == "__main__":
    main()
