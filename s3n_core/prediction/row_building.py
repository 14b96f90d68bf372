"""Building rows from a forward pass: classes and probabilities, branches, and peak positions in the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from s3n_core.datasets.loading import Batch
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import source_box
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.inspection import NOT_FINITE
from s3n_core.method.alignment import cell_to_grid
from s3n_core.models.network_outputs import BatchOutput, rule_names, run_batch
from s3n_core.models.opening import Model
from s3n_core.models.seen_images import SeenReader
from s3n_core.prediction.rows import Prediction, count_outside, label_name, peak_place, six_digits
from s3n_core.prediction.schema import TOP, PeakPlace

_FACTS = 5  # finite, H, sure, peaks, stopped


@dataclass(frozen=True)
class RowMaker:
    """Turns batches of views into rows.

    Attributes:
        model: The model.
        records: All images of the job.
        classes: Names of the records' labels.
        stop_below: Images with H (nats) up to this value stop after O; None runs all branches for every image.
        reader: Reads the images, and knows which of them the model has seen.
    """

    model: Model
    records: Sequence[ImageRecord]
    classes: Sequence[str]
    stop_below: float | None = None
    reader: SeenReader = field(default_factory=lambda: SeenReader(None))

    @cached_property
    def _known(self) -> frozenset[str]:
        """The model's classes, in which a label is found as quickly among 10,000 as among ten."""
        return frozenset(self.model.classes)

    def rows(self, batch: Batch) -> list[Prediction]:
        """Run the model on a batch and return one row per image; the ``work`` of `over_images`."""
        output = run_batch(self.model, batch, stop_below=self.stop_below)
        packed = _pack(output, self.model.network.config.joined)
        return [
            self._row(position, (width, height), numbers)
            for position, (width, height), numbers in zip(
                batch.positions.tolist(), batch.sizes.tolist(), packed, strict=True
            )
        ]

    def without_prediction(self, position: int, reason: str) -> Prediction:
        """Return the row of an image without a prediction, with the reason."""
        model, record = self.model, self.records[position]
        return Prediction(
            file=record.name,
            label=label_name(record, self.classes),
            mode=model.sampling,
            precision=model.precision,
            model=model.digest,
            error=reason,
        )

    def _row(self, position: int, size: tuple[int, int], numbers: NDArray[np.float32]) -> Prediction:
        model, record = self.model, self.records[position]
        known, config = model.classes, model.network.config
        count, branches = min(TOP, len(known)), len(config.joined)
        top, facts, by_branch, sure_of, maps = np.split(numbers, np.cumsum([2 * count, _FACTS, branches, branches]))
        finite, entropy, sure, peaks, stopped = facts.tolist()
        if not finite:
            return self.without_prediction(position, NOT_FINITE)
        indices = [int(index) for index in top[:count]]
        probabilities = [six_digits(number) for number in top[count:]]
        asked = [place for place, branch in enumerate(config.joined) if branch == "O" or not stopped]
        names = [known[int(by_branch[place])] for place in asked]
        name = known[indices[0]]
        label = label_name(record, self.classes)
        places = self._places(size, maps)
        return Prediction(
            file=record.name,
            class_name=name,
            probability=probabilities[0],
            top=tuple((known[index], number) for index, number in zip(indices, probabilities, strict=True)),
            branches=tuple((config.joined[place], name) for place, name in zip(asked, names, strict=True)),
            branch_probabilities=tuple(six_digits(sure_of[place]) for place in asked),
            margin=six_digits(top[count] - top[count + 1]) if count > 1 else probabilities[0],
            entropy=six_digits(entropy),
            rule=rule_names(config)[bool(sure)],
            peaks=int(peaks),
            peak_places=places,
            peaks_outside=count_outside(places, record.annotation),
            label=label,
            correct=name == label if label in self._known else None,
            mode=model.sampling,
            precision=model.precision,
            model=model.digest,
            seen=self.reader.take(record.path),
        )

    def _places(self, size: tuple[int, int], maps: NDArray[np.float32]) -> tuple[PeakPlace, ...]:
        """List the peaks as `inspect` does, strongest first (ties in row-major order)."""
        preprocess, side = self.model.preprocess, self.model.network.config.map_size
        peaks, response, weight_d, weight_c = maps.reshape(4, side, side)
        rows, columns = np.nonzero(peaks)
        frame = ViewFrame(box=source_box(size, preprocess), size=preprocess.source_size)
        places = frame.to_original(cell_to_grid(np.stack([columns, rows], axis=1), side))
        values = np.stack([part[rows, columns] for part in (response, weight_d, weight_c)], axis=1)
        order = np.argsort(-values[:, 0], kind="stable")
        return tuple(peak_place(x, y, *three) for (x, y), three in zip(places[order], values[order], strict=True))


def _pack(batch: BatchOutput, branches: Sequence[str]) -> NDArray[np.float32]:
    """Concatenate as float32: top K classes and probabilities, finite, H, sure, peaks, stopped, the branches' classes
    and their probabilities, and four maps (peaks, R, memberships).

    Class indices and peak counts are far below 2^24, so float32 represents them exactly. Classes are ranked by logits,
    because many probabilities of a certain network are tied at 0.
    """
    logits = batch.output.prediction.float()
    top = logits.topk(min(TOP, logits.shape[1]), dim=1).indices
    probabilities = logits.softmax(dim=1).gather(1, top)
    stopped = torch.zeros_like(batch.sure) if batch.stopped is None else batch.stopped
    facts = [torch.isfinite(logits).all(dim=1), batch.entropy, batch.sure, batch.peaks, stopped]
    by_branch = [batch.output.branches()[branch].float().softmax(dim=1).max(dim=1) for branch in branches]
    maps = torch.stack(
        [part.float() for part in (batch.peak_map, batch.response, batch.weight_d, batch.weight_c)], dim=1
    )
    parts = [
        top.float(),
        probabilities,
        *(fact.float()[:, None] for fact in facts),
        *(best.indices.float()[:, None] for best in by_branch),
        *(best.values[:, None] for best in by_branch),
        maps.flatten(1),
    ]
    packed: NDArray[np.float32] = torch.cat(parts, dim=1).cpu().numpy()
    return packed
