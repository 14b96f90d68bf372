"""Snapshots: the visual evidence of a few probe images, saved after every epoch, to show how it develops."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.loading import Batch, Sample
from s3n_core.datasets.transforms import Preprocess, test_view
from s3n_core.errors import UnreadableImage
from s3n_core.method.network import S3N, S3NOutput
from s3n_core.models.batches import over_batches
from s3n_core.models.preprocessing import to_input, to_pixels
from s3n_core.system.atomic_files import output_error, write_bytes, write_json
from s3n_core.system.seeding import keyed_generator, peak_draws

PICTURE_SIDE = 224  # pixels; large enough to view, small enough for hundreds of epochs


def choose_probes(samples: Sequence[Sample], count: int, seed: int) -> tuple[Sample, ...]:
    """Choose probe images at random, from as many different classes as possible."""
    if not count:
        return ()  # without drawing a number for every image
    shuffled = sorted(samples, key=lambda sample: keyed_generator(seed, "probe", sample.name).random())
    # In rounds: the first image of every class, then the second of every class that has one, and so on.
    rounds: list[list[Sample]] = []
    taken: Counter[int | None] = Counter()
    for sample in shuffled:
        turn = taken[sample.label]
        taken[sample.label] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(sample)
    return tuple(islice(chain.from_iterable(rounds), count))


class ProbeRecorder:
    """Writes `snapshots/EPOCH/`: for each probe the D and C images, R, and a `probes.json` with peaks and predictions."""

    def __init__(
        self, folder: Path, probes: Sequence[Sample], classes: Sequence[str], preprocess: Preprocess, seed: int
    ) -> None:
        self._folder = folder
        self._classes = tuple(classes)
        self._seed = seed
        self._probes: list[tuple[int, Sample]] = []
        self._views: list[NDArray[np.uint8]] = []
        for number, probe in enumerate(probes):
            try:
                self._views.append(
                    test_view(read_image(probe.path, banner=probe.banner, ranges=preprocess.ranges), preprocess)
                )
            except UnreadableImage:
                continue  # the training reports it; one probe less does no harm
            # The others keep their numbers: earlier snapshots of a resumed run have these, too.
            self._probes.append((number, probe))
            write_bytes(folder / f"probe-{number}.jpg", _jpeg(self._views[-1]), durable=False)

    def record(self, network: S3N, epoch: int, device: str, precision: str) -> None:
        """Write the snapshot of an epoch.

        Raises:
            OutputError: If it cannot be written.
        """
        if not self._probes:
            return
        folder = self._folder / f"epoch-{epoch:04d}"
        unfinished = self._folder / f".epoch-{epoch:04d}"
        try:
            shutil.rmtree(unfinished, ignore_errors=True)  # left by a process that was killed here
            unfinished.mkdir(exist_ok=True)
        except OSError as error:
            raise output_error(folder, error) from error
        training = network.training
        network.eval()
        # One at a time: if the training had to halve its micro-batch, there is not enough memory for all at once.
        single = (
            Batch.of(view[None], [probe.name]) for (_, probe), view in zip(self._probes, self._views, strict=True)
        )

        def trace(batch: Batch) -> list[S3NOutput]:
            draws = torch.from_numpy(peak_draws(self._seed, -1, batch.names, network.config.map_size)).to(device)
            return [network(to_input(batch.images, device), draws=draws, trace=True)]

        with closing(over_batches(single, trace, device=device, precision=precision)) as traced:
            entries = [self._write(place, output, unfinished) for place, (_, (output,)) in enumerate(traced)]
        network.train(training)
        write_json(unfinished / "probes.json", entries, durable=False)
        try:
            # Readers see a snapshot only when it is complete; a repeated epoch replaces it.
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
        except OSError as error:
            raise output_error(folder, error) from error

    def _write(self, place: int, output: S3NOutput, folder: Path) -> dict[str, Any]:
        """Write the images of one probe and return its entry in `probes.json`."""
        number, probe = self._probes[place]
        assert output.trace is not None
        probabilities = {name: logits.float().softmax(1)[0].cpu().numpy() for name, logits in output.branches().items()}
        probabilities["joint"] = output.prediction.float().softmax(1)[0].cpu().numpy()
        seen, samples = output.trace.response, output.trace.samples
        response = seen.response[0].float().cpu().numpy()
        weight_d, weight_c = samples.weight_d[0].cpu().numpy(), samples.weight_c[0].cpu().numpy()
        for branch, images in (("d", output.trace.images_d), ("c", output.trace.images_c)):
            write_bytes(folder / f"probe-{number}-{branch}.jpg", _jpeg(to_pixels(images)[0]), durable=False)
        write_bytes(folder / f"probe-{number}-r.png", _png(response), durable=False)
        side = response.shape[0] - 1
        return {
            "number": number,
            "image": probe.name,
            "class": None if probe.label is None else self._classes[probe.label],
            "entropy": float(seen.entropy[0]),
            "sure": bool(seen.sure[0]),
            "predictions": {
                name: [self._classes[int(shares.argmax())], float(shares.max())]
                for name, shares in probabilities.items()
            },
            # Coordinates are fractions of the view's sides, so they are valid at any size.
            "peaks": [
                {
                    "x": float(column / side),
                    "y": float(row / side),
                    "response": float(response[row, column]),
                    "weight_d": float(weight_d[row, column]),
                    "weight_c": float(weight_c[row, column]),
                }
                for row, column in np.argwhere(seen.peaks[0].cpu().numpy())
            ],
        }


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _png(values: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((values * 255).round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
