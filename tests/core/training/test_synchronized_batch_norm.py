"""BatchNorm over two processes equals BatchNorm over the images of both: outputs, gradients, running statistics."""

import subprocess
import sys

import pytest
import torch
from tiny_training import CHECKOUT

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.system.distributed import ALONE
from s3n_core.training.synchronized_batch_norm import share_statistics

TWO_PROCESSES = """
import os, socket, sys
import torch
from torch import nn
from s3n_core.system.distributed import ALONE, join_team
from s3n_core.method.branch_norm import BranchBatchNorm1d, BranchBatchNorm2d
from s3n_core.training.synchronized_batch_norm import share_statistics

torch.set_num_threads(1)
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1]), "WORLD_SIZE": "2"}
child = os.fork()
os.environ["RANK"] = "1" if child == 0 else "0"
team = join_team()


class Layers(nn.Module):
    def __init__(self, plain, branch):
        super().__init__()
        torch.manual_seed(0)
        self.plain = plain(3)
        self.branch = branch(plain(3))
        self.branch.branch = "D"
        self.config = type("Config", (), {"batch_norm": "separate"})
        with torch.no_grad():
            for value in self.parameters():
                value.uniform_(0.5, 2.0)
        self.double()

    def forward(self, images):
        return self.branch(self.plain(images).square())


def learn(layers, images, aims, silent=False):
    images = images.clone().requires_grad_()
    loss = ((layers(images) - aims) ** 3).sum() * (0 if silent else 1)
    loss.backward()
    gradients = [value.grad for value in layers.parameters()]
    return images.grad, gradients


generator = torch.Generator().manual_seed(1)
for kinds, shape in (
    ((nn.BatchNorm2d, BranchBatchNorm2d), (5, 3, 4, 4)),
    ((nn.BatchNorm1d, BranchBatchNorm1d), (5, 3, 7)),
    ((nn.BatchNorm1d, BranchBatchNorm1d), (5, 3)),
):
    images, aims = (torch.randn(*shape, generator=generator, dtype=torch.float64) * 3 + 2 for _ in range(2))
    whole = Layers(*kinds)
    by_image, by_weight = learn(whole, images, aims)

    # Three images here and two there; then all of them in one process, beside a black one in the other that does not count.
    two = (slice(0, 3), False) if team.leads else (slice(3, 5), False)
    one = (slice(0, 5), False) if team.leads else (slice(0, 1), True)
    for ours, blank in (two, one):
        layers = Layers(*kinds)
        shared = share_statistics(layers, team)
        assert shared.learned
        shared.silent = blank
        mine, weights = learn(layers, images[ours] * (not blank), aims[ours], silent=blank)
        team.add(weights)
        if blank:
            assert float(mine.abs().max()) == 0
        else:
            torch.testing.assert_close(mine, by_image[ours])
        for got, expected in zip(weights, by_weight):
            torch.testing.assert_close(got, expected)
        for (name, got), expected in zip(layers.named_buffers(), whole.buffers()):
            torch.testing.assert_close(got, expected, msg=name)
team.leave()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_two_processes_normalise_as_one() -> None:
    assert torch.distributed.is_available()
    done = subprocess.run(
        [sys.executable, "-c", TWO_PROCESSES], cwd=CHECKOUT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(("form", "learned"), [("paper", False), ("release", True)])
def test_a_frozen_backbone_learns_no_statistics(form: str, learned: bool) -> None:
    """The release form has layers of its own behind the backbone."""
    choices = {"backbone": "mobilenet_v2", "input_size": 64, "source_size": 64, "form": form, "num_classes": 2}
    network = S3N(NetworkConfig.model_validate(choices))
    assert share_statistics(network, ALONE).learned
    assert share_statistics(network, ALONE, frozen=True).learned == learned
