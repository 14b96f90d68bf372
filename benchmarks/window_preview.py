"""Benchmark of the Export page: how soon a change is visible, with the preview's engine or a new process per change.

Run with ``python benchmarks/window_preview.py``; it needs no display. The new process runs `s3n export --most 1`, which
writes the same file; the two alternate, so that other load slows both equally.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from window_ticks import Clock  # noqa: E402

from s3n_core.system.engine_process import engine_command  # noqa: E402
from s3n_core.system.resources import resource  # noqa: E402
from s3n_gui.appearance import theme  # noqa: E402
from s3n_gui.frame.main_window import MainWindow  # noqa: E402
from s3n_gui.frame.window_program import make_application  # noqa: E402
from s3n_gui.state.settings import Settings  # noqa: E402

OPACITIES = (0.2, 0.35, 0.5, 0.75, 0.9)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["S3N_HOME"] = home
        app = make_application()
        theme.apply(app, "light")
        window = MainWindow(Settings())
        window.resize(1280, 720)
        window.show()
        window.show_page("export")
        page = window.pages.page("export")
        controller = page.controller  # type: ignore[attr-defined]
        clock = Clock()

        def change(**fields: object) -> tuple[float, float]:
            """Change options and wait for the preview; return wall-clock seconds and CPU seconds of the engine."""
            client = controller.preview._client
            engine = None if client is None or client.pid is None else psutil.Process(client.pid)
            used = 0.0 if engine is None else sum(engine.cpu_times()[:2])
            begin = time.perf_counter()
            controller.set(**fields)
            while controller.preview.busy or not page.is_ready():
                app.processEvents()
                time.sleep(0.001)
            took = time.perf_counter() - begin
            return took, 0.0 if engine is None else sum(engine.cpu_times()[:2]) - used

        images, model = resource("demo/images"), resource("demo/model.safetensors")
        first, _ = change(images=images, model=model, out=Path(home) / "out", singles=False)
        print(f"first picture, with the engine's start: {first:.2f} s")
        stays, fresh, cores = [], [], []
        for opacity in OPACITIES:
            clock.restart()
            took, core = change(opacity=opacity)
            stays.append(took)
            cores.append(core)
            gaps = clock.text()
            command = engine_command(*controller.choice.arguments(restart=True), "--most", "1", "--json")
            begin = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            fresh.append(time.perf_counter() - begin)
            print(
                f"opacity {opacity}: {took:.2f} s ({core:.2f} s of a core), a new process {fresh[-1]:.2f} s; gaps {gaps}"
            )
        print(
            f"a change: median {np.median(stays):.2f} s ({np.median(cores):.2f} s of a core), "
            f"a new process {np.median(fresh):.2f} s: {np.median(fresh) / np.median(stays):.0f} times as long"
        )
        window.close()


if __name__ == "__main__":
    main()
