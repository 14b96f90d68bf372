"""Benchmark of building an atlas: time, memory and size by number of images. Random weights, small images, caches off.

Run from the checkout: ``python benchmarks/atlas_growth.py --images 1000 10000 100000``. Each folder holds a thousand different
small pictures, each linked as often as needed; every file is decoded and run. Each atlas is built in its own process, so that
its peak memory is its own. Processor time is counted, so that other programs on the machine matter little.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from interleaved import machine
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import Preprocess
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.model_files import save_model
from s3n_core.models.opening import open_model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.building import build_atlas
from s3n_core.system.json_values import to_json
from s3n_core.system.resources import resource as shipped

SIDE, DIFFERENT, CLASSES = 64, 1000, 20
WARM_UP = 200


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--images", type=int, nargs="*", default=[1000, 10_000], help="numbers of images")
    options.add_argument("--parts", type=int, default=20, help="number of parts; 0: suggested")
    chosen = options.parse_args()
    print(f"Building an atlas, mobilenet_v2, {SIDE} px, one thread; {machine('cpu')}")
    print(f"{'images':>8} {'peaks':>9} {'collect':>12} {'per image':>10} {'cluster':>9} {'memory':>9} {'atlas':>9}")
    with tempfile.TemporaryDirectory() as root:
        _pictures(Path(root))
        _model(Path(root) / "model.safetensors")
        for length in [WARM_UP, *sorted(chosen.images)]:  # the first one only warms up the file system
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                line = pool.apply(_build, (Path(root), length, chosen.parts or None))
            if length != WARM_UP:
                print(line, flush=True)


def _build(root: Path, length: int, parts: int | None) -> str:
    torch.set_num_threads(1)
    folder, out = root / f"images-{length}", root / f"atlas-{length}"
    for number in range(length):
        place = folder / f"class {number % CLASSES:02}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(root / "pictures" / f"{number % DIFFERENT}.jpg", place / f"{number:06}.jpg")
    data_set = open_data_set(folder, "class-folders")
    model = open_model(root / "model.safetensors", device="cpu")
    began = collected = time.process_time()
    for step in build_atlas(model, data_set, data_set.records, out, split="all", parts=parts, workers=1):
        if step.done < step.total:
            collected = time.process_time()
    ended = time.process_time()
    peaks = sum(summary.peaks for summary in Atlas(out).summaries())
    size = sum(file.stat().st_size for file in out.iterdir())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{length:>8} {peaks:>9} {collected - began:>10.1f} s {1e3 * (collected - began) / length:>7.2f} ms "
        f"{ended - collected:>7.1f} s {memory:>6.0f} MB {size / 1e6:>6.1f} MB"
    )


def _pictures(root: Path) -> None:
    """Write different pictures: pieces of synthetic birds with noise."""
    (root / "pictures").mkdir()
    birds = [read_image(record.path) for record in open_data_set(shipped("demo/images")).records]
    generator = np.random.default_rng(0)
    for number in range(DIFFERENT):
        bird = birds[number % len(birds)]
        x, y = (int(generator.integers(0, side // 2)) for side in bird.size)
        piece = np.asarray(
            bird.crop((x, y, x + bird.width // 2, y + bird.height // 2)).resize((96, 72)), dtype=np.int16
        )
        noisy = (piece + generator.normal(0, 12, piece.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(root / "pictures" / f"{number}.jpg")


def _model(path: Path) -> None:
    torch.manual_seed(0)
    config = NetworkConfig(num_classes=CLASSES, backbone="mobilenet_v2", input_size=SIDE, source_size=SIDE)
    names = tuple(f"class {number:02}" for number in range(CLASSES))
    preprocess = to_json(Preprocess(input_size=SIDE, source_size=SIDE, resize="squash"))
    save_model(path, S3N(config).eval(), ModelHeader(network=config, classes=names, preprocess=preprocess))


if __name__ == "__main__":
    main()
