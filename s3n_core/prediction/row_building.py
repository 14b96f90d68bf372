"""From a pass of the network to rows: classes and probabilities, the branches, and the peaks as places in the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from s3n_core.datasets.loading import Batch
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import source_box
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.models.network_outputs import Answer, answer, draws_for, rule_names
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input
from s3n_core.prediction.rows import PredictionRow, label_name
from s3n_core.prediction.schema import TOP, PeakPlace

NOT_FINITE = "the model's answer is not a finite number; try the precision float32"

_FACTS = 5  # finite, H, sure, peaks, stopped


@dataclass(frozen=True)
class PackedAnswers:
    """Turns views into packed numbers: one transfer from the device a pass."""

    model: Model
    stop_below: float | None = None

    def __call__(self, batch: Batch, some: slice) -> NDArray[np.float32]:
        """Return `_pack` of a piece of a batch."""
        model = self.model
        config = model.network.config
        with torch.inference_mode(), model.autocast():
            images = to_input(batch.images[some], model.device)
            draws = draws_for(config, model.sampling, batch.names[some], model.device)
            said = answer(model.network, images, sampling=model.sampling, draws=draws, stop_below=self.stop_below)
            return _pack(said, config.joined)


@dataclass(frozen=True)
class RowMaker:
    """Turns packed numbers into rows.

    Attributes:
        model: Whose answers they are.
        records: All images of the job.
        classes: Names of the records' labels.
        sizes: (width, height) of the originals, by position.
    """

    model: Model
    records: Sequence[ImageRecord]
    classes: Sequence[str]
    sizes: Mapping[int, tuple[int, int]]

    def rows(self, batch: Batch, packed: Sequence[NDArray[np.float32]]) -> tuple[PredictionRow, ...]:
        """Return a batch's rows, answers and unreadable images in the order of the records."""
        rows: dict[int, PredictionRow] = {}
        for position, numbers in zip(batch.positions.tolist(), packed, strict=True):
            rows[position] = self._row(position, numbers)
        for position, error in zip(batch.error_positions.tolist(), batch.errors, strict=True):
            rows[position] = self._without_answer(position, error.reason)
        return tuple(rows[position] for position in sorted(rows))

    def _row(self, position: int, numbers: NDArray[np.float32]) -> PredictionRow:
        model, record = self.model, self.records[position]
        known, config = model.classes, model.network.config
        count, branches = min(TOP, len(known)), len(config.joined)
        top, facts, by_branch, sure_of, maps = np.split(numbers, np.cumsum([2 * count, _FACTS, branches, branches]))
        finite, entropy, sure, peaks, stopped = facts.tolist()
        if not finite:
            return self._without_answer(position, NOT_FINITE)
        indices = [int(index) for index in top[:count]]
        probabilities = [_digits(number) for number in top[count:]]
        asked = [place for place, branch in enumerate(config.joined) if branch == "O" or not stopped]
        names = [known[int(by_branch[place])] for place in asked]
        name = known[indices[0]]
        label = label_name(record, self.classes)
        return PredictionRow(
            file=record.name,
            class_name=name,
            probability=probabilities[0],
            top=tuple((known[index], number) for index, number in zip(indices, probabilities, strict=True)),
            branches=tuple((config.joined[place], name) for place, name in zip(asked, names, strict=True)),
            branch_probabilities=tuple(_digits(sure_of[place]) for place in asked),
            margin=_digits(top[count] - top[count + 1]) if count > 1 else probabilities[0],
            entropy=_digits(entropy),
            rule=rule_names(config)[bool(sure)],
            peaks=int(peaks),
            peak_places=self._places(position, maps),
            label=label,
            correct=name == label if label in known else None,
            mode=model.sampling,
            precision=model.precision,
            model=model.digest,
        )

    def _without_answer(self, position: int, reason: str) -> PredictionRow:
        model, record = self.model, self.records[position]
        return PredictionRow(
            file=record.name,
            label=label_name(record, self.classes),
            mode=model.sampling,
            precision=model.precision,
            model=model.digest,
            error=reason,
        )

    def _places(self, position: int, maps: NDArray[np.float32]) -> tuple[PeakPlace, ...]:
        """List the peaks as `inspect` does, the strongest first (ties: first in row-major order)."""
        preprocess, side = self.model.preprocess, self.model.network.config.map_size
        peaks, response, weight_d, weight_c = maps.reshape(4, side, side)
        rows, columns = np.nonzero(peaks)
        frame = ViewFrame(box=source_box(self.sizes[position], preprocess), size=preprocess.source_size)
        places = frame.to_original(np.stack([columns, rows], axis=1) / (side - 1) * 2 - 1)
        values = np.stack([part[rows, columns] for part in (response, weight_d, weight_c)], axis=1)
        order = np.argsort(-values[:, 0], kind="stable")
        return tuple(
            (round(float(x), 1), round(float(y), 1), *(round(float(value), 4) for value in three))  # type: ignore[misc]
            for (x, y), three in zip(places[order], values[order], strict=True)
        )


def _pack(said: Answer, branches: Sequence[str]) -> NDArray[np.float32]:
    """Lay side by side, as float32: top K classes and probabilities, finite, H, sure, peaks, stopped, the branches' classes
    and their probabilities, and four maps (peaks, R, memberships).

    Class indices and counts of peaks are far below 2^24, so float32 holds them exactly. The classes are ranked by their
    logits: probabilities of sure networks tie at 0.
    """
    logits = said.output.prediction.float()
    top = logits.topk(min(TOP, logits.shape[1]), dim=1).indices
    probabilities = logits.softmax(dim=1).gather(1, top)
    stopped = torch.zeros_like(said.sure) if said.stopped is None else said.stopped
    facts = [torch.isfinite(logits).all(dim=1), said.entropy, said.sure, said.peaks, stopped]
    by_branch = [said.output.branches()[branch].float().softmax(dim=1).max(dim=1) for branch in branches]
    maps = torch.stack([part.float() for part in (said.peak_map, said.response, said.weight_d, said.weight_c)], dim=1)
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


def _digits(number: float | np.float32) -> float:
    """Round to the six significant digits that float32 supports."""
    return float(f"{float(number):.6g}")
