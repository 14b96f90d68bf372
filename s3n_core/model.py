"""The Python API of a trained model: predict, inspect, evaluate. `s3n_core.load_model` opens one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias
from weakref import ReferenceType, ref

from s3n_core.datasets.content_hashes import content_hash
from s3n_core.datasets.records import Box, DataSet, ImageRecord
from s3n_core.errors import UnreadableImage
from s3n_core.evaluation.result import Evaluation
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection, Scores
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.prediction.predictions import Predictions
from s3n_core.prediction.rows import Prediction
from s3n_core.progress import Progress, progress_bar
from s3n_core.system.typed_paths import typed_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from s3n_core.datasets.loading import SampleReader
    from s3n_core.inspection.inspector import Inspector
    from s3n_core.inspection.stages import Resampled
    from s3n_core.method.network import S3NOutput
    from s3n_core.models.opening import Model as OpenedModel
    from s3n_core.parts.comparison.model_atlas import ModelAtlas

ImageLike: TypeAlias = "str | PathLike[str] | Image.Image | NDArray[np.uint8]"
"""An image file, a PIL image (rotated by EXIF and converted to RGB, like files), or RGB pixels, uint8, (h, w, 3)."""

Source: TypeAlias = "str | PathLike[str] | DataSet | Iterable[ImageLike]"
"""A folder, an image file, a data set, or images."""

Ask: TypeAlias = "Callable[[str, Scores], tuple[str | int, str | int | None]]"
"""Chooses a class and the class to subtract (or None) from an image's name and scores."""

_AT_ONCE = 64  # images that are read ahead from an iterable before they are predicted


class Model:
    """A trained model; `load_model` opens it. A context manager that frees the network's memory on exit."""

    def __init__(self, opened: OpenedModel, name: str) -> None:
        self._opened: OpenedModel | None = opened
        self._name = name
        self._latest: _Latest | None = None

    @property
    def name(self) -> str:
        """Display name: the run's name, or the file's."""
        return self._name

    @property
    def path(self) -> Path:
        """The model file."""
        return self._network.path

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the file's SHA-256, as stored in tables."""
        return self._network.digest

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, by index."""
        return self._network.classes

    @property
    def device(self) -> str:
        """The device: "cpu", "cuda" or "mps"."""
        return self._network.device

    @property
    def precision(self) -> str:
        """Precision of the network's layers: "float32", "float32+bfloat16" (D and C in bfloat16), "bfloat16" or "float16"."""
        return self._network.precision

    @property
    def sampling(self) -> str:
        """How peaks are assigned to the branches D and C."""
        return self._network.sampling

    @property
    def input_size(self) -> int:
        """Side of the square that the branches see, in pixels."""
        return self._network.preprocess.input_size

    def predict(self, image: ImageLike, *, name: str | None = None) -> Prediction:
        """Predict one image.

        Args:
            image: A file, a PIL image, or RGB pixels, uint8, shape (h, w, 3).
            name: Its name, which keys random draws; None: the file's name, or "image 1".

        Raises:
            UnreadableImage: The file cannot be decoded.
        """
        record, read = _one_image(self._network, image, name)
        hash_of = content_hash if isinstance(image, str | PathLike) else _no_hash
        (row,) = _rows(self._network, [record], (), None, None, read, hash_of)
        if row.error:
            raise UnreadableImage(record.path, row.error)
        return row

    def predict_many(
        self,
        source: Source,
        *,
        split: str | None = None,
        batch_size: int | None = None,
        stop_below: float | None = None,
        progress: Progress = None,
    ) -> Predictions:
        """Predict many images lazily.

        Args:
            source: A folder, an image file or a data set; or images, each a file, a PIL image or RGB pixels. An
                iterator allows only one pass; any other source can be iterated repeatedly.
            split: Use only this split of a data set: "train", "val", "test", or "validation" (the validation images of
                the model's run); None: all images.
            batch_size: Images per batch; None: a size that suits the device.
            stop_below: Fast mode: images with entropy H (nats) up to this value stop after O; None: off.
            progress: See `Progress`.

        Returns:
            The predictions, in the order of the source. The row of an image that cannot be read has an ``error``.

        Raises:
            DataSetError: There is no image, no such split, or fast mode is requested for a network that has only O.
            ValueError: A split is given for a source that is not a data set.
        """
        from s3n_core.models.network_outputs import require_cascade
        from s3n_core.prediction.job import header_of

        opened = self._network
        if stop_below is not None:
            require_cascade(opened.network.config)
        classes: Sequence[str] = ()
        if isinstance(source, str | PathLike):
            source = _open(source)
        if isinstance(source, DataSet):
            from s3n_core.datasets.opening import named_records

            records = named_records(source, split or "all", self.path)
            classes, title = source.classes, str(source.root)
            count: int | None = len(records)

            def rows() -> Iterator[Prediction]:
                return _rows(opened, records, classes, batch_size, stop_below, None)

        elif split is not None:
            raise ValueError("only data sets have splits; omit split for other images")
        else:
            images, records, title = source, (), "images"
            count = len(images) if isinstance(images, Sequence) else None

            def rows() -> Iterator[Prediction]:
                return _rows_of_images(opened, images, batch_size, stop_below)

        header = replace(header_of(opened, records, classes, stop_below=stop_below), count=count or 0)
        shown = f"{'?' if count is None else count} images of {title} with {self.name}"
        return Predictions(lambda: _with_progress(rows(), count, "Predicting", progress), header, count, shown)

    def inspect(
        self, image: ImageLike, *, name: str | None = None, settings: InspectionSettings | None = None
    ) -> Inspection:
        """Inspect one image: peaks, maps, warped images and scores.

        Args:
            image: A file, a PIL image, or RGB pixels, uint8, shape (h, w, 3).
            name: Its name, which keys random draws; None: the file's name, or "image 1".
            settings: Changes to the method's parameters and to single peaks; None changes nothing.

        Raises:
            UnreadableImage: The file cannot be decoded.
        """
        from s3n_core.inspection.inspector import Inspector
        from s3n_core.models.batches import within_memory

        record, read = _one_image(self._network, image, name)
        inspector, pixels = Inspector(self._network), read(record.path)

        def run() -> tuple[Resampled, S3NOutput]:
            resampled = inspector.resample(inspector.prepare(pixels, record.name), settings)
            return resampled, inspector.classify(resampled)

        resampled, output = within_memory(run)
        (inspection,) = inspector.describe(resampled, output)
        self._latest = _Latest(ref(inspection), inspector, resampled, output)
        return inspection

    def contributions(
        self,
        image: ImageLike | Inspection,
        target: str | int,
        *,
        versus: str | int | None = None,
        head: str | None = None,
        name: str | None = None,
        settings: InspectionSettings | None = None,
        stop_below: float | None = None,
    ) -> Contributions:
        """Return what every place of an image contributes to a logit, or to the margin of one class over another.

        Args:
            image: As in `inspect`; or an inspection of this model, whose pass (with its edits of peaks) is used. For the
                latest inspection nothing is computed again.
            target: The class, by name or index.
            versus: The class whose logit is subtracted; None: the logit itself.
            head: "joint", "O", "D" or "C"; None: that of the network's prediction.
            name: As in `inspect`, not for an inspection.
            settings: As in `inspect`, not for an inspection.
            stop_below: Fast mode: if H (nats) is up to this value, the image stops after O, and the contributions are
                those of O's head; None: off.

        Raises:
            DataSetError: Fast mode is requested for a network that has only O.
            NoSingleHead: The head is a mean, or there are several views.
            UnreadableImage: The file cannot be decoded.
            ValueError: There is no such class or head, or the inspection is not of this model or lacks full resolution.
        """
        from s3n_core.datasets.transforms import test_view
        from s3n_core.inspection.contribution_job import contributions_of_views, stops_after_o
        from s3n_core.inspection.inspector import Inspector
        from s3n_core.inspection.placed_contributions import class_index
        from s3n_core.method.contributions import head_named
        from s3n_core.models.batches import within_memory

        opened = self._network
        views: object = image
        head = head_named(opened.network, "mean over views" if isinstance(views, list | tuple) else head)
        index = class_index(self.classes, target)
        other = None if versus is None else class_index(self.classes, versus)
        if isinstance(image, Inspection):
            if name is not None or settings is not None:
                raise ValueError("an inspection has its own name and settings; give the image for others")
            if (latest := self._latest) is not None and latest.inspection() is image:
                if stops_after_o(latest.resampled.found.prepared, head, stop_below)[0]:
                    head = "O"
                return latest.inspector.contributions(latest.resampled, latest.output, index, other, head=head)[0]
            pixels, name, settings = _again(image, self)
        else:
            record, read = _one_image(opened, image, name)
            pixels, name = read(record.path), record.name
        view, inspector = test_view(pixels, opened.preprocess)[None], Inspector(opened)
        (found,) = within_memory(
            lambda: contributions_of_views(
                inspector,
                view,
                [name],
                [pixels.size],
                lambda *_: (index, other),
                head=head,
                settings=settings,
                stop_below=stop_below,
            )
        )
        return found

    def contributions_many(
        self,
        source: Source,
        *,
        ask: Ask | None = None,
        head: str | None = None,
        settings: InspectionSettings | None = None,
        split: str | None = None,
        stop_below: float | None = None,
        batch_size: int | None = None,
        progress: Progress = None,
    ) -> Iterator[Contributions | UnreadableImage]:
        """Return the contributions of many images lazily, a batch per forward pass.

        Args:
            source: As in `predict_many`, but no endless iterator.
            ask: Chooses the class and the class to subtract (or None), by name or index, from an image's name and scores,
                for example ``lambda name, scores: ("cardinal", "robin")``; None: the predicted class over its strongest
                rival.
            head: As in `contributions`.
            settings: Changes to the method's parameters, without edits of peaks.
            split: As in `predict_many`.
            stop_below: As in `contributions`.
            batch_size: Images per batch; None: a size that suits the device.
            progress: See `Progress`.

        Returns:
            One result per image, in order; the error itself for an image that cannot be read.

        Raises:
            DataSetError: There is no image, or no such split.
            NoSingleHead: The head is a mean.
            ValueError: There is no such class or head.
        """
        from s3n_core.datasets.loading import Sample, SampleReader
        from s3n_core.datasets.opening import named_records
        from s3n_core.inspection.contribution_job import contributions_of_images
        from s3n_core.inspection.contribution_view import default_question
        from s3n_core.inspection.placed_contributions import class_index
        from s3n_core.method.contributions import head_named

        opened, classes = self._network, self.classes
        head = head_named(opened.network, head)
        if isinstance(source, str | PathLike):
            source = _open(source)
        read: Callable[[Sample], Image.Image] = SampleReader(opened.preprocess.ranges)
        if isinstance(source, DataSet):
            samples = [Sample.of(record) for record in named_records(source, split or "all", self.path)]
        elif split is not None:
            raise ValueError("only data sets have splits; omit split for other images")
        else:
            made = [_one_image(opened, image, None, number) for number, image in enumerate(source, 1)]
            # Two images may have the same name, so each gets its own path.
            samples = [Sample(Path(str(number)), record.name) for number, (record, _) in enumerate(made)]

            def read(sample: Sample) -> Image.Image:
                record, read_it = made[int(str(sample.path))]
                return read_it(record.path)

        def question(position: int, scores: Scores) -> tuple[int, int | None]:
            if ask is None:
                return default_question(scores)
            target, versus = ask(samples[position].name, scores)
            return class_index(classes, target), None if versus is None else class_index(classes, versus)

        loop = contributions_of_images(
            opened,
            samples,
            question,
            head=head,
            settings=settings,
            stop_below=stop_below,
            batch_size=batch_size,
            read=read,
        )

        def results() -> Iterator[Contributions | UnreadableImage]:
            with progress_bar("Contributions", progress) as bar, closing(loop) as batches:
                done = 0
                for batch in batches:
                    for _, found in batch:
                        yield found
                    done += len(batch)
                    bar(done, len(samples))

        return results()

    def hide_place(
        self,
        image: ImageLike,
        place: tuple[float, float],
        *,
        name: str | None = None,
        box: Box | None = None,
        settings: HidingSettings | None = None,
        inspection: InspectionSettings | None = None,
        progress: Progress = None,
    ) -> HiddenPlace:
        """Hide a place in the image and ask all branches again, beside at least 20 random places of the same size.

        Args:
            image: A file, a PIL image, or RGB pixels, uint8, shape (h, w, 3).
            place: Its centre (x, y) in pixels of the upright original, for example that of a peak.
            name: The image's name, which keys the random places and draws; None: the file's name, or "image 1".
            box: The object's bounding box in pixels (`ImageRecord.box`): the random places lie inside it.
            settings: How to hide the place; None: the mean colour of the image over a disc of a peak's window.
            inspection: Changes to the method's parameters; edits of peaks are ignored.
            progress: See `Progress`; counts images.

        Returns:
            What each branch says, ``.probability(index)``, ``.margin(index)`` and ``.sentence()``.

        Raises:
            UnreadableImage: The file cannot be decoded.
            PlaceNotHidden: There is no room for the random places, or an answer is not finite.
            ValueError: The network does not see the place.
        """
        from s3n_core.inspection.hide_places import hide_places
        from s3n_core.inspection.inspector import Inspector

        record, read = _one_image(self._network, image, name)
        with progress_bar("Hiding", progress) as bar:
            (hidden,) = hide_places(
                Inspector(self._network),
                read(record.path),
                [place],
                name=record.name,
                box=box,
                settings=settings,
                inspection=inspection,
                progress=bar,
            )
        return hidden

    def evaluate(
        self,
        data: str | PathLike[str] | DataSet,
        *,
        split: str | None = None,
        cascade: bool = False,
        progress: Progress = None,
    ) -> Evaluation:
        """Measure accuracy on labelled images.

        Args:
            data: A data set, or its folder.
            split: "train", "val", "test", "validation" (those of the model's run) or "all"; None: the labelled test images;
                without these the validation images; without these all. ``Evaluation.heading`` says which.
            cascade: Whether to measure fast mode, too: ``Evaluation.cascade`` then gives accuracy and passes per image
                for every threshold, and ``Evaluation.cascade.no_loss()`` the one for ``predict_many(stop_below=...)``.
            progress: See `Progress`.

        Raises:
            DataSetError: No image has a label, or the model does not know some of the classes.
        """
        from s3n_core.evaluation.chosen_images import evaluation_images
        from s3n_core.evaluation.evaluate import evaluate

        data_set = data if isinstance(data, DataSet) else _open(data)
        part, records = evaluation_images(data_set, self.path, split)
        with progress_bar("Evaluating", progress) as bar:
            return evaluate(self._network, records, data_set.classes, cascade=cascade, split=part, progress=bar)

    def find_parts(
        self,
        data: str | PathLike[str] | DataSet,
        *,
        split: str | None = None,
        out: str | PathLike[str] | None = None,
        parts: int | None = None,
        parts_of: str | PathLike[str] | None = None,
        seed: int = 0,
        progress: Progress = None,
    ) -> ModelAtlas:
        """Find the parts that the peaks lie on; see `s3n_core.find_parts`.

        Raises:
            S3NError: The images or the folder cannot be used.
        """
        from s3n_core.evaluation.chosen_images import evaluation_images
        from s3n_core.parts.atlas.building import build_atlas
        from s3n_core.parts.comparison.model_atlas import ModelAtlas

        data_set = data if isinstance(data, DataSet) else _open(data)
        part, records = evaluation_images(data_set, self.path, split)
        kept = TemporaryDirectory(prefix="s3n-atlas-") if out is None else None
        folder = Path(kept.name) if kept is not None else typed_path(out or "")
        other = None if parts_of is None else typed_path(parts_of)
        steps = build_atlas(
            self._network, data_set, records, folder, split=part, parts=parts, parts_of=other, seed=seed
        )
        with progress_bar("Finding parts", progress) as bar, closing(steps):
            for step in steps:
                bar(step.done, step.total)
        return ModelAtlas(folder, self._network, records, kept)

    def close(self) -> None:
        """Free the network; the model cannot be used any more."""
        self._opened = self._latest = None

    @property
    def _network(self) -> OpenedModel:
        if self._opened is None:
            raise ValueError(f"the model {self._name} is closed; load it again")
        return self._opened

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._opened is None:
            return f"<Model {self._name}, closed>"
        return (
            f"<Model {self._name}: {len(self.classes)} classes, {self.input_size} px, {self.device}, {self.precision}>"
        )


@dataclass(frozen=True, eq=False)
class _Latest:
    """The pass of the latest inspection, by which its contributions are known without another one."""

    inspection: ReferenceType[Inspection]
    inspector: Inspector
    resampled: Resampled
    output: S3NOutput


def _again(inspection: Inspection, model: Model) -> tuple[Image.Image, str, InspectionSettings]:
    """Return the image, name and settings with which an inspection is repeated to the last bit.

    Raises:
        ValueError: It is not of this model, or its image is downscaled.
    """
    from PIL import Image

    response, warps = inspection.response, inspection.warps
    if response.model_digest != model.digest:
        raise ValueError(f"this is an inspection of the model {response.model}, not of {model.name}")
    if response.image_scale != 1:
        raise ValueError("this inspection holds a smaller copy of its image; give the image itself")
    return Image.fromarray(response.image), response.name, replace(warps.settings, sampling=warps.sampling)


def _one_image(
    opened: OpenedModel, image: ImageLike, name: str | None, number: int = 1, reader: SampleReader | None = None
) -> tuple[ImageRecord, Callable[[Path], Image.Image]]:
    """Return a record for an image, and a function that reads it with the model's preprocessing.

    The function, not this one, raises ``UnreadableImage``: of many images, only that one has no result.
    """
    from s3n_core.datasets.banners import banner_of
    from s3n_core.datasets.decoding import upright_rgb
    from s3n_core.datasets.loading import Sample, SampleReader

    if isinstance(image, str | PathLike):
        path = typed_path(image)
        sample = Sample(path, name or path.name, banner=banner_of(path))
        decode = reader or SampleReader(opened.preprocess.ranges, watched=False)
        return ImageRecord(path=path, name=sample.name), lambda _: decode(sample)
    called = name or f"image {number}"
    record = ImageRecord(path=Path(called), name=called)
    try:
        pixels = upright_rgb(image, record.path, ranges=opened.preprocess.ranges)
    except UnreadableImage as error:
        return record, _raising(error)
    return record, lambda _: pixels


def _raising(error: UnreadableImage) -> Callable[[Path], Image.Image]:
    """Return a reader of an image that cannot be decoded."""

    def read(path: Path) -> Image.Image:
        raise error

    return read


def _rows(
    opened: OpenedModel,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    batch_size: int | None,
    stop_below: float | None,
    read: Callable[[Path], Image.Image] | None,
    hash_of: Callable[[Path], int | None] = content_hash,
) -> Iterator[Prediction]:
    from s3n_core.datasets.loading import SampleReader
    from s3n_core.prediction.job import predict

    reader = SampleReader(opened.preprocess.ranges)
    batches = predict(
        opened,
        records,
        classes=classes,
        batch_size=batch_size,
        stop_below=stop_below,
        read=reader if read is None else lambda sample: read(sample.path),
        hash_of=hash_of,
    )
    with closing(batches):
        for rows in batches:
            yield from rows
    _warn(reader)


def _rows_of_images(
    opened: OpenedModel, images: Iterable[ImageLike], batch_size: int | None, stop_below: float | None
) -> Iterator[Prediction]:
    """Predict images that need not be files, in chunks, so that memory does not grow with their number."""
    from s3n_core.datasets.loading import SampleReader

    source, number, reader = iter(images), 0, SampleReader(opened.preprocess.ranges)
    while some := list(islice(source, _AT_ONCE)):
        records: list[ImageRecord] = []
        readers: dict[Path, Callable[[Path], Image.Image]] = {}
        files: set[Path] = set()
        for image in some:
            number += 1
            record, read = _one_image(opened, image, None, number, reader)
            # Two images may have the same name, so each gets its own path.
            key = record.path if isinstance(image, str | PathLike) else Path(f"{number}")
            records.append(replace(record, path=key))
            readers[key] = read
            if isinstance(image, str | PathLike):
                files.add(key)
        yield from _rows(opened, records, (), batch_size, stop_below, _read_by(readers), _hash_of_some(files))
    _warn(reader)


def _warn(reader: SampleReader) -> None:
    """Warn of values that do not suit the model's range."""
    for sentence in reader.warnings():
        warnings.warn(sentence, stacklevel=2)


def _read_by(readers: Mapping[Path, Callable[[Path], Image.Image]]) -> Callable[[Path], Image.Image]:
    return lambda path: readers[path](path)


def _hash_of_some(files: Collection[Path]) -> Callable[[Path], int | None]:
    return lambda path: content_hash(path) if path in files else None


def _no_hash(path: Path) -> int | None:
    """Return the content hash of pixels that are no file: none."""
    return None


def _with_progress(
    rows: Iterator[Prediction], count: int | None, what: str, progress: Progress
) -> Generator[Prediction, None, None]:
    with progress_bar(what, progress) as bar:
        for done, row in enumerate(rows, 1):
            yield row
            bar(done, count or done)


def _open(path: str | PathLike[str]) -> DataSet:
    from s3n_core.datasets.opening import open_images

    return open_images(typed_path(path))
