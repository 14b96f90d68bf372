"""Benchmark of `s3n predict` on JPEG files, relative to the bare network on the same tensors already in memory.

Run from the checkout: ``python benchmarks/predict_files.py --images 2000``. The files are synthetic birds, written for
the benchmark. The first time includes decoding, scaling, rows and the table, the second only the network. They
alternate on pieces of the folder, so that other load slows both equally.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import test_view
from s3n_core.models.batches import default_batch_size
from s3n_core.models.network_outputs import run_network
from s3n_core.models.opening import open_model
from s3n_core.models.preprocessing import to_input
from s3n_core.prediction.job import predict_to_file
from s3n_core.system.resources import resource


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=2000)
    options.add_argument("--pieces", type=int, default=5)
    options.add_argument("--model", type=Path, default=None, help="else the demo model")
    options.add_argument("--side", type=int, default=500, help="long side of the JPEG files")
    options.add_argument("--threads", type=int, default=0, help="of the network; 0: torch's own choice")
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    model = open_model(chosen.model or resource("demo/model.safetensors"), device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        files = _write_files(Path(folder), chosen.images, chosen.side)
        ratios = []
        for number in range(chosen.pieces):
            piece = files[number :: chosen.pieces]
            views = np.stack(
                [test_view(read_image(record.path, banner=record.banner), model.preprocess) for record in piece]
            )
            bare = _bare(model, views)
            whole = _whole(model, piece, Path(folder) / f"table-{number}.csv")
            ratios.append(whole / bare)
            print(f"{len(piece)} images: network {bare:.2f} s, predict {whole:.2f} s, ratio {whole / bare:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f} ({torch.get_num_threads()} threads of the network)")


def _write_files(folder: Path, count: int, side: int) -> list:
    originals = [record.path for record in open_data_set(resource("demo/images")).records]
    (folder / "images").mkdir()
    for number in range(count):
        picture = read_image(originals[number % len(originals)])
        scale = side / max(picture.size)
        picture = picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC
        )
        picture.save(folder / "images" / f"{number:05}.jpg", quality=90)
    return list(open_data_set(folder / "images", "images").records)


def _bare(model, views: np.ndarray) -> float:
    size = default_batch_size(model.device)
    began = time.perf_counter()
    with torch.inference_mode(), model.autocast():
        for start in range(0, len(views), size):
            run_network(model.network, to_input(views[start : start + size], model.device), sampling=model.sampling)
    return time.perf_counter() - began


def _whole(model, records: list, out: Path) -> float:
    began = time.perf_counter()
    for _ in predict_to_file(model, records, out):
        pass
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
