"""A network out of stored tensors: shapes are compared before memory is taken, and no first weights are drawn in vain."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N

WIDEST = 8  # bytes of the widest stored number


def empty_network(config: NetworkConfig) -> S3N:
    """Build a network without memory for its weights: names and shapes only, until `fill` gives it tensors."""
    with torch.device("meta"):
        return S3N(config)


def most_bytes(network: S3N) -> int:
    """Return the most bytes that the tensors of a network can take in a file."""
    return sum(WIDEST * int(value.numel()) for value in network.state_dict().values())


def misfits(network: S3N, tensors: Mapping[str, Tensor]) -> list[str]:
    """Name, in order, the tensors that are missing, too many, of another shape or of another kind of number."""
    own = network.state_dict()
    both = own.keys() & tensors.keys()
    return sorted((own.keys() ^ tensors.keys()) | {key for key in both if not _fits(own[key], tensors[key])})


def fill(network: S3N, tensors: Mapping[str, Tensor]) -> list[str]:
    """Make tensors without misfits the weights of an empty network, and put it into evaluation mode.

    Args:
        network: What `empty_network` returned.
        tensors: By the network's own names; each becomes the network's, in the type that it needs.

    Returns:
        The names of those that hold NaN or an infinity, in the network's order; such a network is of no use.
    """
    own = network.state_dict()
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in tensors.items()}, assign=True)
    network.eval()
    return not_finite(network)


def not_finite(network: S3N) -> list[str]:
    """Name the tensors of a network that hold NaN or an infinity, in its order."""
    return [key for key, value in network.state_dict().items() if not bool(torch.isfinite(value).all())]


def _fits(own: Tensor, stored: Tensor) -> bool:
    same_kind = own.is_floating_point() == stored.is_floating_point() and not stored.is_complex()
    return own.shape == stored.shape and same_kind
