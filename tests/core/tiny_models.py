"""Tiny random networks with their headers, and images; nothing here is trained."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from s3n_core.datasets.transforms import Preprocess
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.method.folded_norm import fold_batch_norm
from s3n_core.method.network import S3N
from s3n_core.models.model_files import save_model
from s3n_core.system.json_values import to_json

CLASSES = tuple(f"species {letter}" for letter in "abcdefghijkl")


def tiny_header(preprocess: dict[str, Any] | None = None, **network: Any) -> ModelHeader:
    # The release form adds 3x3 convolutions over all channels, and resnet18 has the fewest channels.
    backbone = "resnet18" if network.get("form") == "release" else "mobilenet_v2"
    values: dict[str, Any] = {"input_size": 64, "source_size": 64, "backbone": backbone} | network
    config = NetworkConfig(num_classes=len(CLASSES), **values)
    sizes = Preprocess(input_size=config.input_size, source_size=config.source_size, resize="squash")
    return ModelHeader(network=config, classes=CLASSES, preprocess=to_json(sizes) | (preprocess or {}))


def tiny_network(config: NetworkConfig) -> S3N:
    """A random network with classifiers scaled to be certain about some images and uncertain about others."""
    torch.manual_seed(0)
    network = S3N(config)
    with torch.no_grad():
        for head in network.heads.values():
            head.classifier.weight.mul_(20)
    return network.eval()


def folded(network: S3N) -> S3N:
    """Return the network as it is after loading from a model file, identical to the last bit."""
    fold_batch_norm(network)
    return network


def drawn_picture(seed: int, size: tuple[int, int] = (120, 80)) -> Image.Image:
    """A smooth random image of (width, height) pixels, with structure at several scales."""
    rng = np.random.default_rng(seed)
    layers = []
    for side in (3, 9, 27):
        noise = Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        layers.append(np.asarray(noise.resize(size, Image.Resampling.BICUBIC), dtype=np.float64))
    mixed = layers[0] * 0.5 + layers[1] * 0.3 + layers[2] * 0.2
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def run_with_checkpoint(folder: Path, header: ModelHeader, name: str) -> Path:
    """Create a run folder with a model file as its checkpoint."""
    path = folder / "checkpoints" / f"{name}.safetensors"
    save_model(path, tiny_network(header.network), header)
    return path


def small_layers() -> nn.Sequential:
    """Two convolutions with BatchNorm: 8 channels, stride 8."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=4, padding=2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
    )
