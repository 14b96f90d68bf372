"""The optimiser and its learning rates: SGD with momentum, one parameter group per role."""

from __future__ import annotations

import torch

from s3n_core.method.configuration import least_radius
from s3n_core.method.network import S3N
from s3n_core.training.recipe import Recipe

UNDECAYED = frozenset({"radius_d", "radius_c", "kernel"})  # scales: weight decay would pull them towards zero


def base_rates(recipe: Recipe) -> dict[str, float]:
    """Return a recipe's initial learning rate for each role of `S3N.parameters_by_role`."""
    return {
        "backbone": recipe.rate_heads if recipe.weights == "none" else recipe.rate_backbone,
        "heads": recipe.rate_heads,
        "radius_d": recipe.rate_radius_d,
        "radius_c": recipe.rate_radius_c,
        "kernel": recipe.rate_kernel,
    }


def build_optimizer(network: S3N, recipe: Recipe) -> torch.optim.SGD:
    """Build the optimiser, with separate learning rates for pre-trained and new parameters (the paper's section 4)."""
    rates = base_rates(recipe)
    groups = [
        {
            "params": parameters,
            "role": role,
            "lr": rates[role],
            "weight_decay": 0.0 if role in UNDECAYED else recipe.weight_decay,
        }
        for role, parameters in network.parameters_by_role().items()
    ]
    return torch.optim.SGD(groups, lr=recipe.rate_backbone, momentum=recipe.momentum)


def set_rates(optimizer: torch.optim.Optimizer, recipe: Recipe, epochs: float) -> dict[str, float]:
    """Set the learning rates for a point of the training.

    Args:
        optimizer: The optimiser from `build_optimizer`.
        recipe: The recipe.
        epochs: Number of epochs done, including the fraction of the current one.

    Returns:
        The learning rates by role.
    """
    factor, rates = recipe.rate_factor(epochs), base_rates(recipe)
    for group in optimizer.param_groups:
        base = rates[group["role"]]
        # A rate that starts below the floor (the radii's) must not be raised to it.
        floored = recipe.schedule == "cosine" and base > recipe.rate_floor and epochs >= recipe.rate_warm_up
        floor = recipe.rate_floor if floored else 0.0
        group["lr"] = floor + (base - floor) * factor
    return {str(group["role"]): float(group["lr"]) for group in optimizer.param_groups}


def hold_radii(network: S3N) -> None:
    """Clamp the radii where beta is at its minimum of half a cell: below it they get no gradient and never recover."""
    least = least_radius(network.config.map_size)
    with torch.no_grad():
        network.sampler.radius_d.clamp_(min=least)
        network.sampler.radius_c.clamp_(min=least)
