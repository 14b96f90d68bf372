"""Benchmark of what makes inference on a CPU faster: memory layout, folded BatchNorm, bfloat16; with the same predictions.

Run from the checkout: ``python benchmarks/cpu_layouts.py``. Networks with random weights take turns, so that other load slows
all of them equally, and must give the same logits of O wherever O is computed in float32. The demo model then predicts drawn
birds that it has not seen in each way: in float32 every class must be the same, and for bfloat16 it says how many classes and
peaks stay as they are. The exit status is 1 if anything differs that must be the same.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from interleaved import cases_of, machine, medians, parser_of, report
from torch import Tensor, nn

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import test_view
from s3n_core.demo.writing import write_drawn_birds
from s3n_core.evaluation.intervals import accuracy_text
from s3n_core.method.branch_norm import separate_statistics
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.folded_norm import fold_batch_norm
from s3n_core.method.network import S3N
from s3n_core.models.device_names import MIXED
from s3n_core.models.devices import autocast, place
from s3n_core.models.model_files import load_model
from s3n_core.models.network_outputs import BatchOutput, run_network
from s3n_core.models.opening import open_model
from s3n_core.models.preprocessing import to_input
from s3n_core.system.memory import keep_freed_memory
from s3n_core.system.resources import resource

DEFAULT = "float32, default layout"
ROUNDING = 1e-3  # of the largest logit, after some fifty layers with random weights
SEED = 4_242  # of the synthetic birds; the demo model learned from others


@dataclass(frozen=True)
class Way:
    """A network prepared in one way.

    Attributes:
        network: In evaluation mode.
        layout: Memory layout of its images.
        precision: Of its layers.
    """

    network: S3N
    layout: torch.memory_format
    precision: str

    def __call__(self, images: Tensor) -> BatchOutput:
        """Predict images (B, 3, S, S)."""
        with self.precise():
            return run_network(self.network, images.contiguous(memory_format=self.layout), sampling="expected")

    def precise(self) -> AbstractContextManager[object]:
        """Return the context of its precision."""
        return autocast("cpu", self.precision)


def main() -> None:
    """Measure, compare and print."""
    parser = parser_of(__doc__, repeats=5)
    parser.add_argument(
        "--birds", type=int, default=8, help="synthetic birds of each of 24 species, to compare predictions"
    )
    chosen = parser.parse_args()
    keep_freed_memory()
    with torch.inference_mode():
        differ = [measure(backbone, size, batch, chosen) for backbone, size, batch in cases_of(chosen)]
        differ.append(compare(chosen))
    sys.exit(1 if any(differ) else 0)


def measure(backbone: str, size: int, batch: int, chosen: argparse.Namespace) -> bool:
    """Print the time of a batch in each way; return whether logits of O differ that must be the same."""
    torch.manual_seed(0)
    images = torch.randn(batch, 3, size, size)
    network = S3N(NetworkConfig(num_classes=chosen.classes, backbone=backbone, input_size=size, source_size=size))
    settle_statistics(network.backbone, images)
    separate = copy.deepcopy(network)
    separate_statistics(separate.backbone)
    separate.eval()
    ways = ways_of(network.eval())
    ways |= {
        "the same, statistics per branch": placed(separate),
        "the same, statistics per branch, folded": placed(separate, folded=True),
    }
    works: Mapping[str, Callable[[], object]] = {name: partial(way, images) for name, way in ways.items()}
    seconds = medians(works, repeats=chosen.repeats, warm_up=1, processor_time=chosen.processor_time)
    report(f"{backbone}, {size} px, batch {batch}; {machine('cpu')}", seconds, DEFAULT)
    wanted = ways[DEFAULT](images).output.original
    off = {
        name: float((way(images).output.original - wanted).abs().max() / wanted.abs().max())
        for name, way in ways.items()
        if way.precision in ("float32", MIXED)
    }
    worst = max(off, key=lambda name: off[name])
    print(f"  where O is in float32, its logits differ by {off[worst]:.1e} of the largest at most ({worst})")
    return not all(value <= ROUNDING for value in off.values())


def settle_statistics(backbone: nn.Module, images: Tensor) -> None:
    """Give random layers the BatchNorm statistics of some images, else values vanish or grow from layer to layer."""
    for layer in backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    backbone.train()(images)


def ways_of(network: S3N) -> dict[str, Way]:
    """Return a network in each way; the program opens models as the third."""
    return {
        DEFAULT: Way(copy.deepcopy(network), torch.contiguous_format, "float32"),
        "float32, channels last": placed(network),
        "float32, channels last, folded": placed(network, folded=True),
        "O float32, D and C bfloat16": placed(network, folded=True, precision=MIXED),
        "bfloat16": placed(network, precision="bfloat16"),
        "bfloat16, folded": placed(network, folded=True, precision="bfloat16"),
    }


def placed(network: S3N, *, folded: bool = False, precision: str = "float32") -> Way:
    """Return a copy of a network in channels-last layout."""
    own = copy.deepcopy(network)
    if folded:
        fold_batch_norm(own)
    place(own, "cpu")
    return Way(own, torch.channels_last, precision)


def compare(chosen: argparse.Namespace) -> bool:
    """Predict synthetic birds in each way; return whether a class differs in float32."""
    file = resource("demo/model.safetensors")
    network, header = load_model(file)
    ways, preprocess = ways_of(network.eval()), open_model(file, "cpu").preprocess
    with tempfile.TemporaryDirectory() as folder:
        write_drawn_birds(
            Path(folder) / "birds", species=24, train_per_species=1, test_per_species=chosen.birds, seed=SEED
        )
        data = open_data_set(Path(folder) / "birds")
        records = [record for record in data.records if record.split == "test"]
        views = [test_view(read_image(record.path), preprocess) for record in records]
    found: dict[str, list[BatchOutput]] = {name: [] for name in ways}
    for start in range(0, len(views), 8):
        images = to_input(np.stack(views[start : start + 8]), "cpu")
        for name, way in ways.items():
            found[name].append(way(images))
    truth = torch.tensor([header.classes.index(data.classes[record.label or 0]) for record in records])
    classes = {name: torch.cat([one.output.prediction.argmax(dim=1) for one in found[name]]) for name in ways}
    peaks = {name: torch.cat([one.peak_map.bool() for one in found[name]]) for name in ways}
    wanted, places, differ = classes[DEFAULT], peaks[DEFAULT], False
    print(f"demo model, {len(records)} synthetic birds; the same class and peaks as in {DEFAULT}")
    for name in ways:
        same = int((classes[name] == wanted).sum())
        kept = int((peaks[name] & places).sum()) / max(int(places.sum()), 1)
        right = accuracy_text(int((classes[name] == truth).sum()), len(truth))
        print(f"  {name:<46} class {same} of {len(truth)}, peaks {kept:6.1%}, correct {right}")
        differ |= ways[name].precision == "float32" and same < len(truth)
    return differ


if __name__ == "__main__":
    main()
