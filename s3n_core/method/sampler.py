"""The selective sampler: from class scores and features to the two grids, in the steps of section 3.

The three steps can also be run one by one, as the inspector does: `respond` (Eqs. 1-3 and the peaks), `choose` (Eq. 4
and its deterministic alternatives), `sample` (Eqs. 5-8). Nothing here loops over images or peaks or synchronises with
the device, and everything is computed in float32 regardless of autocast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from s3n_core.method.ablations import (
    central_peak,
    coin_peaks,
    crop_grid,
    dense_maps,
    others_peaks,
    saliency,
    scatter_peaks,
)
from s3n_core.method.configuration import NetworkConfig, Sampling
from s3n_core.method.peaks import extreme_peaks, find_peaks, split_peaks
from s3n_core.method.resampling import FWHM_TO_SIGMA, gaussian_kernel, identity_grid, sampling_grid
from s3n_core.method.response_maps import class_response_maps, interpolation_matrix, merge_response_maps
from s3n_core.method.sparse_attention import beta_from_radius, sampling_map

_MOVED = {"other_image": others_peaks, "centre": central_peak}  # controls that move the peaks without draws


@dataclass(frozen=True)
class Response:
    """The response map, peaks and entropy of branch O.

    Attributes:
        maps: Class response maps M, shape (B, C, h, w).
        logits: Scores that ranked the classes and determined the entropy, shape (B, C).
        entropy: H of Eq. 2 in nats, shape (B,).
        sure: Whether H <= delta, so that R is the top-1 map alone, bool, shape (B,).
        response: R, shape (B, H, W), in [0, 1].
        peaks: T, bool, shape (B, H, W).
    """

    maps: Tensor
    logits: Tensor
    entropy: Tensor
    sure: Tensor
    response: Tensor
    peaks: Tensor

    def select(self, images: Tensor) -> Response:
        """Return the response of a subset of the images, given by int64 positions of shape (N,)."""
        return Response(
            self.maps[images],
            self.logits[images],
            self.entropy[images],
            self.sure[images],
            self.response[images],
            self.peaks[images],
        )


@dataclass(frozen=True)
class Samples:
    """The sampling maps and grids of D and C.

    Attributes:
        weight_d: Membership of each cell's peak in T_d, in [0, 1], shape (B, H, W).
        weight_c: The same for T_c.
        map_d: Q_d, shape (B, H, W).
        map_c: Q_c, shape (B, H, W).
        grid_d: f and g for Q_d at each cell, shape (B, H, W, 2), (x, y) in [-1, 1].
        grid_c: The same for Q_c.
    """

    weight_d: Tensor
    weight_c: Tensor
    map_d: Tensor
    map_c: Tensor
    grid_d: Tensor
    grid_c: Tensor


class SelectiveSampler(nn.Module):
    """The sampler with its learned parameters: the two radii, and the kernel in the release form."""

    kernel: nn.Parameter | None

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.radius_d = nn.Parameter(torch.tensor(config.radius_d))
        self.radius_c = nn.Parameter(torch.tensor(config.radius_c))
        self.sigma = config.kernel_fwhm * FWHM_TO_SIGMA
        if config.form == "release":
            self.kernel = nn.Parameter(gaussian_kernel(self.sigma).float())
        else:
            self.register_parameter("kernel", None)

    @property
    def beta_d(self) -> Tensor:
        """beta_1 of Eq. 5 in cells, a scalar."""
        return beta_from_radius(self.radius_d, self.config.map_size)

    @property
    def beta_c(self) -> Tensor:
        """beta_2 of Eq. 5 in cells, a scalar."""
        return beta_from_radius(self.radius_c, self.config.map_size)

    def respond(
        self, features: Tensor, weight: Tensor, bias: Tensor, logits: Tensor, *, span: float | None = None
    ) -> Response:
        """Build the response map and its peaks.

        Args:
            features: S, shape (B, D, h, w).
            weight: Weights of O's classifier, shape (C, D).
            bias: Its bias, shape (C,); used only by the gate of the release form.
            logits: O's class scores, shape (B, C).
            span: How many feature cells wide O's input is (`S3N.span`).

        Returns:
            The response; detached unless the configuration enables gradients through it.
        """
        config = self.config
        with torch.autocast(features.device.type, enabled=False):
            if not config.response_gradient:
                features, weight, bias, logits = (t.detach() for t in (features, weight, bias, logits))
            maps = class_response_maps(features, weight)
            if config.form == "release":
                logits = _mean_of_upsampled(maps, config.map_size) + bias.float()
            response, entropy = merge_response_maps(
                maps,
                logits,
                entropy_threshold=config.entropy_threshold,
                top_k=config.merged_classes,
                map_size=config.map_size,
                align=config.alignment,
                span=span,
                contrast=config.contrast,
            )
            if config.attention == "saliency":
                response = saliency(features, config.map_size, align=config.alignment, span=span)
            peaks = find_peaks(response.detach(), window=config.window, floor=config.floor)
        return Response(
            maps=maps,
            logits=logits,
            entropy=entropy,
            sure=entropy <= config.entropy_threshold,
            response=response,
            peaks=peaks,
        )

    def choose(
        self, peaks: Tensor, response: Tensor, sampling: Sampling, draws: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Assign the peaks to D and C.

        Args:
            peaks: T, bool, shape (B, H, W).
            response: R, shape (B, H, W).
            sampling: The mode (METHOD.md, "Modes").
            draws: zeta for `random` and `coin`, shape (B, H, W), in [0, 1).

        Returns:
            Membership in T_d and T_c, float in [0, 1], shape (B, H, W) each.

        Raises:
            ValueError: If the mode needs draws and none are given.
        """
        detached = response.detach()
        if sampling in ("random", "coin"):
            if draws is None:
                raise ValueError(f"sampling mode {sampling!r} needs draws")
            pair = split_peaks(peaks, detached, draws) if sampling == "random" else coin_peaks(peaks, draws)
        elif sampling == "extremes":
            pair = extreme_peaks(peaks, detached)
        elif sampling == "expected":
            return peaks * response, peaks * (1 - response)
        else:
            pair = peaks, peaks
        return pair[0].to(response.dtype), pair[1].to(response.dtype)

    def sample(self, response: Tensor, weight_d: Tensor, weight_c: Tensor, *, identity: bool = False) -> Samples:
        """Turn memberships into sampling maps and grids (Eqs. 5-8), or into those of the configured ablation.

        Args:
            response: R, shape (B, H, W).
            weight_d: Membership in T_d, shape (B, H, W).
            weight_c: Membership in T_c, shape (B, H, W).
            identity: Whether to return identity grids.

        Returns:
            Maps and grids.
        """
        config = self.config
        if config.attention == "sparse":
            map_d = sampling_map(weight_d, response, self.beta_d, base=config.base)
            map_c = sampling_map(weight_c, response, self.beta_c, complementary=True, base=config.base)
        else:
            map_d, map_c = dense_maps(response, config.base)
        if identity or config.control == "identity":
            grid_d = grid_c = identity_grid(*response.shape, like=response)
        elif config.control == "hard_crop":
            grid_d, grid_c = crop_grid(weight_d, response), crop_grid(weight_c, response)
        else:
            both = sampling_grid(torch.cat([map_d, map_c]), sigma=self.sigma, kernel=self.kernel)
            # In ONNX, `chunk` would become a sequence, and `len` would fix the batch size.
            batch = map_d.shape[0]
            grid_d, grid_c = both[:batch], both[batch:]
        return Samples(weight_d=weight_d, weight_c=weight_c, map_d=map_d, map_c=map_c, grid_d=grid_d, grid_c=grid_c)

    def forward(self, response: Response, sampling: Sampling, draws: Tensor | None) -> tuple[Response, Samples]:
        """Run `choose` and `sample`; controls that move the peaks move the responses along with them.

        Args:
            response: The result of `respond`.
            sampling: How the peaks are assigned.
            draws: Shape (B, H, W), in [0, 1); needed by `random`, `coin` and the control with random places.

        Returns:
            The response as used, and the samples.

        Raises:
            ValueError: If draws are needed and none are given.
        """
        with torch.autocast(response.response.device.type, enabled=False):
            if self.config.control == "random_places":
                if draws is None:
                    raise ValueError("the control with random places needs draws")
                peaks, moved = scatter_peaks(response.peaks, response.response, draws)
                response = replace(response, peaks=peaks, response=moved)
            elif self.config.control in _MOVED:
                peaks, moved = _MOVED[self.config.control](response.peaks, response.response)
                response = replace(response, peaks=peaks, response=moved)
            weight_d, weight_c = self.choose(response.peaks, response.response, sampling, draws)
            return response, self.sample(response.response, weight_d, weight_c, identity=sampling == "identity")


def _mean_of_upsampled(maps: Tensor, map_size: int) -> Tensor:
    """Return the spatial mean (B, C) of maps (B, C, h, w) upsampled with aligned corners, without upsampling them."""
    rows = interpolation_matrix(maps.shape[2], map_size, "corners", maps).mean(dim=0)
    columns = interpolation_matrix(maps.shape[3], map_size, "corners", maps).mean(dim=0)
    return torch.einsum("bchw,h,w->bc", maps, rows, columns)
