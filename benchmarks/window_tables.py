"""Benchmark of the Predict page with 100,000 images and 200 classes: filling, sorting, filtering, scrolling, the matrix.

Run with ``python benchmarks/window_tables.py [--rows 100000] [--burn 2]``; it needs no display. ``--burn`` keeps that many cores
busy. The images do not exist, so each visible thumbnail is one that cannot be read.
"""

import argparse
import os
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
from window_ticks import Clock, burn  # noqa: E402

from s3n_core.prediction.rows import Prediction, PredictionHeader  # noqa: E402
from s3n_core.prediction.tables import write_table  # noqa: E402
from s3n_gui.appearance import theme  # noqa: E402
from s3n_gui.frame.main_window import MainWindow  # noqa: E402
from s3n_gui.frame.window_program import make_application  # noqa: E402
from s3n_gui.prediction.table.table_model import SHOWN  # noqa: E402
from s3n_gui.state.prediction_request import PredictionRequest  # noqa: E402
from s3n_gui.state.settings import Settings  # noqa: E402

CLASSES, PEAKS = tuple(f"{number:03}.Species_{number}" for number in range(1, 201)), 7
SCROLL_STEPS = 150


def rows(count: int, header: PredictionHeader) -> list[Prediction]:
    """Generate rows: four of five correct, mistakes among neighbouring classes, seven peaks each."""
    random = np.random.default_rng(0)
    common = {"mode": header.mode, "precision": header.precision, "model": header.model}
    made = []
    for number in range(count):
        label = number % len(CLASSES)
        said = label if random.random() < 0.8 else (label + int(random.integers(1, 6))) % len(CLASSES)
        top = float(f"{random.uniform(0.3, 1):.6g}")
        likely = tuple(
            (CLASSES[(said + rank) % len(CLASSES)], float(f"{top / 3**rank:.6g}")) for rank in range(5)
        )  # fmt: skip
        numbers = random.uniform(0, 500, (PEAKS, 2)).round(1).tolist(), random.random((PEAKS, 3)).round(4).tolist()
        places = tuple((x, y, *three) for (x, y), three in zip(*numbers, strict=True))
        made.append(
            Prediction(
                file=f"{CLASSES[label]}/image_{number:06}.jpg",
                class_name=CLASSES[said],
                probability=top,
                top=likely,
                branches=tuple((letter, CLASSES[said]) for letter in "ODC"),
                branch_probabilities=(0.51, 0.62, 0.73),
                agreement=1.0,
                margin=float(f"{top * 2 / 3:.6g}"),
                entropy=float(f"{random.uniform(0, 3):.6g}"),
                rule="top-5",
                peaks=PEAKS,
                peak_places=places,  # type: ignore[arg-type]
                label=CLASSES[label],
                correct=said == label,
                **common,  # type: ignore[arg-type]
            )
        )
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="images in the table")
    parser.add_argument("--burn", type=int, default=0, help="cores to keep busy meanwhile")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["S3N_HOME"] = home
        model, images = Path(home) / "model.safetensors", Path(home) / "images"
        model.write_bytes(b"not opened by this benchmark")
        images.mkdir()
        request = PredictionRequest(model=model, images=images)
        request.table.parent.mkdir(parents=True)
        header = PredictionHeader(
            model="0" * 16, mode="expected", precision="float32", classes=CLASSES, images="f" * 32, count=arguments.rows
        )
        write_table(request.table, header, rows(arguments.rows, header))
        print(f"table of {arguments.rows:,} rows: {request.table.stat().st_size / 1e6:.0f} MB")
        burners = burn(arguments.burn)
        try:
            _measure(request, arguments.rows)
        finally:
            for burner in burners:
                burner.kill()


def _measure(request: PredictionRequest, count: int) -> None:
    app = make_application()
    theme.apply(app, "light")
    window = MainWindow(Settings())
    window.resize(1280, 720)
    window.show()
    window.show_page("predict")
    page = window.pages.page("predict")
    controller, model, table = page.controller, page.model, page.table  # type: ignore[attr-defined]
    clock = Clock()

    def idle(seconds: float = 0.3) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            app.processEvents()
            time.sleep(0.001)

    def said(what: str, begin: float, used: float) -> None:
        took, processor = 1000 * (time.perf_counter() - begin), 1000 * (time.process_time() - used)
        print(f"{what}: {took:.0f} ms ({processor:.0f} ms of a core), gaps {clock.text()}", flush=True)

    def once(what: str, do: Callable[[], object]) -> None:
        idle()
        clock.restart()
        begin, used = time.perf_counter(), time.process_time()
        do()
        table.viewport().repaint()
        said(what, begin, used)
        app.processEvents()

    idle()
    before = psutil.Process().memory_info().rss
    clock.restart()
    begin, used, first = time.perf_counter(), time.process_time(), 0.0
    controller.set_model(request.model)
    controller.set_images(request.images)
    while controller.stage != "finished" or not page.is_ready():
        app.processEvents()
        if not first and model.rowCount():
            first = time.perf_counter() - begin
        time.sleep(0.001)
    print(f"first rows after {1000 * first:.0f} ms")
    said(f"all {count:,} rows with their figures", begin, used)
    print(f"memory: {(psutil.Process().memory_info().rss - before) / 1e6:.0f} MB")
    for section, (column, _) in enumerate(SHOWN):
        if not table.isColumnHidden(section):
            once(f"sort by {column.key}", lambda section=section: table.sort_by(section, descending=True))
    table.sort_by(0, descending=False)
    search = page.filter  # type: ignore[attr-defined]

    def find(text: str) -> Callable[[], object]:
        def do() -> None:
            search.search.setText(text)
            page.filters.apply()  # type: ignore[attr-defined]  # without the debounce delay

        return do

    once("find 'image_0999'", find("image_0999"))
    once("find a class", find("species 77"))
    once("show all", find(""))
    search.show_kind("mistakes")
    once("only mistakes", search.changed.emit)
    search.show_kind("all")
    search.changed.emit()
    idle(1.0)
    frames, bar = [], table.verticalScrollBar()
    clock.restart()
    for step in range(SCROLL_STEPS):
        begin = time.perf_counter()
        bar.setValue(round(bar.maximum() * step / SCROLL_STEPS) if step % 10 == 0 else bar.value() + 120)
        table.viewport().repaint()
        frames.append(1000 * (time.perf_counter() - begin))
        app.processEvents()
    print(f"scrolling: a frame {np.median(frames):.1f} ms, worst {max(frames):.1f} ms, gaps {clock.text()}")
    once("large confusion matrix", lambda: page.set_matrix_large(True))  # type: ignore[attr-defined]
    matrix = page.accuracy_panel.confusion.matrix  # type: ignore[attr-defined]
    clock.restart()
    frames = []
    for step in range(60):
        begin = time.perf_counter()
        matrix._set_frame(matrix.frame.zoomed(1.1 if step < 30 else 1 / 1.1))
        matrix.repaint()
        frames.append(1000 * (time.perf_counter() - begin))
    print(f"zooming the matrix: a frame {np.median(frames):.1f} ms, worst {max(frames):.1f} ms")
    window.close()


if __name__ == "__main__":
    main()
