"""Accumulating the counts of an evaluation batch by batch, without synchronising with the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.evaluation.accuracy import Accuracy
from s3n_core.evaluation.cascade import CascadeOutcomes
from s3n_core.evaluation.confusion import ConfusionCells
from s3n_core.evaluation.result import JOINT, MEAN, Evaluation
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3NOutput
from s3n_core.method.objective import objective
from s3n_core.models.network_outputs import BatchOutput, require_cascade, rule_names
from s3n_core.models.seen_images import SeenCounts

TOP = 5

_JOINED_AT_ONCE = 64  # batches: a tensor by itself takes half a kilobyte

_NOT_COUNTED = -100  # the label of an image without a finite prediction; a cross-entropy ignores it


class EvaluationCounts:
    """Accumulates a network's outputs on batches of labelled images.

    An image with logits that are not finite has no prediction; it is left out of every figure (``finite`` says which).
    ``add`` never synchronises with the device; it keeps there a few numbers per batch, two per image, and for a
    cascade three more per image. ``result`` reads them back.
    """

    def __init__(self, config: NetworkConfig, *, cascade: bool = False) -> None:
        """Start with empty counts.

        Args:
            config: The network's configuration.
            cascade: Whether to keep the per-image results for a cascade.

        Raises:
            DataSetError: A cascade is requested, but images cannot stop after O in this network.
        """
        if cascade:
            require_cascade(config)
        self._config = config
        self._images = 0
        self._batches = _Columns()
        self._cascade = _Columns() if cascade else None
        self._names: list[str] = []
        self._losses: list[str] = []
        self._cells = _Columns()

    @property
    def images(self) -> int:
        """Number of images added, also those without a finite prediction."""
        return self._images

    def finite(self) -> NDArray[np.bool_]:
        """Return which images have finite logits in every head, in the order in which they were added, bool, shape (images,)."""
        if not self._images:
            return np.zeros(0, bool)
        finite: NDArray[np.bool_] = self._cells.joined()[0].cpu().numpy() != _NOT_COUNTED
        return finite

    def add(self, batch: BatchOutput, labels: Tensor) -> None:
        """Add a batch, which may be empty.

        Args:
            batch: The network's output.
            labels: int64, shape (B,), on the same device.
        """
        count = len(labels)
        if count == 0:
            return
        scores = _scores(batch.output, self._config.joined)
        finite = _finite(batch.output)
        kept, labels = finite.sum(), torch.where(finite, labels, _NOT_COUNTED)
        losses = objective(batch.output, labels)  # means over the images with a finite prediction
        parts = {"total": losses.total, **losses.parts}
        self._names, self._losses = list(scores), list(parts)
        k = min(TOP, self._config.num_classes)
        ranked = [score.topk(k, dim=1).indices for score in scores.values()]
        first = ranked[0][:, 0]
        hits = [indices == labels[:, None] for indices in ranked]
        numbers = torch.stack(
            [
                *(hit[:, 0].sum() for hit in hits),
                *(hit.any(dim=1).sum() for hit in hits),
                *(torch.where(kept > 0, loss.detach().float() * kept, 0.0) for loss in parts.values()),
                torch.where(finite, batch.entropy.float(), 0.0).sum(),
                (batch.sure & finite).sum(),
                torch.where(finite, batch.peaks, 0).sum(),
                ((batch.peaks == 0) & finite).sum(),
            ]
        )
        # The same first class as in the count above, regardless of how the device breaks ties.
        self._cells.add(torch.stack([labels, first]))
        self._batches.add(numbers.detach()[:, None])
        if self._cascade is not None:
            hit = dict(zip(scores, hits, strict=True))
            self._cascade.add(torch.stack([batch.entropy.float(), hit["O"][:, 0], hit[JOINT][:, 0]]).detach())
        self._images += count

    def result(
        self,
        classes: Sequence[str],
        *,
        mode: str,
        precision: str,
        model: str = "",
        unreadable: tuple[tuple[str, str], ...] = (),
        unlabelled: int = 0,
        seen: SeenCounts | None = None,
        split: str = "all",
    ) -> Evaluation:
        """Return the evaluation of everything added so far; the arguments are copied into it.

        Raises:
            ValueError: No image with a finite prediction was added.
        """
        finite = self.finite()
        if not finite.any():
            raise ValueError("there was no image to evaluate")
        # Sum in float64 on the CPU, so that the order and rounding do not depend on the device.
        sums = self._batches.joined().cpu().T.contiguous().double().sum(dim=0).tolist()
        heads, parts = len(self._names), len(self._losses)
        top1, top5 = sums[:heads], sums[heads : 2 * heads]
        images = int(finite.sum())
        losses = dict(zip(self._losses, (value / images for value in sums[2 * heads :]), strict=False))
        entropy, sure, peaks, none = (value / images for value in sums[2 * heads + parts :])
        unsure_name, sure_name = rule_names(self._config)
        rules = {sure_name: sure, unsure_name: 1 - sure} if sure_name != unsure_name else {sure_name: 1.0}
        label, predicted = self._cells.joined().cpu().numpy()[:, finite]
        return Evaluation(
            classes=tuple(classes),
            accuracies=tuple(
                Accuracy(name, images, round(first), round(five))
                for name, first, five in zip(self._names, top1, top5, strict=True)
            ),
            cells=ConfusionCells.of(label, predicted, self._config.num_classes),
            loss=losses.pop("total"),
            losses=losses,
            entropy=entropy,
            entropy_threshold=self._config.entropy_threshold,
            rules=rules,
            peaks=peaks,
            without_peaks=none,
            mode=mode,
            precision=precision,
            model=model,
            unreadable=unreadable,
            unlabelled=unlabelled,
            seen=SeenCounts(unknown=images) if seen is None else seen,
            split=split,
            cascade=self._cascade_outcomes(finite),
        )

    def _cascade_outcomes(self, finite: NDArray[np.bool_]) -> CascadeOutcomes | None:
        if self._cascade is None:
            return None
        entropy, right_o, right_joint = self._cascade.joined().cpu().numpy()[:, finite]
        return CascadeOutcomes(entropy, right_o > 0, right_joint > 0, len(self._config.joined))


class _Columns:
    """Columns of numbers on the device, few tensors however many are added: joined now and then, without synchronising."""

    def __init__(self) -> None:
        self._joined: list[Tensor] = []
        self._waiting: list[Tensor] = []

    def add(self, columns: Tensor) -> None:
        """Add columns, shape (rows, n)."""
        self._waiting.append(columns)
        if len(self._waiting) == _JOINED_AT_ONCE:
            self._joined.append(torch.cat(self._waiting, dim=1))
            self._waiting = []

    def joined(self) -> Tensor:
        """Return all columns, shape (rows, all n); there is at least one."""
        return torch.cat([*self._joined, *self._waiting], dim=1)


def _finite(output: S3NOutput) -> Tensor:
    """Return which images have finite logits in every head, also in those that are not reported, bool, shape (B,)."""
    heads = [*output.branches().values(), output.joint, output.side]
    return torch.stack([logits.isfinite().all(dim=1) for logits in heads if logits is not None]).all(dim=0)


def _scores(output: S3NOutput, joined: Sequence[str]) -> dict[str, Tensor]:
    """Return the class scores (B, C) of each head, by name.

    These are logits; for the mean of the branches, the logarithm of the summed probabilities, which ranks classes like
    their mean. The network's own prediction comes first: the joint one, or that of its only branch.
    """
    by_branch = {branch: logits.float() for branch, logits in output.branches().items() if branch in joined}
    scores = {} if output.joint is None else {JOINT: output.joint.float()}
    scores |= by_branch
    if len(by_branch) > 1:
        # In log space, where classes whose probabilities underflow keep their order.
        logs = torch.stack([logits.log_softmax(dim=1) for logits in by_branch.values()])
        scores[MEAN] = logs.logsumexp(dim=0)
    return scores
