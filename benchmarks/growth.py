"""Benchmark of growth: cost by number of classes, image size, peaks, and images. Random weights.

Run from the checkout: ``python benchmarks/growth.py --threads 1 --processor-time``. The measurements of a table of inference are
interleaved. ``--jobs`` measures whole jobs instead (opening a data set, predict, evaluate, audit, export), each in a process of
its own: by images, by classes, by the size of the files, by that of the network's input, and by peaks. With a tiny network,
100,000 images take minutes:
``--jobs --threads 1 --backbone timm:test_byobnet --side 32 --cells 7 --images 1000 10000 100000``. ``--only`` measures some of
the jobs; a kind of growth without numbers (``--classes --sides``) is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from interleaved import machine, medians, report
from PIL import Image

from s3n_core.commands.evaluation_text import evaluation_text
from s3n_core.datasets.audit.checks import audit
from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.transforms import Preprocess
from s3n_core.evaluation.evaluate import evaluate
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.job import export
from s3n_core.export.options import ExportOptions
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.model_files import save_model
from s3n_core.models.network_outputs import run_network
from s3n_core.models.opening import Model, open_model
from s3n_core.prediction.job import predict, predict_to_file
from s3n_core.system.json_values import to_json
from s3n_core.system.resources import resource as shipped

CLASSES, SIZE = (10, 200, 10_000), (112, 224, 448)
PEAKS = (0, 1, 10, 100, 961)
PEAKS_SIDE = 512  # of whole jobs by peaks: so that there are enough cells
JOB_BATCH = 64  # the network of whole jobs is tiny

_Answer = TypeVar("_Answer")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backbone", default="mobilenet_v2")
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--images", type=int, nargs="*", default=[200, 1000, 5000], help="lengths of folders")
    options.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    options.add_argument("--processor-time", action="store_true", help="for a busy machine, with --threads 1")
    options.add_argument("--classes", type=int, nargs="*", default=[100, 1000, 10_000], help="of whole jobs")
    options.add_argument("--jobs", action="store_true", help="measure whole jobs instead")
    options.add_argument("--side", type=int, default=64, help="of whole jobs: side of the network's input, in pixels")
    options.add_argument("--cells", type=int, default=31, help="of whole jobs: side of the response map, in cells")
    options.add_argument(
        "--sides", type=int, nargs="*", default=[250, 500, 1000, 2000], help="of whole jobs: of the files"
    )
    options.add_argument(
        "--inputs", type=int, nargs="*", default=[112, 224, 448], help="of whole jobs: sides of the network's input"
    )
    options.add_argument(
        "--windows",
        type=int,
        nargs="*",
        default=[15, 7, 5, 3],
        help=f"of whole jobs: windows of a peak, in cells, for more and more peaks, with an input of {PEAKS_SIDE} px",
    )
    options.add_argument("--only", nargs="+", choices=JOBS, default=JOBS, metavar="JOB", help=f"of {', '.join(JOBS)}")
    options.add_argument(
        "--export-up-to", type=int, default=math.inf, help="of whole jobs: export no more images than this"
    )
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    if chosen.jobs:
        _jobs(chosen)
        return
    if chosen.images:  # first, since the peak memory for large images would hide it
        _folders(sorted(chosen.images))
    timed = partial(medians, repeats=chosen.repeats, processor_time=chosen.processor_time)
    shape = f"{chosen.backbone}, batch {chosen.batch}; {machine('cpu')}"
    with torch.inference_mode():
        works = {f"{classes} classes": _pass(chosen.backbone, chosen.batch, classes, 224) for classes in CLASSES}
        report(
            f"Classes, 224 px; {shape}",
            timed(works),
            f"{CLASSES[0]} classes",
        )
        works = {f"{size} px": _pass(chosen.backbone, chosen.batch, 200, size) for size in SIZE}
        works |= {f"{size} px, three bare passes": _bare(chosen.backbone, chosen.batch, size) for size in SIZE}
        report(
            f"Image size, 200 classes; {shape}",
            timed(works),
            f"{SIZE[0]} px",
        )
        works = _peaks(chosen.backbone, chosen.batch)
        report(
            f"Peaks, sampler alone, a cell each; {shape}",
            timed(works),
            f"{PEAKS[0]} peaks",
        )


def _pass(backbone: str, batch: int, classes: int, size: int) -> Callable[[], object]:
    network = _network(backbone, classes, size)
    images = torch.randn(batch, 3, size, size)
    return lambda: run_network(network, images, sampling="expected")


def _bare(backbone: str, batch: int, size: int) -> Callable[[], object]:
    network = _network(backbone, 200, size).backbone
    images = torch.randn(batch, 3, size, size)
    return lambda: [network(images) for _ in range(3)]


def _peaks(backbone: str, batch: int) -> dict[str, Callable[[], object]]:
    """Return runs of the sampler on the same response with increasing numbers of peaks."""
    network = _network(backbone, 200, 224)
    head = network.head("O")
    features = network.features(torch.randn(batch, 3, 224, 224), "O")
    _, logits = head(features)
    given = network.sampler.respond(features, head.classifier.weight, head.classifier.bias, logits)
    order = torch.rand(given.peaks.shape).flatten(1).argsort(dim=1).argsort(dim=1).reshape(given.peaks.shape)

    def sampled(count: int) -> Callable[[], object]:
        placed = replace(given, peaks=order < count)
        return lambda: network.sampler(placed, "expected", None)

    return {f"{count} peaks": sampled(count) for count in PEAKS}


def _folders(lengths: list[int]) -> None:
    """Predict folders of links to one synthetic image, in ascending size; the first job only warms up."""
    print(f"Images in a folder, mobilenet_v2, 64 px; {machine('cpu')}")
    with tempfile.TemporaryDirectory() as root:
        _model(Path(root) / "model.safetensors")
        model = open_model(Path(root) / "model.safetensors", device="cpu")
        picture = Path(root) / "picture.jpg"
        read_image(open_data_set(shipped("demo/images")).records[0].path).resize((96, 72)).save(picture)
        before = math.nan
        for number, length in enumerate([lengths[0], *lengths]):
            folder = Path(root) / f"images-{number}"
            folder.mkdir()
            for place in range(length):
                os.link(picture, folder / f"{place:06}.jpg")
            began = time.perf_counter()
            records = open_data_set(folder, "images").records
            listed = time.perf_counter() - began
            for _ in predict_to_file(model, records, Path(root) / "table.json", restart=True):
                pass
            seconds = time.perf_counter() - began - listed
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if number:
                print(
                    f"  {length:>7} images: listed in {listed:.2f} s, {1e3 * seconds / length:.2f} ms an image, "
                    f"peak memory {peak:.0f} MB, {peak - before:+.1f} MB"
                )
            before = peak


def _jobs(chosen: argparse.Namespace) -> None:
    """Print a table of each kind of growth. Every job runs in a process of its own, so that its peak memory is its own."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        make = partial(_model, backbone=chosen.backbone, size=chosen.side, cells=chosen.cells)
        print(
            f"{machine('cpu')}, {chosen.backbone}, {chosen.side} px, map of {chosen.cells}x{chosen.cells} cells\n"
            "ms of the processor an image, peak memory in MB; opening the data set is not counted in the other columns\n",
            flush=True,
        )
        ten = folder / "ten.safetensors"
        _alone(make, ten)
        rows = _Rows("images", chosen)
        for length in sorted(chosen.images):
            rows.add(length, ten, _draw(folder / f"images {length}", length, 10), length)
        rows = _Rows("classes, with as many images", chosen)
        for classes in sorted(chosen.classes):
            model = folder / f"{classes}.safetensors"
            _alone(make, model, classes)
            rows.add(classes, model, _draw(folder / f"classes {classes}", classes, classes), classes)
        rows = _Rows("side of the files, 40 images", chosen)
        for side in chosen.sides:
            rows.add(side, ten, _draw(folder / f"side {side}", 40, 10, side), 40)
        rows = _Rows("side of the input, 40 images", chosen)
        for side in chosen.inputs:
            model = folder / f"input {side}.safetensors"
            _alone(partial(make, size=side), model)
            rows.add(side, model, _draw(folder / f"input {side}", 40, 10, 500), 40)
        rows = _Rows(f"peaks an image, input of {PEAKS_SIDE} px, 40 images", chosen)
        for window in chosen.windows:
            model = folder / f"window {window}.safetensors"
            _alone(partial(make, size=PEAKS_SIDE, cells=31, window=window), model)
            data = _draw(folder / f"window {window}", 40, 10, 500)
            rows.add(_alone(_mean_peaks, model, data), model, data, 40)


class _Rows:
    """A table of the chosen jobs, measured and printed row by row; a cell also holds its ratio to the first row."""

    def __init__(self, what: str, chosen: argparse.Namespace) -> None:
        self._what, self._export_up_to = what, chosen.export_up_to
        self._jobs = [job for job in JOBS if job in chosen.only]
        self._first: dict[str, float] = {}
        self._begun = False

    def add(self, number: float, model: Path, data: Path, images: int) -> None:
        """Run the jobs on a folder of ``images`` images and print their row."""
        if not self._begun:
            self._begun = True
            print(f"\n| {self._what} | {' | '.join(self._jobs)} |\n|---:|{'---|' * len(self._jobs)}")
        texts = []
        for job in self._jobs:
            if job == "export" and images > self._export_up_to:
                texts.append("not measured")
                continue
            ms, memory = _alone(_job, job, model, data)
            ratio = f" ({ms / self._first[job]:.2f} times)" if job in self._first else ""
            self._first.setdefault(job, ms)
            texts.append(f"{ms:.2f}, {memory:.0f}{ratio}")
        print(f"| {number:,} | {' | '.join(texts)} |", flush=True)


def _alone(work: Callable[..., _Answer], *arguments: object) -> _Answer:
    """Run a function in a process of its own and return its answer; forked, since importing torch anew takes seconds."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(work, *arguments).result()


def _job(job: str, model: Path, root: Path) -> tuple[float, float]:
    """Run a job on the images of a folder; return milliseconds of the processor an image, and the peak memory in MB."""
    torch.set_num_threads(1)
    began = time.process_time()
    data = open_data_set(root, "class-folders")
    if job == "audit":
        began = time.process_time()
        audit(data)
    elif job != "open":
        opened = open_model(model, device="cpu")
        began = time.process_time()
        _WITH_MODEL[job](opened, data)
    seconds = time.process_time() - began
    return 1e3 * seconds / len(data.records), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _mean_peaks(model: Path, root: Path) -> float:
    opened, data = open_model(model, device="cpu"), open_data_set(root, "class-folders")
    rows = [row for batch in predict(opened, data.records) for row in batch]
    return round(statistics.fmean(row.peaks for row in rows if row.peaks is not None), 1)


def _predicted(model: Model, data: DataSet) -> None:
    out = data.root.parent / "table.json"
    deque(predict_to_file(model, data.records, out, classes=data.classes, batch_size=JOB_BATCH, restart=True), maxlen=0)


def _evaluated(model: Model, data: DataSet) -> None:
    evaluation = evaluate(model, data.records, classes=model.classes, batch_size=JOB_BATCH)
    json.dumps(evaluation.to_dict())
    evaluation_text(evaluation)


def _exported(model: Model, data: DataSet) -> None:
    """Write one small panel an image: drawing is measured elsewhere."""
    out = data.root.parent / f"export {data.root.name}"
    style = FigureStyle(panels=("peaks",), dpi=36, single_inches=0.5)
    options = ExportOptions(sheet=False, style=style)
    deque(export(model, data.records, out, options, classes=data.classes), maxlen=0)
    shutil.rmtree(out)


_WITH_MODEL = {"predict": _predicted, "evaluate": _evaluated, "export": _exported}
JOBS = ("open", "audit", *_WITH_MODEL)


def _draw(root: Path, length: int, classes: int, side: int = 96) -> Path:
    """Write images, spread over classes, of which every fortieth differs; the others are links. Return the folder."""
    random = np.random.default_rng(0)
    made: list[Path] = []
    for number in range(length):
        path = root / f"species {number % classes:05}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % 40 == 0:
            noise = Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8))
            noise.resize((side, side * 3 // 4), Image.Resampling.BICUBIC).save(path)
            made.append(path)
        else:
            os.link(made[-1], path)
    return root


def _network(backbone: str, classes: int, size: int, cells: int = 31, window: int = 3) -> S3N:
    sizes = {"input_size": size, "source_size": size, "map_size": cells, "window": window}
    config = NetworkConfig(num_classes=classes, backbone=backbone, **sizes)
    return S3N(config).eval()


def _model(
    path: Path, classes: int = 10, *, backbone: str = "mobilenet_v2", size: int = 64, cells: int = 31, window: int = 3
) -> None:
    """Write a model with random weights, the same for the same backbone and number of classes."""
    torch.manual_seed(0)
    network = _network(backbone, classes, size, cells, window)
    names = tuple(f"species {number:05}" for number in range(classes))
    preprocess = to_json(Preprocess(input_size=size, source_size=size, resize="squash"))
    save_model(path, network, ModelHeader(network=network.config, classes=names, preprocess=preprocess))


if __name__ == "__main__":
    main()
