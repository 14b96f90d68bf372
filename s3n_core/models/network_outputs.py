"""One forward pass over a batch: the logits, and the few values that tables and figures need in addition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from s3n_core.datasets.loading import Batch
from s3n_core.errors import DataSetError
from s3n_core.method.configuration import NetworkConfig, Sampling
from s3n_core.method.network import S3N, Look, S3NOutput
from s3n_core.method.sampler import Response
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input
from s3n_core.system.seeding import peak_draws

DRAW_SEED = 0
"""Seed of the draws outside training: an image gets the same draws in every batch and job."""


@dataclass(frozen=True)
class BatchOutput:
    """The network's output for a batch; tensors stay on their device.

    Attributes:
        output: The logits, without the trace.
        entropy: H of Eq. 2 in nats, float, shape (B,).
        sure: Whether H <= delta, bool, shape (B,).
        peaks: Number of peaks, int64, shape (B,).
        peak_map: The peaks T, bool, shape (B, H, W).
        response: R, shape (B, H, W), in [0, 1].
        weight_d: Membership of each cell's peak in T_d, in [0, 1], shape (B, H, W).
        weight_c: The same for T_c.
        stopped: Which images stopped after O, bool, shape (B,); None if none may stop. Their joint logits are O's, and
            those of D and C are NaN.
    """

    output: S3NOutput
    entropy: Tensor
    sure: Tensor
    peaks: Tensor
    peak_map: Tensor
    response: Tensor
    weight_d: Tensor
    weight_c: Tensor
    stopped: Tensor | None = None

    @classmethod
    def of_traced(cls, output: S3NOutput) -> BatchOutput:
        """Keep what a table needs of a traced pass."""
        assert output.trace is not None
        samples = output.trace.samples
        return cls.of(output, output.trace.response, samples.weight_d, samples.weight_c)

    @classmethod
    def of(cls, output: S3NOutput, response: Response, weight_d: Tensor, weight_c: Tensor) -> BatchOutput:
        """Keep what a table needs of a pass; class maps and warped images are dropped."""
        return cls(
            output=replace(output, trace=None),
            entropy=response.entropy,
            sure=response.sure,
            peaks=response.peaks.sum(dim=(1, 2)),
            peak_map=response.peaks,
            response=response.response,
            weight_d=weight_d,
            weight_c=weight_c,
        )

    def replaced(self, places: Tensor, others: BatchOutput) -> BatchOutput:
        """Return a copy in which the outputs at N positions, int64 of shape (N,), are replaced by ``others``."""

        def mixed(own: Tensor, other: Tensor) -> Tensor:
            return own.index_copy(0, places, other)

        def mixed_logits(own: Tensor | None, other: Tensor | None) -> Tensor | None:
            return None if own is None or other is None else mixed(own, other)

        return BatchOutput(
            output=S3NOutput(
                mixed_logits(self.output.joint, others.output.joint),
                self.output.original,
                mixed_logits(self.output.discriminative, others.output.discriminative),
                mixed_logits(self.output.complementary, others.output.complementary),
                side=self.output.side,
            ),
            entropy=self.entropy,
            sure=self.sure,
            peaks=mixed(self.peaks, others.peaks),
            peak_map=mixed(self.peak_map, others.peak_map),
            response=mixed(self.response, others.response),
            weight_d=mixed(self.weight_d, others.weight_d),
            weight_c=mixed(self.weight_c, others.weight_c),
            stopped=self.stopped,
        )


def run_batch(model: Model, batch: Batch, *, stop_below: float | None = None) -> BatchOutput:
    """Run a model on a loaded batch, with draws keyed by the image names; see `run_network`."""
    images, draws = network_inputs(model, batch)
    return run_network(model.network, images, sampling=model.sampling, draws=draws, stop_below=stop_below)


def network_inputs(model: Model, batch: Batch) -> tuple[Tensor, Tensor | None]:
    """Return a batch as input (B, 3, S, S), and the draws that it needs, (B, H, W) or None, on the model's device."""
    draws = draws_for(model.network.config, model.sampling, batch.names, model.device)
    return to_input(batch.images, model.device), draws


def run_network(
    network: S3N, images: Tensor, *, sampling: Sampling, draws: Tensor | None = None, stop_below: float | None = None
) -> BatchOutput:
    """Run a network on a batch; the caller sets up autocast and gradients.

    Args:
        network: The network; in evaluation mode, or else the outputs depend on the rest of the batch.
        images: Shape (B, 3, S, S), normalised.
        sampling: How the peaks are assigned.
        draws: zeta of Eq. 4, shape (B, H, W), in [0, 1), if the mode or the control needs draws (`draws_for`).
        stop_below: Images with H (nats) up to this value stop after O (see `require_cascade`); None stops none.

    Returns:
        The output, on the device of ``images``.
    """
    look = network.look(images)
    if network.joint is not None and stop_below is None:
        return BatchOutput.of_traced(network.finish(look, sampling=sampling, draws=draws, trace=True))
    weights = network.sampler.choose(look.response.peaks, look.response.response, sampling, draws)
    if stop_below is None:
        # O alone: count its peaks but skip the warps, which would be most of the work.
        return BatchOutput.of(network.finish(look), look.response, *weights)

    stopped = look.response.entropy <= stop_below
    going = (~stopped).nonzero()[:, 0]
    outputs = replace(BatchOutput.of(_stopped_output(network, look), look.response, *weights), stopped=stopped)
    if len(going):
        zeta = None if draws is None else draws[going]
        output = network.finish(look.select(going), sampling=sampling, draws=zeta, trace=True)
        outputs = outputs.replaced(going, BatchOutput.of_traced(output))
    return outputs


def _stopped_output(network: S3N, look: Look) -> S3NOutput:
    """Return the output of a network that stops after O for every image."""
    logits = look.original
    nothing = {branch: torch.full_like(logits, torch.nan) for branch in ("D", "C") if branch in network.heads}
    return S3NOutput(logits, logits, nothing.get("D"), nothing.get("C"), side=look.side)


def require_cascade(config: NetworkConfig) -> None:
    """Check that images can stop after O in a network.

    Raises:
        DataSetError: The network has only O, or does not report O's prediction.
    """
    if "O" not in config.joined or len(config.joined) < 2:
        raise DataSetError(
            f"This model's branches are {'+'.join(config.joined)}: a cascade needs O and at least one other branch. "
            "Choose another model."
        )


def draws_for(
    config: NetworkConfig,
    sampling: Sampling,
    names: Sequence[str],
    device: str | torch.device,
    *,
    seed: int = DRAW_SEED,
) -> Tensor | None:
    """Return the draws that a batch needs, keyed by the sample names; None if the mode needs none.

    Args:
        config: The network's configuration.
        sampling: How the peaks are assigned.
        names: The sample names.
        device: The device of the result.
        seed: Seed of the draws; differs from the default only if the user asks for other draws.

    Returns:
        Uniform draws in [0, 1), float32, shape (B, H, W), or None.
    """
    if not config.needs_draws(sampling):
        return None
    return torch.from_numpy(peak_draws(seed, 0, names, config.map_size)).to(device)


def rule_names(config: NetworkConfig) -> tuple[str, str]:
    """Return the names of the two rules of Eq. 3 for a network: for uncertain images (H > delta) and certain ones."""
    if config.attention == "saliency":
        return "saliency", "saliency"
    return f"top-{config.merged_classes}", "top-1"
