"""Benchmark of the window's event loop: its delays while a real training uses every core.

Run with ``python benchmarks/window_beside_training.py [--seconds 30] [--why]``; it needs no display. ``--why`` prints where the
window was in each gap above 40 ms.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

import psutil  # noqa: E402
from window_ticks import Clock, Watcher  # noqa: E402

from s3n_core.demo.writing import write_drawn_birds  # noqa: E402
from s3n_core.system.locks import read_owner  # noqa: E402
from s3n_gui.appearance import theme  # noqa: E402
from s3n_gui.background.training_job import TrainingJob  # noqa: E402
from s3n_gui.background.training_request import TrainingRequest  # noqa: E402
from s3n_gui.frame.main_window import MainWindow  # noqa: E402
from s3n_gui.frame.window_program import make_application  # noqa: E402
from s3n_gui.state.settings import Settings  # noqa: E402

LATE_SECONDS = 0.040


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each page is watched")
    parser.add_argument("--why", action="store_true", help="print where the window was in long gaps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["S3N_HOME"] = home
        data = Path(home) / "birds"
        write_drawn_birds(data, train_per_species=20, test_per_species=5)
        app = make_application()
        theme.apply(app, "light")
        settings = Settings()
        window = MainWindow(settings)
        window.resize(1280, 800)
        window.show_page("start")
        window.show()
        window.begin()
        clock = Clock()
        watcher = Watcher(lambda: time.perf_counter() - clock.last > LATE_SECONDS)
        if options.why:
            watcher.start()

        def measure(name: str, seconds: float) -> None:
            watcher.seen.clear()
            clock.restart()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                app.processEvents()
                time.sleep(0.0005)
            print(f"{name:<44} {clock.text()}", flush=True)
            for place, count in watcher.seen.most_common(6):
                print(f"    {count:3} x {place}")

        measure("Start, nothing runs", 5.0)
        root = settings.runs_root
        request = TrainingRequest(
            data=data,
            recipe="quick",
            name="birds",
            root=root,
            settings={"weights": "none", "epochs": 200},
            device="cpu",
        )
        job = TrainingJob.start(request)
        window.jobs.add(job)
        while not (job.state is not None and job.state.status == "running" and job.state.batch > 2):
            app.processEvents()
            time.sleep(0.01)
        window.opener.open_path(data)
        for page in window.pages.names:
            clock.restart()
            begin = time.perf_counter()
            window.show_page(page)
            app.processEvents()
            print(f"{page}: shown first in {1000 * (time.perf_counter() - begin):.0f} ms")
            while not window.pages.page(page).is_ready() and time.perf_counter() < begin + 20:
                app.processEvents()
                time.sleep(0.0005)
            print(f"  whole after {time.perf_counter() - begin:.2f} s; its making {clock.text()}", flush=True)
            if page == "train":
                window.session.run = root / "birds"
            if page == "inspect":
                window.pages.page(page).show_demo()
            measure("  its first ten seconds", 10.0)
            if page != "start":
                measure("  then", options.seconds)
        processor = psutil.cpu_percent(1.0)
        owner = read_owner(root / "birds")
        job.stop_now()
        while job.is_active:
            app.processEvents()
            time.sleep(0.01)
        window.close()
        print(f"processor {processor:.0f} % busy, training at priority {'?' if owner is None else 10}")


if __name__ == "__main__":
    main()
