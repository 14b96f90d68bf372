"""How quickly the page Train opens a run of 100,000 metric lines: from choosing it to its curves drawn, offscreen.

Run with ``python benchmarks/window_curves.py``; it needs no display.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from s3n_core.runs.run_directory import RunDirectory  # noqa: E402
from s3n_core.runs.run_state import RunState  # noqa: E402
from s3n_gui import theme  # noqa: E402
from s3n_gui.main_window import MainWindow  # noqa: E402
from s3n_gui.settings import Settings  # noqa: E402
from s3n_gui.window_program import make_application  # noqa: E402

LINES, BATCHES = 100_000, 1000
NAMES = (
    "loss", "loss_joint", "loss_O", "loss_D", "loss_C", "accuracy_O", "accuracy_D", "accuracy_C", "accuracy_joint",
    "peaks", "learning_rate_backbone", "learning_rate_heads", "beta_1", "beta_2", "images_per_second",
)  # fmt: skip
REPEATS = 3


def write_run(path: Path) -> None:
    """Write a run as a long training leaves it."""
    run = RunDirectory.create(path, {"recipe": {"name": "quick", "epochs": LINES // BATCHES}, "data": {}})
    with run.metrics_jsonl.open("w", encoding="utf-8") as file:
        for number in range(LINES):
            place = {"kind": "step", "epoch": number // BATCHES, "batch": number % BATCHES + 1, "batches": BATCHES}
            values = {name: 1.0 / (1 + number / 5000) + index / 100 for index, name in enumerate(NAMES)}
            file.write(json.dumps({**place, **values}) + "\n")
    now = time.time()
    epochs = LINES // BATCHES
    run.write_state(RunState(status="finished", epoch=epochs, epochs=epochs, batch=0, batches=BATCHES, updated=now))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["S3N_HOME"] = home
        app = make_application()
        theme.apply(app, "light")
        settings = Settings()
        write_run(settings.runs_root / "long")
        window = MainWindow(settings)
        window.resize(1280, 800)
        window.show()
        window.show_page("train")
        page = window.page("train")
        for _ in range(REPEATS):
            window.session.run = None
            for _ in range(20):
                app.processEvents()
            begin, used, longest = time.perf_counter(), time.process_time(), 0.0
            window.session.run = settings.runs_root / "long"
            controller, charts = page.controller, page.charts  # type: ignore[attr-defined]
            while controller.series.step_count < LINES or not charts.is_settled:
                step = time.perf_counter()
                app.processEvents()
                longest = max(longest, time.perf_counter() - step)
                time.sleep(0.001)
            took, processor = time.perf_counter() - begin, time.process_time() - used
            print(f"{LINES:,} lines: {took:.2f} s ({processor:.2f} s of a core), longest stop {1000 * longest:.0f} ms")
        window.close()


if __name__ == "__main__":
    main()
