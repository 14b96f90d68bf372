"""Benchmark of `s3n predict` on JPEG files, relative to the bare network on the same tensors already in memory.

Run from the checkout: ``python benchmarks/predict_files.py --images 2000``. The files are synthetic birds, written for
the benchmark. The first time includes decoding, scaling, rows and the table, the second only the network. They
alternate on pieces of the folder, so that other load slows both equally. The class in every row of the tables must be that of
the bare network; another one may stand there only if float32 does not tell the two apart.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.models.batches import default_batch_size
from s3n_core.models.network_outputs import run_network
from s3n_core.models.opening import Model, open_model
from s3n_core.models.preprocessing import to_input
from s3n_core.prediction.job import predict_to_file
from s3n_core.system.resources import resource

ROUNDING = 1e-4
"""Of the largest logit of an image: logits that differ by less are equal in float32 after some fifty layers."""


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
        ratios, same, wrong = [], 0, 0
        for number in range(chosen.pieces):
            piece = files[number :: chosen.pieces]
            views = np.stack(
                [test_view(read_image(record.path, banner=record.banner), model.preprocess) for record in piece]
            )
            bare, logits = _bare(model, views)
            whole, rows = _whole(model, piece, Path(folder) / f"table-{number}.csv")
            if [row["file"] for row in rows] != [record.name for record in piece]:
                raise SystemExit("the table does not have one row for each image, in their order")
            expected = logits.argmax(dim=1)
            predicted = torch.tensor([model.classes.index(row["class"]) for row in rows])
            behind = logits.amax(dim=1) - logits.gather(1, predicted[:, None])[:, 0]
            same += int((predicted == expected).sum())
            wrong += int((behind > ROUNDING * logits.abs().amax(dim=1)).sum())
            ratios.append(whole / bare)
            print(f"{len(piece)} images: network {bare:.2f} s, predict {whole:.2f} s, ratio {whole / bare:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f} ({torch.get_num_threads()} threads of the network)")
    print(f"the same class for {same} of {len(files)} images, another one beyond float32's rounding for {wrong}")
    if wrong:
        raise SystemExit("predict and the bare network do not give the same classes")


def _write_files(folder: Path, count: int, side: int) -> list[ImageRecord]:
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


def _bare(model: Model, views: np.ndarray) -> tuple[float, Tensor]:
    """Return the seconds and the joint logits (N, C)."""
    size = default_batch_size(model.device)
    began = time.perf_counter()
    with torch.inference_mode(), model.autocast():
        outputs = [
            run_network(model.network, to_input(views[start : start + size], model.device), sampling=model.sampling)
            for start in range(0, len(views), size)
        ]
    seconds = time.perf_counter() - began
    return seconds, torch.cat([one.output.prediction for one in outputs])


def _whole(model: Model, records: Sequence[ImageRecord], out: Path) -> tuple[float, list[dict[str, str]]]:
    """Return the seconds and the rows of the table."""
    began = time.perf_counter()
    for _ in predict_to_file(model, records, out):
        pass
    seconds = time.perf_counter() - began
    with out.open(newline="", encoding="utf-8") as file:
        return seconds, list(csv.DictReader(file))


if __name__ == "__main__":
    main()
