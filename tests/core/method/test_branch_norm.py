import torch
from tiny_models import small_layers
from torch import nn

from s3n_core.method.branch_norm import BranchBatchNorm1d, BranchBatchNorm2d, separate_statistics, statistics_of


def _layers() -> tuple[nn.Sequential, list[BranchBatchNorm2d]]:
    layers = small_layers()
    separate_statistics(layers)
    return layers, [layer for layer in layers if isinstance(layer, BranchBatchNorm2d)]


def test_each_branch_keeps_its_own_statistics() -> None:
    layers, norms = _layers()
    assert len(norms) == 2
    start = norms[0].running_mean.clone()
    for branch, level in (("O", 0.0), ("D", 5.0), ("C", -5.0)):
        with statistics_of(layers, branch):
            layers(torch.rand(4, 3, 32, 32) + level)
    means = [norms[0].running_mean, norms[0].mean_D, norms[0].mean_C]
    assert all(not torch.equal(mean, start) for mean in means)
    assert all(not torch.allclose(means[i], means[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert norms[0].branch == "O"


def test_each_branch_is_normalised_as_by_a_layer_of_its_own() -> None:
    _, norms = _layers()
    lone = nn.BatchNorm2d(8)
    images = torch.rand(4, 8, 6, 6)
    norms[0].branch = "D"
    for _ in range(3):
        assert torch.allclose(norms[0](images), lone(images))
    norms[0].eval(), lone.eval()
    assert torch.allclose(norms[0](images), lone(images))
    assert torch.allclose(norms[0].mean_D, lone.running_mean)


def test_a_recalibration_takes_the_mean_over_all_batches_for_every_branch() -> None:
    _, norms = _layers()
    norm, lone = norms[0], nn.BatchNorm2d(8, momentum=None)
    norm.momentum = None
    norm.branch = "C"
    norm(torch.rand(4, 8, 6, 6) + 9)
    norm.reset_running_stats()
    assert float(norm.mean_C.abs().max()) == 0
    for _ in range(3):
        images = torch.rand(4, 8, 6, 6)
        norm(images), lone(images)
    assert torch.allclose(norm.mean_C, lone.running_mean)
    assert torch.allclose(norm.var_C, lone.running_var)


def test_the_branch_is_put_back_after_an_error() -> None:
    layers, norms = _layers()
    try:
        with statistics_of(layers, "C"):
            raise RuntimeError
    except RuntimeError:
        pass
    assert {norm.branch for norm in norms} == {"O"}


def test_norms_of_tokens_have_statistics_per_branch_too() -> None:
    layers = nn.Sequential(nn.BatchNorm1d(3))
    separate_statistics(layers)
    norm = layers[0]
    assert isinstance(norm, BranchBatchNorm1d)
    with statistics_of(layers, "D"):
        layers(torch.rand(8, 3) + 5)
    assert float(norm.mean_D.min()) > 0.4
    assert torch.equal(norm.running_mean, torch.zeros(3))
