"""Benchmark of `s3n export`: sheets drawn by matplotlib's artists and as pixels, and a whole export beside its inspections.

Run from the checkout: ``python benchmarks/export_files.py``; ``--images FOLDER`` takes other images than the synthetic
birds. The ways to draw take turns, so that other load slows all of them equally, and are compared: the same size, the same
words at the same places, and pixels that differ at the edges of words only. The files of an export with drawing processes
are compared byte for byte with those of one process.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.opening import open_images
from s3n_core.datasets.records import ImageRecord
from s3n_core.export.drawing import drawing_processes
from s3n_core.export.figures.encoding import encode
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.figures.figures import sheet_page
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.vector_files import figure_of
from s3n_core.export.options import ExportOptions
from s3n_core.inspection.inspection import Inspection
from s3n_core.system.resources import resource

if TYPE_CHECKING:
    from s3n_core.inspection.inspector import Inspector

# The drawing processes import this file, too: what loads torch is imported where it is used.

STYLE = FigureStyle()
SHEETS = 20
LARGEST_DIFFERENCE = 2.0
"""Of the mean over a sheet's pixels, of 255; whole words that are missing or elsewhere give more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=resource("demo/model.safetensors"))
    parser.add_argument("--images", type=Path, default=resource("demo/images"))
    parser.add_argument("--count", type=int, default=96, help="images of the whole export; repeated if there are fewer")
    chosen = parser.parse_args()
    from s3n_core.inspection.inspector import Inspector
    from s3n_core.models.opening import open_model

    model = open_model(chosen.model, device="cpu")
    found = open_images(chosen.images).records
    inspector = Inspector(model)
    sheets = [
        inspector.inspect(inspector.prepare(read_image(record.path), record.name))
        for record in found[:: max(1, len(found) // SHEETS)][:SHEETS]
    ]
    draw_sheets(sheets)
    with tempfile.TemporaryDirectory() as folder:
        records = links(found, chosen.count, Path(folder) / "images")
        whole_exports(inspector, records, Path(folder))


def draw_sheets(sheets: Sequence[Inspection]) -> None:
    """Draw and encode sheets in both ways, in turns; print the processor time of each and compare them."""
    ways: dict[str, Callable[[Inspection], tuple[Image.Image, bytes]]] = {
        "artists, PNG": lambda one: encoded(by_artists(one), "png"),
        "pixels, PNG": lambda one: encoded(drawn_pixels(sheet_page(one, STYLE)), "png"),
        "pixels, JPEG": lambda one: encoded(drawn_pixels(sheet_page(one, STYLE)), "jpeg"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    sizes: dict[str, list[int]] = {name: [] for name in ways}
    differences = []
    for sheet in sheets:
        drawn = {}
        for name, way in ways.items():
            began = time.process_time()
            drawn[name], data = way(sheet)
            seconds[name].append(time.process_time() - began)
            sizes[name].append(len(data))
        old, new = (np.asarray(drawn[name]).astype(int) for name in ("artists, PNG", "pixels, PNG"))
        if old.shape != new.shape:
            raise SystemExit(f"{sheet.response.name}: the sizes differ, {old.shape} and {new.shape}")
        differences.append(float(np.abs(old - new).mean()))
    base = statistics.median(seconds["artists, PNG"])
    for name in ways:
        median = statistics.median(seconds[name][1:] or seconds[name])
        print(
            f"{name:<14} {median:6.3f} s of processor time a sheet, ratio {median / base:.2f}, "
            f"{max(sizes[name]) / 1e3:5.0f} KB at most, {statistics.mean(sizes[name]) / 1e3:5.0f} KB on average"
        )
    print(f"mean difference of the two ways: {max(differences):.2f} of 255 at most")
    if max(differences) > LARGEST_DIFFERENCE:
        raise SystemExit("the two ways to draw differ too much")


def by_artists(inspection: Inspection) -> Image.Image:
    """Draw a sheet with matplotlib's artists, as PDF and SVG are drawn."""
    canvas = FigureCanvasAgg(figure_of(sheet_page(inspection, STYLE)))
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])


def encoded(picture: Image.Image, format: str) -> tuple[Image.Image, bytes]:
    return picture, encode(picture, format, dpi=STYLE.dpi)  # type: ignore[arg-type]


def links(found: Sequence[ImageRecord], count: int, folder: Path) -> list[ImageRecord]:
    """Write ``count`` images with names of their own."""
    folder.mkdir()
    for number in range(count):
        source = found[number % len(found)].path
        (folder / f"{number:04d}{source.suffix}").write_bytes(source.read_bytes())
    return list(open_images(folder).records)


def whole_exports(inspector: Inspector, records: Sequence[ImageRecord], folder: Path) -> None:
    """Export sheets with and without drawing processes, and inspect alone; compare the times and the files."""
    from s3n_core.export.job import export

    processes = drawing_processes(len(records))

    def inspect_alone() -> None:
        for start in range(0, len(records), 4):
            batch = records[start : start + 4]
            inspector.inspect_batch([read_image(one.path) for one in batch], [one.name for one in batch])

    def write(name: str, count: int, **options: bool) -> Callable[[], None]:
        def work() -> None:
            for _ in export(inspector.model, records, folder / name, ExportOptions(**options), processes=count):
                pass

        return work

    works = {"inspections alone": inspect_alone, "one process": write("one", 0, singles=False)}
    if processes:
        works[f"{processes} processes"] = write("several", processes, singles=False)
    times = {name: measured(work) for name, work in works.items()}
    alone = times["inspections alone"]
    for name, (wall, processor) in times.items():
        each = (processor - alone[1]) / len(records)
        print(
            f"{len(records)} sheets, {name:<18} {wall:6.1f} s, ratio {wall / alone[0]:.2f}, {processor:6.1f} s of processor "
            f"time, {each:.3f} s a sheet beyond the inspections"
        )
    files = sorted((folder / "one").rglob("*.jpg"))
    largest = max(file.stat().st_size for file in files)
    print(f"{len(files)} files, {largest / 1e3:.0f} KB at most")
    if processes:
        other = [folder / "several" / file.relative_to(folder / "one") for file in files]
        if any(one.read_bytes() != two.read_bytes() for one, two in zip(files, other, strict=True)):
            raise SystemExit("the files of one and of several processes differ")
        print("the files of one and of several processes are the same")
    with Image.open(io.BytesIO(files[0].read_bytes())) as first:
        print(f"{first.width} x {first.height} pixels")


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds and the seconds of processor time, of this process and of those that it started."""
    process = psutil.Process()
    began, before = time.perf_counter(), process.cpu_times()
    work()
    wall, after = time.perf_counter() - began, process.cpu_times()
    fields = ("user", "system", "children_user", "children_system")
    return wall, sum(getattr(after, name) - getattr(before, name) for name in fields)


if __name__ == "__main__":
    main()
