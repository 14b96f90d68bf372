"""No job may hold more than a few numbers for each image: data sets have 100,000 of them and more."""

import gc
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from random_model import save_picture, save_random_model

from s3n_core.datasets.audit.checks import audit
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.evaluation.evaluate import evaluate
from s3n_core.export.index import ExportIndex
from s3n_core.export.job import export
from s3n_core.export.options import ExportOptions
from s3n_core.models.opening import Model, open_model
from s3n_core.prediction.job import predict
from s3n_core.prediction.rows import Prediction, PredictionHeader

FEW, MANY = 300, 1200

Records = Sequence[ImageRecord]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return open_model(save_random_model(tmp_path_factory.mktemp("m") / "m.safetensors", side=32), device="cpu")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_picture(tmp_path_factory.mktemp("p") / "picture.jpg", 0, (40, 36))


def records_of(picture: Path, count: int) -> list[ImageRecord]:
    return [
        ImageRecord(path=picture, name=f"species {number % 12}/{number:06}.jpg", label=number % 12)
        for number in range(count)
    ]


def bytes_per_image(picture: Path, work: Callable[[Records], object]) -> float:
    """Return by how much the peak memory of Python objects and NumPy arrays grows with each image.

    The lower of two peaks counts: Python's own tables, such as that of interned strings, grow by megabytes now and then, and
    other threads allocate, too.
    """
    peaks = {}
    work(records_of(picture, 10))  # fills caches
    for count in (FEW, MANY):
        records = records_of(picture, count)
        peaks[count] = min(_peak(work, records) for _ in range(2))
    return (peaks[MANY] - peaks[FEW]) / (MANY - FEW)


def _peak(work: Callable[[Records], object], records: Records) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work(records)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_predicting(model: Model, picture: Path) -> None:
    def first_batch(records: Records) -> None:
        with closing(predict(model, records, classes=model.classes, batch_size=2)) as rows:
            next(rows)

    assert bytes_per_image(picture, first_batch) < 80


def test_evaluating(model: Model, picture: Path) -> None:
    class Enough(Exception):
        """Raised after the first batch."""

    def stop(done: int, total: int) -> None:
        raise Enough

    def first_batch(records: Records) -> None:
        with pytest.raises(Enough):
            evaluate(model, records, model.classes, batch_size=2, progress=stop)

    assert bytes_per_image(picture, first_batch) < 80


def test_exporting(model: Model, picture: Path, tmp_path: Path) -> None:
    """Beside these bytes, the names of the files are kept until all are known to differ."""

    def before_the_first_image(records: Records) -> None:
        out = Path(tempfile.mkdtemp(dir=tmp_path)) / "out"
        with closing(export(model, records, out, ExportOptions(arrays=True), classes=model.classes)) as steps:
            next(steps)

    assert bytes_per_image(picture, before_the_first_image) < 250


def test_the_rows_of_an_export(picture: Path, tmp_path: Path) -> None:
    peaks = tuple((float(place), 1.5, 0.5, 1.0, 0.0) for place in range(30))

    def whole(records: Records) -> None:
        header = PredictionHeader(
            model="0", mode="expected", precision="float32", classes=("a",), images="0", count=len(records)
        )
        out = Path(tempfile.mkdtemp(dir=tmp_path))
        with ExportIndex(out, header, {}) as index:
            for position, record in enumerate(records):
                row = Prediction(
                    file=record.name, class_name="a", peak_places=peaks, mode="expected", precision="float32", model="0"
                )
                index.add(position, record, row, {})
            index.finish()
        with (out / "index.csv").open("rb") as lines:
            assert sum(1 for _ in lines) == len(records) + 1

    assert bytes_per_image(picture, whole) < 500


def test_auditing(picture: Path) -> None:
    def whole(records: Records) -> None:
        data = DataSet(root=picture.parent, format="images", classes=tuple(map(str, range(12))), records=tuple(records))
        assert np.prod([len(group.names) for group in audit(data, workers=0).duplicates]) == len(records)

    assert bytes_per_image(picture, whole) < 200
