"""Benchmark of dragging a peak: the time until the new warped image is on screen, with the real Inspect page and engine process.

Run with ``python benchmarks/window_rewarp.py [--side 448] [--load] [--why]``; it needs no display. A network with random weights
inspects a synthetic bird, and its strongest peak is moved cell by cell, as a mouse drags it. Two things are measured: single
moves, each after the scores of the previous one have arrived, and a drag with a move every 16 ms, whatever the engine is doing.
``--load`` keeps every core busy with a training's work at a training's priority; ``--why`` prints where the time is spent.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests")]

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from PySide6.QtCore import QEvent, QObject, QTimer  # noqa: E402

from s3n_core.datasets.detection import open_data_set  # noqa: E402
from s3n_core.demo.writing import write_drawn_birds  # noqa: E402
from s3n_core.inspection.inspection import Inspection  # noqa: E402
from s3n_core.inspection.settings import InspectionSettings  # noqa: E402
from s3n_core.server.requests import Subject  # noqa: E402
from s3n_core.system.engine_process import start_process  # noqa: E402
from s3n_gui.appearance import theme  # noqa: E402
from s3n_gui.background.processes import kill  # noqa: E402
from s3n_gui.frame.main_window import MainWindow  # noqa: E402
from s3n_gui.frame.window_program import make_application  # noqa: E402
from s3n_gui.inspector.panel import InspectPage  # noqa: E402
from s3n_gui.state.settings import Settings  # noqa: E402

_TRAINING = """
import torch
from torchvision.models import mobilenet_v2
network, images = mobilenet_v2(weights=None), torch.randn(8, 3, 224, 224)
steps = torch.optim.SGD(network.parameters(), 0.001)
while True:
    steps.zero_grad()
    network(images).square().mean().backward()
    steps.step()
"""
_SAVE = """
import sys
from pathlib import Path
from random_model import save_random_model
save_random_model(Path(sys.argv[1]), side=int(sys.argv[2]), backbone=sys.argv[3])
"""


class Stages(QObject):
    """Records for each position of the peak when it was requested, when the reply arrived, and when it was painted."""

    def __init__(self, page: InspectPage) -> None:
        super().__init__()
        self._page = page
        self.asked: dict[InspectionSettings, float] = {}
        self.came: dict[InspectionSettings, float] = {}
        self.painted: dict[InspectionSettings, float] = {}
        page._client.resampled.connect(self._on_resampled)
        self._views = {pane.view.viewport() for pane in page.panes.panes}
        for view in self._views:
            view.installEventFilter(self)

    def move(self, cell: tuple[int, int], place: tuple[float, float]) -> InspectionSettings:
        """Move the peak, as dragging does."""
        begin = time.perf_counter()
        self._page.editor.drag_peak(cell, place)
        settings = self._page.state.settings
        self.asked[settings] = begin
        return settings

    def forget(self) -> None:
        """Reset for another measurement."""
        for times in (self.asked, self.came, self.painted):
            times.clear()

    def say(self, name: str, *, why: bool) -> None:
        """Print the results."""
        late = 1000 * np.array([self.painted[one] - self.asked[one] for one in self.painted])
        print(
            f"{name}: {len(late)} of {len(self.asked)} places painted; median {np.median(late):.1f} ms, "
            f"90 % {np.percentile(late, 90):.1f}, most {late.max():.1f}"
        )
        if why:
            there = 1000 * np.array([self.came[one] - self.asked[one] for one in self.painted])
            print(f"    medians: engine and way {np.median(there):.1f} ms, window {np.median(late - there):.1f} ms")

    def _on_resampled(self, inspection: Inspection, subject: Subject) -> None:
        self.came[inspection.warps.settings] = time.perf_counter()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch for paint events; the image is on the screen after the event, in the next turn of the event loop."""
        shown = self._page.state.evidence
        if event.type() == QEvent.Type.Paint and shown is not None and shown.warps.settings in self.asked:
            QTimer.singleShot(0, self, partial(self._on_painted, shown.warps.settings))
        return False

    def _on_painted(self, settings: InspectionSettings) -> None:
        self.painted.setdefault(settings, time.perf_counter())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=448, help="side of the network's input in pixels")
    parser.add_argument("--backbone", default="mobilenet_v2", help="mobilenet_v2 or resnet50")
    parser.add_argument("--moves", type=int, default=40, help="how many moves of each kind")
    parser.add_argument("--load", action="store_true", help="a training's work on every core beside it")
    parser.add_argument("--why", action="store_true", help="print the share of the engine and of the window")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["S3N_HOME"] = home
        model, birds = Path(home) / "random.safetensors", Path(home) / "birds"
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path[:2]))
        arguments = [str(model), str(options.side), options.backbone]
        subprocess.run([sys.executable, "-c", _SAVE, *arguments], check=True, env=environment)
        write_drawn_birds(birds, train_per_species=1, test_per_species=0)
        load = None
        if options.load:
            load = start_process([sys.executable, "-c", _TRAINING], log=Path(home) / "load.log", long_job=True)
        try:
            _measure(model, birds, options)
        finally:
            if load is not None:
                kill(load)


def _measure(model: Path, birds: Path, options: argparse.Namespace) -> None:
    app = make_application()
    theme.apply(app, "light")
    window = MainWindow(Settings())
    window.resize(1280, 800)
    window.show_page("start")
    window.show()
    window.session.data_set = open_data_set(birds)
    window.session.model = model
    window.show_page("inspect")
    page = window.pages.page("inspect")
    assert isinstance(page, InspectPage)

    def wait(done: object, seconds: float = 60.0) -> None:
        end = time.perf_counter() + seconds
        while not done():  # type: ignore[operator]
            app.processEvents()
            time.sleep(0.0002)
            if time.perf_counter() > end:
                raise TimeoutError("the engine does not answer")

    state = page.state
    wait(lambda: state.answer is not None and not state.busy)
    stages = Stages(page)
    evidence = state.answer
    assert evidence is not None
    cell, cells = evidence.warps.peaks[0].found_at, evidence.response.map.shape[0]
    moves = range(options.moves)
    places = [evidence.response.cell_to_original(4 + n % (cells - 8), 4 + n // (cells - 8)) for n in moves]
    for place in places:
        settings = stages.move(cell, place)
        wait(lambda settings=settings: settings in stages.painted and not state.busy)
    stages.say("single moves", why=options.why)
    stages.forget()
    begin = time.perf_counter()
    for number, place in enumerate(reversed(places[:-1])):
        wait(lambda number=number: time.perf_counter() - begin >= 0.016 * number)
        settings = stages.move(cell, place)
    wait(lambda: settings in stages.painted and not state.busy)
    stages.say("a drag, a place every 16 ms", why=options.why)
    busy = psutil.cpu_percent(0.5)
    print(
        f"processor {busy:.0f} % busy, {options.backbone} at {options.side} px, load average {os.getloadavg()[0]:.1f}"
    )
    window.close()


if __name__ == "__main__":
    main()
