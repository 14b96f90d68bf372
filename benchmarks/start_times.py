"""Benchmark of process starts, relative to ``import torch, torchvision`` in the same run.

Run from the checkout: ``python benchmarks/start_times.py``. It needs no display. The sides take turns, so that other work
on the machine slows all of them; CPU seconds, with one thread each, hardly depend on it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
DEMO = CHECKOUT / "resources" / "demo"
YARDSTICK = "import torch, torchvision"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="threads of each process; 0: torch's own choice")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sides = works(Path(scratch))
        environment = {**os.environ, "S3N_HOME": scratch, "QT_QPA_PLATFORM": "offscreen"}
        if chosen.threads:
            environment["OMP_NUM_THREADS"] = str(chosen.threads)
        wall: dict[str, list[float]] = {name: [] for name in sides}
        cpu: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(chosen.repeats + 1):
            for name, command in sides.items():
                seconds = timed(command, environment)
                if number:  # the first round fills the disk cache and writes Python's bytecode
                    wall[name].append(seconds[0])
                    cpu[name].append(seconds[1])
        first, whole = demo(Path(scratch) / "demo", {**environment, "OMP_NUM_THREADS": ""})
    print(f"{'':44} {'seconds':>8} {'CPU':>8}  CPU over {YARDSTICK}")
    unit, unit_cpu = statistics.median(wall[YARDSTICK]), statistics.median(cpu[YARDSTICK])
    for name in sides:
        used = statistics.median(cpu[name])
        print(f"{name:44} {statistics.median(wall[name]):8.2f} {used:8.2f}  {used / unit_cpu:.2f}")
    print(f"{'demo without a display: first picture':44} {first:8.2f}  {first / unit:.2f} times the seconds above")
    print(f"{'demo without a display: all of it':44} {whole:8.2f}  {whole / unit:.2f} times the seconds above")


def works(scratch: Path) -> dict[str, list[str]]:
    """Return the commands by name."""
    image = next((DEMO / "images").rglob("*.jpg"))
    table = scratch / "table.csv"
    return {
        YARDSTICK: python("import torch, torchvision"),
        "import torch": python("import torch"),
        "import s3n_core": python("import s3n_core"),
        "s3n --version": [sys.executable, "-m", "s3n_core", "--version"],
        "s3n predict, one image": [
            *(sys.executable, "-m", "s3n_core", "predict"),
            *(str(DEMO / "model.safetensors"), str(image), "--out", str(table)),
        ],
        "the window, to its first page": python(WINDOW),
    }


WINDOW = """
from s3n_gui.appearance import theme
from s3n_gui.frame.window_program import make_application
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.settings import Settings
application = make_application()
theme.apply(application, "light")
window = MainWindow(Settings())
window.show_page("start")
window.show()
application.processEvents()
window.close()
"""


def python(code: str) -> list[str]:
    """Return the command that runs a piece of Python."""
    return [sys.executable, "-c", code]


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command; return its seconds and its CPU seconds."""
    start, used = time.perf_counter(), os.times()
    subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, check=True)
    now = os.times()
    cpu = now.children_user + now.children_system - used.children_user - used.children_system
    return time.perf_counter() - start, cpu


def demo(out: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run the demo without a display; return the seconds until its first picture is there, and until its end."""
    environment = {
        key: value for key, value in environment.items() if value and key not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    environment.pop("QT_QPA_PLATFORM", None)
    start, first = time.perf_counter(), None
    command = [sys.executable, "main.py", "--demo", "--out", str(out)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as job:
        while job.poll() is None:
            if first is None and any(path.suffix in PICTURES for path in out.rglob("*")):
                first = time.perf_counter() - start
            time.sleep(0.05)
    whole = time.perf_counter() - start
    if job.returncode != 0 or first is None:
        raise SystemExit("the demo has failed")
    return first, whole


PICTURES = (".png", ".jpg", ".jpeg", ".webp")

if __name__ == "__main__":
    main()
