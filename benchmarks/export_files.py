"""Benchmark of `s3n export`: sheets drawn by matplotlib's artists and as pixels, and a whole export beside its inspections.

Run from the checkout: ``python benchmarks/export_files.py``; ``--images FOLDER`` takes other images than the synthetic
birds. The ways to draw take turns, so that other load slows all of them equally, and are compared: the same size, the same
words at the same places, and pixels that differ at the edges of words only. Whole exports write sheets alone, and sheets and
single panels as ``s3n export`` does by default, each by one process and with drawing processes; their files are compared byte
for byte.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
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
from s3n_core.system.processes import usable_cores
from s3n_core.system.resources import resource

if TYPE_CHECKING:
    from s3n_core.inspection.inspector import Inspector

# The drawing processes import this file, too: what loads torch is imported where it is used.

STYLE = FigureStyle()
SHEETS = 20
KINDS = {"sheets": ExportOptions(singles=False), "sheets and panels": ExportOptions()}
TEST_SET = 5794
"""Images of CUB-200-2011's test set."""
LARGEST_DIFFERENCE = 2.0
"""Of the mean over a sheet's pixels, of 255; whole words that are missing or elsewhere give more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=resource("demo/model.safetensors"))
    parser.add_argument("--images", type=Path, default=resource("demo/images"))
    parser.add_argument("--count", type=int, default=96, help="images of the whole export; repeated if there are fewer")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line does, before torch is loaded
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
    """Export with and without drawing processes, and inspect alone; print times and sizes, and compare the files."""
    from s3n_core.export.job import export

    count, chosen = len(records), drawing_processes(len(records))

    def inspect_alone() -> None:
        for start in range(0, count, 4):
            batch = records[start : start + 4]
            inspector.inspect_batch([read_image(one.path) for one in batch], [one.name for one in batch])

    def write(out: Path, options: ExportOptions, drawing: int) -> None:
        for _ in export(inspector.model, records, out, options, processes=drawing):
            pass

    alone, inspecting = measured(inspect_alone)
    print(f"{count} images: inspections alone {alone:.1f} s, {inspecting:.1f} s of processor time")
    expected: list[str] = []
    for kind, options in KINDS.items():
        walls: dict[int, float] = {}
        for drawing in (0, chosen or 2):
            out = folder / f"{kind} {drawing}"
            wall, processor = measured(partial(write, out, options, drawing))
            walls[drawing] = wall
            way = f"{drawing} drawing processes" if drawing else "one process"
            print(
                f"{kind}, {way}: {wall:.1f} s, ratio {wall / alone:.2f}, {processor:.1f} s of processor time, "
                f"{(processor - inspecting) / count:.3f} s an image beyond the inspections"
            )
            for other in ("sheets 0", f"{kind} 0"):
                compare(folder / other, out)
        sizes = [file.stat().st_size for file in out.rglob("*.jpg")]
        print(f"{kind}: {len(sizes) / count:.0f} files, {sum(sizes) / count / 1e3:.0f} kB an image")
        minutes, size = walls[chosen] / count * TEST_SET / 60, sum(sizes) / count * TEST_SET / 1e9
        expected.append(f"{kind} {minutes:.1f} minutes, {size:.2f} GB")
    print("sheets are the same with and without panels, files with and without processes")
    print(f"{TEST_SET:,} images on {usable_cores()} cores, inspections included: {'; '.join(expected)}")
    with Image.open(next((folder / "sheets 0").rglob("*.jpg"))) as first:
        print(f"{first.width} x {first.height} pixels a sheet")


def compare(some: Path, other: Path) -> None:
    """Check that all figures of one export are in the other, with the same bytes."""
    files = sorted(some.rglob("*.jpg"))
    different = [file for file in files if file.read_bytes() != (other / file.relative_to(some)).read_bytes()]
    if different or not files:
        raise SystemExit(f"{some.name} and {other.name}: {len(different)} of {len(files)} files differ")


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
