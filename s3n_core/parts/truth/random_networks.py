"""Networks with random weights in place of the learnt ones, for asking whether an explanation depends on them."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from s3n_core.models.opening import Model
from s3n_core.system.seeding import keyed_generator


def randomised(model: Model, *, backbone: bool = False, seed: int = 0) -> Model:
    """Return a model whose heads (R's own among them), or heads and backbone, have random weights (Adebayo et al., NeurIPS 2018).

    Weights are normal with variance 2 / (inputs of a unit), which keeps activations finite; biases are 0 and scales 1. The
    given model does not change.

    Args:
        model: The trained model.
        backbone: Whether the backbone is randomised as well.
        seed: Seed of the weights.
    """
    network = deepcopy(model.network)
    modules: list[nn.Module | None] = [
        network.heads,
        network.joint,
        network.backbone if backbone else None,
        network.side,
    ]
    with torch.no_grad():
        for part, module in enumerate(modules):
            if module is None:
                continue
            for name, parameter in module.named_parameters():
                if parameter.ndim < 2:
                    parameter.fill_(0.0 if name.endswith("bias") else 1.0)
                    continue
                generator = keyed_generator(seed, "random network", part, name)
                drawn = generator.standard_normal(tuple(parameter.shape), dtype="float32")
                inputs = parameter.numel() // parameter.shape[0]
                parameter.copy_(torch.from_numpy(drawn) * math.sqrt(2 / inputs))
    return replace(model, network=network)
