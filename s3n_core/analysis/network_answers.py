"""One pass of the network over a batch, with the few numbers that tables and tallies want beside its logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from s3n_core.method.configuration import NetworkConfig, Sampling
from s3n_core.method.network import S3N, S3NOutput
from s3n_core.method.sampler import Response
from s3n_core.seeding import peak_draws

DRAW_SEED = 0
"""Key of the draws outside training: the same image is always drawn the same, in every batch and in every job."""


@dataclass(frozen=True)
class Answer:
    """What the network says about a batch; tensors stay on their device.

    Attributes:
        output: The logits, without the trace.
        entropy: H of Eq. 2 in nats, float, shape (B,).
        sure: H <= delta, bool, shape (B,).
        peaks: Number of peaks, int64, shape (B,).
        peak_map: Where they are, bool, shape (B, H, W).
        response: R, shape (B, H, W), in [0, 1].
        weight_d: Membership of each cell's peak in T_d, in [0, 1], shape (B, H, W).
        weight_c: The same for T_c.
    """

    output: S3NOutput
    entropy: Tensor
    sure: Tensor
    peaks: Tensor
    peak_map: Tensor
    response: Tensor
    weight_d: Tensor
    weight_c: Tensor

    @classmethod
    def of(cls, output: S3NOutput, response: Response, weight_d: Tensor, weight_c: Tensor) -> Answer:
        """Keep of a pass what a table needs, and let go of the classes' maps and warped images."""
        return cls(
            output=S3NOutput(output.joint, output.original, output.discriminative, output.complementary),
            entropy=response.entropy,
            sure=response.sure,
            peaks=response.peaks.sum(dim=(1, 2)),
            peak_map=response.peaks,
            response=response.response,
            weight_d=weight_d,
            weight_c=weight_c,
        )


def answer(network: S3N, images: Tensor, *, sampling: Sampling, draws: Tensor | None = None) -> Answer:
    """Run the network on a batch; the caller chooses autocast and gradients.

    Args:
        network: The network, in evaluation mode for an answer that does not depend on the batch.
        images: Shape (B, 3, S, S), normalised.
        sampling: How the peaks are divided.
        draws: zeta of Eq. 4, shape (B, H, W), in [0, 1), where the mode or the control needs draws (`draws_for`).

    Returns:
        The answer, on the images' device.
    """
    if network.joint is not None:
        output = network(images, sampling=sampling, draws=draws, trace=True)
        samples = output.trace.samples
        return Answer.of(output, output.trace.response, samples.weight_d, samples.weight_c)
    # O alone: its peaks are counted, but nothing is warped, which would be most of the work.
    head = network.head("O")
    features = network.features(network.network_view(images), "O")
    _, logits = head(features)
    response = network.sampler.respond(features, head.classifier.weight, head.classifier.bias, logits)
    weights = network.sampler.choose(response.peaks, response.response, sampling, draws)
    return Answer.of(S3NOutput(None, logits, None, None), response, *weights)


def draws_for(
    config: NetworkConfig, sampling: Sampling, names: Sequence[str], device: str | torch.device
) -> Tensor | None:
    """Return the draws that a batch needs, keyed by the samples' names; None where nothing is drawn.

    Args:
        config: The network's choices.
        sampling: How the peaks are divided.
        names: The samples' names.
        device: Where the draws are needed.

    Returns:
        Uniform draws in [0, 1), float32, shape (B, H, W), or None.
    """
    if sampling not in ("random", "coin") and config.control != "random_places":
        return None
    return torch.from_numpy(peak_draws(DRAW_SEED, 0, names, config.map_size)).to(device)


def rule_names(config: NetworkConfig) -> tuple[str, str]:
    """Return the names of Eq. 3's two rules for a network: where it is unsure (H > delta), and where it is sure."""
    if config.attention == "saliency":
        return "saliency", "saliency"
    return f"top-{config.merged_classes}", "top-1"
