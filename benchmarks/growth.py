"""Benchmark of growth: cost by number of classes, image size, peaks, and images. Random weights.

Run from the checkout: ``python benchmarks/growth.py --threads 1 --processor-time``. The measurements of a table of inference are
interleaved. ``--jobs`` measures whole jobs instead (predict, evaluate, audit, export), in ascending order, in seconds of the
processor: by images, by classes, and by the size of the files. Memory is the peak of the process, which only ever rises, so a job
that needs no more than the one before adds nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

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
from s3n_core.export.job import export
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.model_files import save_model
from s3n_core.models.network_outputs import run_network
from s3n_core.models.opening import Model, open_model
from s3n_core.prediction.job import predict_to_file
from s3n_core.system.json_values import to_json
from s3n_core.system.resources import resource as shipped

CLASSES, SIZE = (10, 200, 10_000), (112, 224, 448)
PEAKS = (0, 1, 10, 100, 961)


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
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    if chosen.jobs:
        _jobs(sorted(chosen.images), chosen.classes)
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
        model = _model(Path(root) / "model.safetensors")
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


def _jobs(lengths: list[int], numbers: list[int]) -> None:
    """Print a table of each kind of growth."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        print(
            f"{machine('cpu')}, mobilenet_v2, 64 px; ms of the processor an image (total s, rise of the peak memory in MB)\n"
        )
        print("| images | predict | evaluate | audit | export, an eighth of them |\n|---:|---|---|---|---|")
        model = _model(folder / "ten.safetensors")
        for number, length in enumerate([lengths[0] // 4, *lengths]):  # the first only warms up
            data = _draw(folder / f"images {number}", length, 10)
            row = [_predicted(model, data), _evaluated(model, data), _audited(data), _exported(model, data)]
            if number:
                print(f"| {length:,} | {' | '.join(row)} |", flush=True)
        print("\n| classes, with as many images | predict | evaluate | audit |\n|---:|---|---|---|")
        for classes in sorted(numbers):
            model = _model(folder / f"{classes}.safetensors", classes)
            data = _draw(folder / f"classes {classes}", classes, classes)
            row = [_predicted(model, data), _evaluated(model, data), _audited(data)]
            print(f"| {classes:,} | {' | '.join(row)} |", flush=True)
        print("\n| side of the files, 40 images | predict | audit | export, an eighth of them |\n|---:|---|---|---|")
        for side in (250, 500, 1000, 2000):
            data = _draw(folder / f"side {side}", 40, 10, side)
            model = _model(folder / "ten.safetensors")
            print(f"| {side} | {_predicted(model, data)} | {_audited(data)} | {_exported(model, data)} |", flush=True)


def _draw(root: Path, length: int, classes: int, side: int = 96) -> DataSet:
    """Write images, spread over classes, of which every fortieth differs; the others are links."""
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
    return open_data_set(root, "class-folders")


def _predicted(model: Model, data: DataSet) -> str:
    out = data.root.parent / "table.json"
    job = partial(predict_to_file, model, data.records, out, classes=data.classes, restart=True)
    return _measured(lambda: deque(job(), maxlen=0), len(data.records))


def _evaluated(model: Model, data: DataSet) -> str:
    def work() -> None:
        evaluation = evaluate(model, data.records, classes=model.classes)
        json.dumps(evaluation.to_dict())
        evaluation_text(evaluation)

    return _measured(work, len(data.records))


def _audited(data: DataSet) -> str:
    return _measured(lambda: audit(data), len(data.records))


def _exported(model: Model, data: DataSet) -> str:
    some = data.records[::8]
    out = data.root.parent / f"export {data.root.name}"
    return _measured(lambda: deque(export(model, some, out, classes=data.classes), maxlen=0), len(some))


def _measured(work: Callable[[], object], images: int) -> str:
    before, memory = time.process_time(), _peak()
    work()
    seconds = time.process_time() - before
    return f"{1e3 * seconds / images:.2f} ({seconds:.1f}, {_peak() - memory:+.0f})"


def _peak() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _network(backbone: str, classes: int, size: int) -> S3N:
    config = NetworkConfig(num_classes=classes, backbone=backbone, input_size=size, source_size=size)
    return S3N(config).eval()


def _model(path: Path, classes: int = 10) -> Model:
    network = _network("mobilenet_v2", classes, 64)
    names = tuple(f"species {number:05}" for number in range(classes))
    preprocess = to_json(Preprocess(input_size=64, source_size=64, resize="squash"))
    save_model(path, network, ModelHeader(network=network.config, classes=names, preprocess=preprocess))
    return open_model(path, device="cpu")


if __name__ == "__main__":
    main()
