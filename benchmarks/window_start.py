"""Benchmark of the window's start: fresh processes, from the first import to the first drawn page.

Run with ``python benchmarks/window_start.py``; it needs no display.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
STARTS = 7

USE = """
import sys, time
begin = time.perf_counter()
from s3n_gui import app
from s3n_gui.appearance import theme
from s3n_gui.frame.window_program import make_application
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.settings import Settings
application = make_application()
settings = Settings()
theme.apply(application, settings.theme, settings.font_factor)
window = MainWindow(settings)
window.show_page("start")
window.show()
application.processEvents()
print(time.perf_counter() - begin)
heavy = {"torch", "torchvision", "numpy", "pyqtgraph", "PIL", "pydantic", "typer", "matplotlib", "scipy"}
print(*sorted(heavy & set(sys.modules)))
window.close()
"""

PROBE = """
import time
from s3n_gui.frame.display import why_no_window
begin = time.perf_counter()
why_no_window()
print(time.perf_counter() - begin)
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "S3N_HOME": home}

        def run(code: str) -> list[str]:
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
            return done.stdout.splitlines()

        starts = [run(USE) for _ in range(STARTS)]
        seconds = [float(start[0]) for start in starts]
        probes = [float(run(PROBE)[0]) for _ in range(3)]
    print(f"imports to a drawn page: median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s")
    print(f"asking first whether a display works (Linux): median {statistics.median(probes):.2f} s")
    print(f"heavy modules loaded: {starts[0][1] or 'none'}")


if __name__ == "__main__":
    main()
