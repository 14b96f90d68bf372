"""What a process of its own does with many runs: train them as a member of a team, or open their models without a network.

Started as a program, with the run folders as its last arguments: ``train``, by torchrun; or ``open IMAGES ANSWERS``, two files of
tensors.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from s3n_core.method.network import S3N
from s3n_core.models.opening import open_model
from s3n_core.system.distributed import join_team
from s3n_core.training import loop
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.learner import Learner
from s3n_core.training.trainer import Trainer

# What Python raises an audit event for before it happens.
_REACHING_OUT = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")


def train_together(runs: Iterable[Path]) -> None:
    """Train runs one after the other with the other processes of torchrun."""
    team = join_team()
    with in_float64():
        for run in runs:
            for _ in Trainer(run, workers=0, team=team).run():
                pass
    team.leave()


@contextmanager
def in_float64() -> Iterator[None]:
    """Train in float64, without validation.

    Where BatchNorm divides by the small deviations of a network of random weights, the last digit of a float32 becomes the second
    one of a gradient, and sums over two processes round otherwise than those of one.
    """
    tensors = BatchLoader.tensors

    def widened(*arguments: Any) -> Any:
        found = tensors(*arguments)
        return tuple(each.double() if isinstance(each, Tensor) and each.is_floating_point() else each for each in found)

    with patch.object(loop, "Learner", _WideLearner), patch.object(BatchLoader, "tensors", widened):
        yield


class _WideLearner(Learner):
    def __init__(self, *arguments: Any) -> None:
        torch.set_default_dtype(torch.float64)
        try:
            super().__init__(*arguments)
        finally:
            torch.set_default_dtype(torch.float32)


def open_offline(images: Path, answers: Path, runs: Iterable[Path]) -> None:
    """Open the runs' models and write what they make of images; whatever reaches for the network fails."""

    def refuse(event: str, _: object) -> None:
        if event in _REACHING_OUT:
            raise OSError(f"there is no network: {event}")

    sys.addaudithook(refuse)
    seen = load_file(images)["images"]
    save_file({run.name: logits(open_model(run, "cpu").network, seen) for run in runs}, answers)


def logits(network: S3N, images: Tensor) -> Tensor:
    """Return the logits of all heads for images (B, 3, s, s), shape (4, B, C); D and C see each image mirrored.

    Where D and C look depends on comparisons, which the last digit decides in a network of random weights.
    """
    with torch.no_grad():
        output = network.classify(network.look(images), {"D": images.flip(3), "C": images.flip(2)})
    heads = (output.joint, output.original, output.discriminative, output.complementary)
    return torch.stack([head for head in heads if head is not None])


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train_together(map(Path, sys.argv[2:]))
    else:
        open_offline(Path(sys.argv[2]), Path(sys.argv[3]), map(Path, sys.argv[4:]))
