"""Building a network from stored tensors: shapes are checked before memory is allocated, and nothing is initialised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from s3n_core.method.branch_norm import BRANCHES, BranchBatchNorm1d
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N

WIDEST = 8  # bytes per element of the widest stored type


def empty_network(config: NetworkConfig) -> S3N:
    """Build a network with names and shapes but no memory for its weights, until `fill` assigns tensors."""
    with torch.device("meta"), _NothingIsDrawn():
        return S3N(config)


class _NothingIsDrawn(TorchFunctionMode):
    """Leaves out the random numbers of an initialisation: they would be replaced, and on "meta" load torch's compiler."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func in (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_):
            return args[0] if args else named["tensor"]
        if func in (Tensor.normal_, Tensor.uniform_):
            return args[0].zero_()  # within any limits: an initialisation may draw again until it is
        return func(*args, **named)


def most_bytes(network: S3N) -> int:
    """Return the maximum size of a network's tensors in a file, in bytes."""
    return sum(WIDEST * int(value.numel()) for value in network.state_dict().values())


def misfits(network: S3N, tensors: Mapping[str, Tensor]) -> list[str]:
    """Return, in order, the names of tensors that are missing, superfluous, or of the wrong shape or kind of type."""
    own = network.state_dict()
    both = own.keys() & tensors.keys()
    return sorted((own.keys() ^ tensors.keys()) | {key for key in both if not _fits(own[key], tensors[key])})


def completed(network: S3N, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return tensors with what files of earlier versions lack: there, the BatchNorm of tokens had one set of statistics for all
    branches even where that of maps had one for each.
    """
    added: dict[str, Tensor] = {}
    for name, layer in network.named_modules():
        if isinstance(layer, BranchBatchNorm1d):
            for branch in BRANCHES[1:]:
                for own, common in (
                    ("mean", "running_mean"),
                    ("var", "running_var"),
                    ("batches", "num_batches_tracked"),
                ):
                    if f"{name}.{common}" in tensors:
                        added[f"{name}.{own}_{branch}"] = tensors[f"{name}.{common}"].clone()
    return tensors if added.keys() & tensors.keys() else {**added, **tensors}


def fill(network: S3N, tensors: Mapping[str, Tensor]) -> list[str]:
    """Assign tensors (without `misfits`) to an empty network, and put it into evaluation mode.

    Args:
        network: The result of `empty_network`.
        tensors: Tensors by the network's own names; converted to the network's types.

    Returns:
        The names of tensors that hold NaN or infinity, in the network's order; such a network is unusable.
    """
    own = network.state_dict()
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in tensors.items()}, assign=True)
    network.eval()
    return not_finite(network)


def not_finite(network: S3N) -> list[str]:
    """Return the names of a network's tensors that hold NaN or infinity, in its order."""
    return [key for key, value in network.state_dict().items() if not bool(torch.isfinite(value).all())]


def _fits(own: Tensor, stored: Tensor) -> bool:
    same_kind = own.is_floating_point() == stored.is_floating_point() and not stored.is_complex()
    return own.shape == stored.shape and same_kind
