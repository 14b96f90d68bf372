"""A model file with random weights, images, and settings for a very short training run."""

from pathlib import Path

import numpy as np
from PIL import Image

from s3n_core.system.json_values import to_json

SMALL_TRAINING: dict[str, object] = {
    "weights": "none",
    "network.input_size": 64,
    "network.source_size": 64,
    "batch_size": 4,
    "validation": 0.34,
    "probes": 1,
}
"""Settings with which an epoch on a dozen such images takes moments."""


def save_random_model(path: Path, *, side: int = 64, classes: int = 12, backbone: str = "mobilenet_v2") -> Path:
    """Write the file of an untrained model that is certain about some images and uncertain about others."""
    import torch
    import torch.nn.functional as F
    from torch.nn import BatchNorm2d

    from s3n_core.datasets.transforms import Preprocess
    from s3n_core.method.configuration import ModelHeader, NetworkConfig
    from s3n_core.method.network import S3N
    from s3n_core.models.model_files import save_model

    torch.manual_seed(0)
    config = NetworkConfig.model_validate(
        {"input_size": side, "source_size": side, "backbone": backbone, "num_classes": classes}
    )
    network = S3N(config)
    pictures = F.interpolate(torch.randn(8, 3, 9, 9), size=(side, side), mode="bicubic")
    for layer in network.modules():
        if isinstance(layer, BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train()(pictures)  # with initial statistics, all images would get the same prediction
        network.eval()
        for head in network.heads.values():
            head.classifier.weight.mul_(20)
    preprocess = to_json(Preprocess(input_size=side, source_size=side, resize="squash"))
    names = tuple(f"species {index + 1}" for index in range(classes))
    save_model(path, network, ModelHeader(network=config, classes=names, preprocess=preprocess))
    return path


def save_picture(path: Path, seed: int, size: tuple[int, int] = (120, 80)) -> Path:
    """Write a smooth random image of (width, height) pixels."""
    rng = np.random.default_rng(seed)
    noise = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    noise.resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return path
