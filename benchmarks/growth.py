"""Benchmark of inference: cost by number of classes, image size, peaks, and images in a folder. Random weights.

Run from the checkout: ``python benchmarks/growth.py --threads 1``. The measurements of a table are interleaved. Memory is the
peak of the process after predicting folders of increasing size into tables, measured first, so that no larger peak hides it.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from interleaved import machine, medians, report

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import Preprocess
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
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    if chosen.images:  # first, since the peak memory for large images would hide it
        _folders(sorted(chosen.images))
    shape = f"{chosen.backbone}, batch {chosen.batch}; {machine('cpu')}"
    with torch.inference_mode():
        works = {f"{classes} classes": _pass(chosen.backbone, chosen.batch, classes, 224) for classes in CLASSES}
        report(f"Classes, 224 px; {shape}", medians(works, repeats=chosen.repeats), f"{CLASSES[0]} classes")
        works = {f"{size} px": _pass(chosen.backbone, chosen.batch, 200, size) for size in SIZE}
        works |= {f"{size} px, three bare passes": _bare(chosen.backbone, chosen.batch, size) for size in SIZE}
        report(f"Image size, 200 classes; {shape}", medians(works, repeats=chosen.repeats), f"{SIZE[0]} px")
        works = _peaks(chosen.backbone, chosen.batch)
        report(
            f"Peaks, sampler alone, a cell each; {shape}", medians(works, repeats=chosen.repeats), f"{PEAKS[0]} peaks"
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


def _network(backbone: str, classes: int, size: int) -> S3N:
    config = NetworkConfig(num_classes=classes, backbone=backbone, input_size=size, source_size=size)
    return S3N(config).eval()


def _model(path: Path) -> Model:
    network = _network("mobilenet_v2", 10, 64)
    names = tuple(f"class {number}" for number in range(10))
    preprocess = to_json(Preprocess(input_size=64, source_size=64, resize="squash"))
    save_model(path, network, ModelHeader(network=network.config, classes=names, preprocess=preprocess))
    return open_model(path, device="cpu")


if __name__ == "__main__":
    main()
