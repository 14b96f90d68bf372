"""The S3N network: three branches on one backbone and a joint head (Figure 3 and section 3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s3n_core.errors import ModelFileError
from s3n_core.method.ablations import given_peaks
from s3n_core.method.backbones import Backbone, WeightReport, build_backbone, middle_stage
from s3n_core.method.branch_norm import AnyBatchNorm, separate_statistics, statistics_of
from s3n_core.method.branch_precision import precision_of
from s3n_core.method.configuration import STAGE_STRIDE, NetworkConfig, Sampling
from s3n_core.method.prefiltering import warp_prefiltered
from s3n_core.method.resampling import resize_grid, warp
from s3n_core.method.sampler import Response, Samples, SelectiveSampler
from s3n_core.method.weight_files import require_weights
from s3n_core.method.weight_origins import weights_origin


@dataclass(frozen=True)
class Look:
    """The output of branch O for a batch: the first half of a forward pass, and all that the second half needs.

    Attributes:
        images: Shape (B, 3, s, s), normalised.
        features: S of the original branch, shape (B, D, h, w).
        pooled: F_O, shape (B, D).
        original: O's logits, shape (B, C).
        response: Class maps, H, R and the peaks.
        mapped: The features that the class maps are made of, shape (B, D', h', w'): S, or the side head's stage.
        side: The side head's logits, shape (B, C), if there is one.
    """

    images: Tensor
    features: Tensor
    pooled: Tensor
    original: Tensor
    response: Response
    mapped: Tensor
    side: Tensor | None = None

    def select(self, images: Tensor) -> Look:
        """Return the output for a subset of the images, given by int64 positions of shape (N,)."""
        return Look(
            self.images[images],
            self.features[images],
            self.pooled[images],
            self.original[images],
            self.response.select(images),
            self.mapped[images],
            None if self.side is None else self.side[images],
        )


@dataclass(frozen=True)
class SamplingTrace:
    """Every intermediate of the sampling.

    Attributes:
        response: Class maps, H, R and the peaks, as used.
        samples: Memberships, Q_d, Q_c and the grids, one entry per cell.
        images_d: The discriminative images, shape (B, 3, h, w), normalised.
        images_c: The complementary images.
        pooled_maps: What global average pooling averages in each branch, by letter, shape (B, D, h, w): S, in the release
            form of D and C after the buffer. Lacks the branches that the network lacks.
    """

    response: Response
    samples: Samples
    images_d: Tensor
    images_c: Tensor
    pooled_maps: Mapping[str, Tensor]


@dataclass(frozen=True)
class S3NOutput:
    """Logits (B, C) of the joint head and of the branches; None for what the branch set lacks.

    Attributes:
        joint: Joint prediction from F_J.
        original: O's prediction; never None, since O's maps define the warps.
        discriminative: D's prediction.
        complementary: C's prediction.
        trace: Intermediates, if requested.
        original_reported: Whether O's prediction is reported; in D+C it only defines the warps.
        side: The side head's logits, if there is one: learned from, never reported.
    """

    joint: Tensor | None
    original: Tensor
    discriminative: Tensor | None
    complementary: Tensor | None
    trace: SamplingTrace | None = None
    original_reported: bool = True
    side: Tensor | None = None

    @property
    def prediction(self) -> Tensor:
        """The network's prediction: the joint logits, or O's if there is no joint head."""
        return self.original if self.joint is None else self.joint

    def branches(self) -> dict[str, Tensor]:
        """Return the logits of the existing branches by letter: O, D, C."""
        letters = {"O": self.original, "D": self.discriminative, "C": self.complementary}
        return {letter: logits for letter, logits in letters.items() if logits is not None}

    def reported(self) -> dict[str, Tensor]:
        """Return the logits that are reported, by name: joint, if there is one, and the branches of the branch set."""
        branches = self.branches()
        if not self.original_reported:
            del branches["O"]
        return branches if self.joint is None else {"joint": self.joint, **branches}


class BranchHead(nn.Module):
    """Pooling and classifier of a branch: global average pooling and a linear layer.

    In the release form a convolution comes first (``buffer``).

    Attributes:
        step: Feature cells per cell of what the pooling averages.
    """

    def __init__(self, channels: int, num_classes: int, *, buffer: bool) -> None:
        super().__init__()
        self.buffer = (
            nn.Sequential(
                nn.Conv2d(channels, channels, kernel_size=3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            )
            if buffer
            else nn.Identity()
        )
        self.step = 2 if buffer else 1
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pooled vector F (B, D) and the logits (B, C) for features (B, D, h, w), float32 under autocast."""
        return self.pool(self.buffer(features))

    def pool(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Do the same for features (B, D, h, w) that have passed the buffer."""
        with torch.autocast(maps.device.type, enabled=False):
            weight_dtype = self.classifier.weight.dtype
            pooled = maps.to(weight_dtype).mean(dim=(2, 3))
            logits: Tensor = self.classifier(pooled)
            return pooled, logits


class S3N(nn.Module):
    """Selective Sparse Sampling Network.

    Args:
        config: The network's configuration.
        weights: Source of the backbone's weights: "none", "imagenet" or a file (`backbones.build_backbone`).
        origin: Where these weights come from (`weight_origins.weights_origin`); None: it is found out.

    Attributes:
        weight_report: What was loaded from the weights.
    """

    def __init__(
        self, config: NetworkConfig, *, weights: str = "none", origin: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._frozen = False
        self.backbone, self.weight_report = _backbone_of(config, weights)
        config = self.config = _measured(config, self.backbone, weights, origin)
        if weights not in ("none", "imagenet") and config.origin_text:
            self.weight_report = replace(self.weight_report, remark=f"They are the {config.origin_text}.")
        channels = self.backbone.channels
        release = config.form == "release"
        self.heads = nn.ModuleDict({"O": BranchHead(channels, config.num_classes, buffer=False)})
        for branch in ("D", "C"):
            if branch in config.joined:
                self.heads[branch] = BranchHead(channels, config.num_classes, buffer=release)
        # A network with O alone does not learn from the sampler, but the inspector shows its peaks through it.
        with torch.device("cpu"):  # computed, as in `_backbone_of`
            self.sampler = SelectiveSampler(config)
        joined = len(config.joined)
        self.joint = nn.Linear(channels * joined, config.num_classes) if joined > 1 else None
        if self.joint is not None and config.joint_init == "mean":
            self._join_by_mean(self.joint)
        # Built last, so that the other layers begin with the same random weights as without it.
        self._stage = ""
        self.side: BranchHead | None = None
        if config.side_head:
            with torch.device("cpu"):  # computed, as in `_backbone_of`
                self._stage = middle_stage(config.backbone)
                stage_channels = self.backbone.stage_channels(self._stage)
            self.side = BranchHead(stage_channels, config.num_classes, buffer=False)

    def forward(
        self,
        images: Tensor,
        *,
        sampling: Sampling | None = None,
        draws: Tensor | None = None,
        places: Tensor | None = None,
        features: Tensor | None = None,
        trace: bool = False,
    ) -> S3NOutput:
        """Classify images: `look`, then `finish`.

        Args:
            images: Shape (B, 3, s, s), normalised, where s is the source size.
            sampling: How the peaks are assigned; None uses the configuration's mode for training or evaluation.
            draws: zeta of Eq. 4, shape (B, H, W), in [0, 1); None draws them here if needed. The control with random
                places then uses the same places for every image, in evaluation with a deterministic mode.
            places: As in `look`.
            features: As in `look`.
            trace: Whether to return every intermediate.

        Returns:
            Logits and, if requested, the trace.
        """
        return self.finish(
            self.look(images, places=places, features=features), sampling=sampling, draws=draws, trace=trace
        )

    def look(self, images: Tensor, *, places: Tensor | None = None, features: Tensor | None = None) -> Look:
        """Run O on normalised images (B, 3, s, s) and find the peaks: everything that precedes the warps.

        ``places``, bool of shape (B, H, W), replace the peaks, each with a response of 1 (the control with true places).
        ``features`` are S of O, shape (B, D, h, w), where they were computed before.
        """
        mapped = features
        if features is None:
            features, mapped = self._features_of_original(self.network_view(images))
        assert mapped is not None
        pooled, original = self.head("O")(features)
        side = None if self.side is None else self.side(mapped)[1]
        response = self.respond(self.sampler, mapped, original)
        if places is not None:
            peaks, moved = given_peaks(places, response.response)
            response = replace(response, peaks=peaks, response=moved)
        return Look(images, features, pooled, original, response, mapped, side)

    def respond(self, sampler: SelectiveSampler, mapped: Tensor, original: Tensor) -> Response:
        """Build the response map and its peaks, with this network's sampler or a variant of it.

        Args:
            sampler: The sampler.
            mapped: The features that the class maps are made of (`Look.mapped`).
            original: O's logits, shape (B, C), which rank the classes and determine the entropy.
        """
        classifier = self.mapping_head.classifier
        return sampler.respond(mapped, classifier.weight, classifier.bias, original, span=self.span)

    @property
    def span(self) -> float:
        """How many cells of the class maps wide O's input is; no whole number where the stride does not divide its side."""
        return self.config.original_size / (self.backbone.stride if self.side is None else STAGE_STRIDE)

    @property
    def mapping_head(self) -> BranchHead:
        """The head whose weights make the class maps (Eq. 1): the side head, or O's."""
        return self.head("O") if self.side is None else self.side

    def finish(
        self,
        look: Look,
        *,
        without: Tensor | None = None,
        sampling: Sampling | None = None,
        draws: Tensor | None = None,
        trace: bool = False,
    ) -> S3NOutput:
        """Warp the images according to the result of `look` and classify with the other branches.

        Args:
            look: The result of `look`, for all images or a subset (`Look.select`).
            without: Peaks to remove from both D and C, bool, shape (B, H, W). O, which sees the whole image, does not
                change; neither do dense maps, which have no peaks.
            sampling: As in `forward`.
            draws: As in `forward`.
            trace: As in `forward`.

        Returns:
            Logits and, if requested, the trace.
        """
        config = self.config
        if self.joint is None and not trace:
            return S3NOutput(
                joint=None, original=look.original, discriminative=None, complementary=None, side=look.side
            )
        mode = sampling or (config.train_sampling if self.training else config.eval_sampling)
        if draws is None and config.needs_draws(mode):
            draws = self._own_draws(len(look.images), mode, look.images.device)
        response = look.response
        if without is not None:
            response = replace(response, peaks=response.peaks & ~without)
        response, samples = self.sampler(response, mode, draws)
        needed = {"D", "C"} if trace else set(config.joined)
        grids = {branch: grid for branch, grid in (("D", samples.grid_d), ("C", samples.grid_c)) if branch in needed}
        warped = dict(zip(grids, self.resample(look.images, *grids.values()), strict=True))
        return self.classify(look, warped, sampled=(response, samples) if trace else None)

    def classify(
        self, look: Look, warped: Mapping[str, Tensor], *, sampled: tuple[Response, Samples] | None = None
    ) -> S3NOutput:
        """Classify warped images and combine them with O's features.

        Args:
            look: The result of `look`.
            warped: Images by branch, "D" and "C", shape (B, 3, h, w), normalised; those of a branch that the network
                lacks are ignored.
            sampled: The response and the samples that both images come from, if a trace is requested.

        Returns:
            The logits and, if requested, the trace.
        """
        pooled, logits = {"O": look.pooled}, {"O": look.original}
        pooled_maps = {"O": look.features}
        for branch in ("D", "C"):  # one after the other: on a CPU two passes are faster than one with both
            if branch in self.heads and branch in warped:
                head = self.head(branch)
                maps = head.buffer(self.features(warped[branch], branch))
                pooled[branch], logits[branch] = head.pool(maps)
                if sampled is not None:
                    pooled_maps[branch] = maps
        joint = None
        if self.joint is not None:
            with torch.autocast(look.original.device.type, enabled=False):
                joint = self.joint(torch.cat([pooled[branch] for branch in self.config.joined], dim=1))
        trace = None if sampled is None else SamplingTrace(*sampled, warped["D"], warped["C"], pooled_maps)
        return S3NOutput(
            joint=joint,
            original=look.original,
            discriminative=logits.get("D"),
            complementary=logits.get("C"),
            trace=trace,
            original_reported="O" in self.config.joined,
            side=look.side,
        )

    def head(self, branch: str) -> BranchHead:
        """Return the head of a branch; the network must have it."""
        head = self.heads[branch]
        assert isinstance(head, BranchHead)
        return head

    def network_view(self, images: Tensor) -> Tensor:
        """Downscale images (B, 3, s, s) to the size of O's input, with antialiasing; smaller ones are unchanged."""
        size = self.config.original_size
        if images.shape[-1] <= size:
            return images
        return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)

    def features(self, images: Tensor, branch: str) -> Tensor:
        """Compute S (B, D, h, w) of images at the input size, with the BatchNorm statistics and the precision of ``branch``."""
        with statistics_of(self.backbone, branch), precision_of(branch, images.device.type):
            features: Tensor = self.backbone(images)
        return features

    def _features_of_original(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute S of O, and the features that the class maps are made of."""
        if self.side is None:
            features = self.features(images, "O")
            return features, features
        with statistics_of(self.backbone, "O"), precision_of("O", images.device.type):
            return self.backbone.with_stage(images, self._stage)

    def resample(self, images: Tensor, *grids: Tensor) -> list[Tensor]:
        """Warp source images (B, 3, s, s) to the input size, with grids over cells, each (B, H, W, 2) (Eqs. 7, 8)."""
        size = min(self.config.input_size, images.shape[-1])
        full = [resize_grid(grid, size) for grid in grids]
        return warp_prefiltered(images, *full) if images.shape[-1] > size else [warp(images, grid) for grid in full]

    def train(self, mode: bool = True) -> S3N:
        """Switch between training and evaluation; a frozen backbone, or its BatchNorm statistics, stay as they are."""
        super().train(mode)
        if self._frozen:
            self.backbone.eval()
        if mode and self.config.batch_norm == "frozen":
            for layer in self.backbone.modules():
                if isinstance(layer, AnyBatchNorm):
                    layer.eval()
        return self

    def freeze_backbone(self) -> None:
        """Keep the backbone as it is from now on: no gradients, no new statistics, no random layers."""
        self._frozen = True
        self.backbone.requires_grad_(False)
        self.backbone.eval()

    def parameters_by_role(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters by learning-rate group: backbone, heads, radius_d, radius_c, kernel.

        The convolutions in the release form's branch heads are new, but the release trains them at the backbone's
        learning rate.
        """
        branches = [self.head(branch) for branch in self.heads]
        heads: list[Iterable[nn.Parameter]] = [head.classifier.parameters() for head in branches]
        if self.joint is not None:
            heads.append(self.joint.parameters())
        if self.side is not None:
            heads.append(self.side.classifier.parameters())
        slow: list[Iterable[nn.Parameter]] = [
            self.backbone.parameters(),
            *(head.buffer.parameters() for head in branches),
        ]
        roles = {"backbone": [p for group in slow for p in group], "heads": [p for group in heads for p in group]}
        if self.joint is not None:
            roles |= {"radius_d": [self.sampler.radius_d], "radius_c": [self.sampler.radius_c]}
            if self.sampler.kernel is not None:
                roles["kernel"] = [self.sampler.kernel]
        return roles

    def _own_draws(self, batch: int, mode: Sampling, device: torch.device) -> Tensor:
        """Return draws if the caller gave none, shape (B, H, W); in a deterministic evaluation always the same."""
        side = self.config.map_size
        if self.training or mode in ("random", "coin"):
            return torch.rand(batch, side, side, device=device)
        return torch.rand(side, side, generator=torch.Generator().manual_seed(0)).to(device).expand(batch, side, side)

    def _join_by_mean(self, joint: nn.Linear) -> None:
        """Initialise the joint head as the mean of the joined branches' heads."""
        heads = [self.head(branch).classifier for branch in self.config.joined]
        with torch.no_grad():
            joint.weight.copy_(torch.cat([head.weight for head in heads], dim=1) / len(heads))
            joint.bias.copy_(torch.stack([head.bias for head in heads]).mean(dim=0))


def _backbone_of(config: NetworkConfig, weights: str) -> tuple[Backbone, WeightReport]:
    if weights == "imagenet":
        require_weights(config.backbone)
    with torch.device("cpu"):  # it is run to find its shapes, and torch does that on "meta" with its compiler
        backbone, report = build_backbone(
            config.backbone, weights, last_stride=config.last_stride, size=config.original_size
        )
        if config.batch_norm == "separate":
            separate_statistics(backbone)
    return backbone, report


def _measured(
    config: NetworkConfig, backbone: Backbone, weights: str, origin: Mapping[str, str] | None
) -> NetworkConfig:
    """Add to a configuration what had to be found out of its backbone; what a model file says of it stays.

    Raises:
        ModelFileError: A new network cannot read the images of one of its branches, or its cells lie elsewhere in them.
    """
    geometry = backbone.geometry
    is_new = origin is not None or (weights != "none" if geometry is None else config.cell_shift is None)
    if is_new:
        known = weights_origin(config.backbone, weights) if origin is None else dict(origin)
        config = config.model_copy(update={"origin": known})
    if geometry is None:
        return config
    if is_new:
        from s3n_core.method.timm_backbones import geometry_at

        # One `cell_shift` places the cells of all branches, but "SAME" padding varies with the size.
        if config.input_size != config.original_size and not geometry.agrees(
            geometry_at(config.backbone, backbone, config.input_size)
        ):
            raise ModelFileError(
                f"The cells of {config.backbone} lie elsewhere in images of {config.input_size} pixels (input_size) than in "
                f"those of {config.original_size} (look_size); choose multiples of {geometry.stride} for both."
            )
        shift = geometry.offset / max(geometry.stride - 1, 1)
        config = config.model_copy(update={"stride": geometry.stride, "cell_shift": shift})
    # Earlier files have no cells; where they can be told without, earlier versions can read what is written now.
    return config if backbone.cells == config.feature_cells else config.model_copy(update={"cells": backbone.cells})
