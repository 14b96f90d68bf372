"""Benchmark of the Data page with 100,000 images: a folder of hard links to the demo's images, in the real window, offscreen.

Run with ``python benchmarks/data_page.py [--load 2] [--why]``; it needs no display, and creates its folder in the temporary
folder and removes it. ``--load`` adds processes that compute without a pause, at the lower priority of trainings (``--nice 0``:
at the window's own); ``--why`` prints where the window was in each gap above 40 ms. The gaps of a process that only sleeps 5 ms
at a time are printed beside the window's: they are those of the machine itself.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from PySide6.QtCore import QObject, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from window_ticks import Watcher  # noqa: E402

from s3n_gui.appearance import theme  # noqa: E402
from s3n_gui.dataset.image_order import ImageOrder, Measures  # noqa: E402
from s3n_gui.frame.main_window import MainWindow  # noqa: E402
from s3n_gui.frame.pages import PAGES  # noqa: E402
from s3n_gui.frame.window_program import make_application  # noqa: E402
from s3n_gui.state.settings import Settings  # noqa: E402

CLASSES, IMAGES = 200, 100_000


def make_folder(root: Path) -> None:
    """Hard-link the demo's images many times; one copy per class, since file systems limit the links to a file."""
    drawings = [path.read_bytes() for path in sorted((CHECKOUT / "resources/demo/images").rglob("*.jpg"))]
    for number in range(CLASSES):
        folder = root / f"{number:03}.Bird_{number}"
        folder.mkdir(parents=True)
        first = folder / "bird_0000.jpg"
        first.write_bytes(drawings[number % len(drawings)])
        for other in range(1, IMAGES // CLASSES):
            os.link(first, folder / f"bird_{other:04}.jpg")


class Clock(QObject):
    """Ticks every 5 ms and records the time between ticks."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.app, self.gaps, self.begin = app, [0.0], time.perf_counter()
        self.idler = Idler()
        self._last = self.begin
        self._timer = QTimer(self, interval=5)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    def until(self, done: Callable[[], bool], seconds: float = 30.0) -> float:
        """Process events until a condition holds or the time is up; return the seconds taken."""
        begin = time.perf_counter()
        while not done() and time.perf_counter() - begin < seconds:
            self.app.processEvents()
            time.sleep(0.001)
        return time.perf_counter() - begin

    @property
    def waits(self) -> float:
        """Seconds since the last tick."""
        return time.perf_counter() - self._last

    def report(self, what: str) -> None:
        """Print the gaps between ticks since the last report."""
        gaps = sorted(self.gaps)
        p99, most = 1000 * gaps[int(0.99 * (len(gaps) - 1))], 1000 * gaps[-1]
        print(f"  {what}: gaps between ticks p99 {p99:.0f} ms, most {most:.0f} ms {self.idler.report()}")
        self.gaps = [0.0]
        self._last = time.perf_counter()


class Idler:
    """A process that repeatedly sleeps 5 ms and reports how long the sleeps really took."""

    _CODE = """
import sys, time, threading
gaps, last = [], time.perf_counter()
def tick():
    global last
    while True:
        time.sleep(0.005); now = time.perf_counter(); gaps.append(now - last); last = now
threading.Thread(target=tick, daemon=True).start()
for line in sys.stdin:
    seen = sorted(gaps) or [0.0]; gaps.clear()
    print(1000 * seen[int(0.99 * (len(seen) - 1))], 1000 * seen[-1], flush=True)
"""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self._CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def report(self) -> str:
        """Return the gaps since the last report, as text."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        p99, most = map(float, self.process.stdout.readline().split())
        return f"(the machine alone: {p99:.0f} and {most:.0f} ms)"


def measure(folder: Path, *, why: bool) -> None:
    """Measure opening the folder, scrolling, jumping and filtering."""
    app = make_application()
    theme.apply(app, "light")
    window = MainWindow(Settings(), [entry for entry in PAGES if entry.name in ("start", "data")])
    window.resize(1280, 720)
    window.show()
    window.show_page("data")
    page = window.pages.page("data")
    clock = Clock(app)
    watcher = Watcher(lambda: clock.waits > 0.04)
    if why:
        watcher.start()
    clock.until(lambda: False, 0.5)
    clock.gaps = [0.0]
    clock.idler.report()
    memory = psutil.Process().memory_info().rss
    seen: dict[str, float] = {}
    page.thumbnails.ready.connect(lambda path: seen.setdefault("thumbnail", time.perf_counter()))
    begin = time.perf_counter()
    window.opener.open_path(folder)
    clock.until(lambda: page.images.rowCount() == IMAGES)
    listed = time.perf_counter() - begin
    clock.until(lambda: "thumbnail" in seen)
    print(f"listed after {listed:.2f} s, first thumbnail after {seen['thumbnail'] - begin:.2f} s")
    bar = page.grid.verticalScrollBar()
    clock.until(lambda: bar.maximum() > (IMAGES // 5) * page.grid.gridSize().height())
    clock.until(page.is_ready)
    print(f"all laid out, validation images known after {time.perf_counter() - begin:.2f} s")
    clock.report("opening")
    for place, count in watcher.seen.most_common(8):
        print(f"    {count:3} x {place}")
    frames = []
    for _ in range(300):
        start = time.perf_counter()
        bar.setValue(bar.value() + 240)
        page.grid.viewport().grab()
        frames.append(time.perf_counter() - start)
        clock.until(lambda: False, 0.005)
    print(
        f"a frame while scrolling: median {1000 * statistics.median(frames):.1f} ms, most {1000 * max(frames):.1f} ms"
    )
    clock.report("scrolling")
    bar.setValue(bar.maximum() // 2)
    rows = page.grid.visible_rows()
    paths = [page.images.index(row).data(257) for row in rows]
    print(f"jump to the middle: page full after {clock.until(lambda: all(map(page.thumbnails.image, paths))):.2f} s")
    start = time.perf_counter()
    page.controller.set_filter(text="bird_77")
    print(f"filter by text: {1000 * (time.perf_counter() - start):.0f} ms, {page.images.rowCount():,} images")
    page.filter_bar.show_all()
    clock.report("filtering")
    for name in ("use", "labels"):
        start = time.perf_counter()
        page.controller.set_filter(**{name: "validation" if name == "use" else frozenset({3})})
        print(f"filter by {name}: {1000 * (time.perf_counter() - start):.0f} ms, {page.images.rowCount():,} images")
    start = time.perf_counter()
    page.filter_bar.filter_menu.aboutToShow.emit()
    print(f"filter menu with its numbers: {1000 * (time.perf_counter() - start):.0f} ms")
    page.filter_bar.show_all()
    made_up = np.random.default_rng(0)
    page.controller.checking.measures = Measures.of(
        made_up.integers(40, 2000, (IMAGES, 2)), made_up.integers(0, 256, (IMAGES, 32), dtype=np.uint8)
    )
    clock.report("filters and their menu")
    for order in ("class", "smallest", "near-duplicates", "likeness", "name"):
        start = time.perf_counter()
        page.controller.set_order(ImageOrder(order, 77_777 if order == "likeness" else -1))
        took = time.perf_counter() - start
        clock.until(page.is_ready)
        print(f"order {order}: {1000 * took:.0f} ms at once, {1000 * (time.perf_counter() - start):.0f} ms until shown")
        clock.report(f"order {order}")
    window.palette_box.open()
    clock.until(lambda: False, 0.1)
    begin = time.perf_counter()
    clock.until(lambda: bool(window.sources.find("bird_0499")))
    print(f"palette: images indexed {time.perf_counter() - begin:.2f} s after it opened")
    clock.report("palette: indexing")
    for query in ("b", "bird", "bird_0499", "77 499", "bd99", "zzzz", "jpgjpg"):
        start = time.perf_counter()
        page.window().palette_box.field.setText(query)
        print(f"palette: {query!r}: {1000 * (time.perf_counter() - start):.1f} ms")
    window.palette_box.close_palette()
    print(f"memory grew by {(psutil.Process().memory_info().rss - memory) / 2**20:.0f} MB")
    window.close()
    clock.idler.process.kill()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--load", type=int, default=0, help="processes that compute beside the window")
    parser.add_argument("--nice", type=int, default=10, help="by how much their priority is lower")
    parser.add_argument("--why", action="store_true", help="print where the window was in long gaps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="s3n-100000-") as scratch:
        os.environ["S3N_HOME"] = str(Path(scratch) / "home")
        make_folder(Path(scratch) / "images")
        busy = [
            subprocess.Popen([sys.executable, "-c", f"import os; os.nice({options.nice})\nwhile True: pass"])
            for _ in range(options.load)
        ]
        try:
            measure(Path(scratch) / "images", why=options.why)
        finally:
            for process in busy:
                process.kill()


if __name__ == "__main__":
    main()
