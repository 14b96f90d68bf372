import dataclasses
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from image_folders import drawn_folder
from tiny_models import CLASSES

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.loading import Batch
from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import DeviceError
from s3n_core.inspection.inspector import inspect
from s3n_core.models import network_outputs
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input
from s3n_core.prediction.job import predict
from s3n_core.prediction.row_building import NOT_FINITE
from s3n_core.prediction.rows import Prediction


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRecord]:
    return drawn_folder(tmp_path_factory.mktemp("images"), 11, broken=(0, 4, 5, 6, 10))


def rows_of(model: Model, records: list[ImageRecord], batch_size: int = 4, **options: object) -> list[Prediction]:
    return [
        row for batch in predict(model, records, classes=CLASSES, batch_size=batch_size, **options) for row in batch
    ]  # type: ignore[arg-type]


def alike(rows: list[Prediction], others: list[Prediction]) -> bool:
    """Return whether rows are equal up to the last digit of each number."""

    def numbers(row: Prediction) -> list[float]:
        places = [number for place in row.peak_places for number in place]
        sure_of = [*row.branch_probabilities, *(number for _, number in row.top)]
        return [row.probability or 0, row.margin or 0, row.entropy or 0, *sure_of, *places]

    def texts(row: Prediction) -> Prediction:
        top = tuple((name, 0.0) for name, _ in row.top)
        return dataclasses.replace(
            row, probability=None, margin=None, entropy=None, top=top, branch_probabilities=(), peak_places=()
        )

    return list(map(texts, rows)) == list(map(texts, others)) and all(
        np.allclose(numbers(a), numbers(b), rtol=1e-4, atol=2e-4) for a, b in zip(rows, others, strict=True)
    )


def test_rows_say_what_the_network_says(model: Model, records: list[ImageRecord]) -> None:
    rows = rows_of(model, records)
    record, row = records[3], rows[3]
    view = test_view(read_image(record.path), model.preprocess)
    with torch.inference_mode():
        output = model.network(to_input(view[None], "cpu"), sampling=model.sampling, trace=True)
    assert output.trace is not None
    top = output.joint.softmax(dim=1)[0].topk(5)
    assert row.file == record.name
    assert [name for name, _ in row.top] == [CLASSES[index] for index in top.indices.tolist()]
    np.testing.assert_allclose([number for _, number in row.top], top.values, rtol=1e-3)
    assert (row.class_name, row.probability) == row.top[0]
    assert row.margin == pytest.approx(row.top[0][1] - row.top[1][1], abs=1e-5)
    assert dict(row.branches) == {letter: CLASSES[int(logits.argmax())] for letter, logits in output.branches().items()}
    agreeing = sum(name == row.class_name for _, name in row.branches)
    assert row.agreement == pytest.approx(agreeing / 3, abs=1e-5)
    assert row.entropy == pytest.approx(output.trace.response.entropy.item(), rel=1e-3)
    assert row.rule == ("top-1" if output.trace.response.sure.item() else "top-5")
    assert row.peaks == output.trace.response.peaks.sum().item()
    looked = inspect(model, record.path, name=record.name)
    assert len(row.peak_places) == len(looked.warps.peaks) == row.peaks
    expected = [(peak.x, peak.y, peak.response, peak.weight_d, peak.weight_c) for peak in looked.warps.peaks]
    np.testing.assert_allclose(row.peak_places, expected, atol=0.051)
    sure_of = [looked.top(letter, 1)[0] for letter in "ODC"]
    assert row.branches == tuple((letter, score.name) for letter, score in zip("ODC", sure_of, strict=True))
    np.testing.assert_allclose(row.branch_probabilities, [score.probability for score in sure_of], rtol=1e-3)
    assert (row.mode, row.precision, row.model) == ("expected", "float32", model.digest)
    assert row.label == CLASSES[3]
    assert row.correct is (row.class_name == row.label)
    assert row.error == ""


def test_peaks_outside_the_box_are_counted(model: Model, records: list[ImageRecord]) -> None:
    record = records[3]
    x, y, *_ = rows_of(model, [record])[0].peak_places[0]
    around, elsewhere = Box(x=x - 0.5, y=y - 0.5, width=1, height=1), Box(x=-9, y=-9, width=1, height=1)
    boxed = [record, replace(record, box=around), replace(record, box=elsewhere), replace(records[0], box=around)]
    none, inside, outside, unreadable = rows_of(model, boxed)
    assert none.peaks_outside is None
    assert inside.peaks_outside == sum((a, b) != (x, y) for a, b, *_ in inside.peak_places)
    assert outside.peaks_outside == outside.peaks
    assert unreadable.peaks_outside is None


def test_order_is_kept_and_unreadable_files_have_rows(model: Model, records: list[ImageRecord]) -> None:
    rows = rows_of(model, records)
    assert [row.file for row in rows] == [record.name for record in records]
    assert [index for index, row in enumerate(rows) if row.error] == [0, 4, 5, 6, 10]
    for row in rows:
        if row.error:
            assert (row.class_name, row.top, row.peaks, row.correct) == (None, (), None, None)
            assert row.label is not None


@pytest.mark.parametrize("options", [{}, {"control": "random_places"}, {"control": "hard_crop"}, {"branches": "O"}])
def test_the_batch_size_changes_nothing(
    model_of: Callable[..., Model], records: list[ImageRecord], options: dict[str, str]
) -> None:
    model = model_of(**options)
    assert alike(rows_of(model, records, 1), rows_of(model, records, 7))


def test_random_modes_are_keyed_by_name(model_of: Callable[..., Model], records: list[ImageRecord]) -> None:
    model = model_of(sampling="random")
    assert alike(rows_of(model, records, 2), rows_of(model, list(reversed(records)), 5)[::-1])
    assert not alike(rows_of(model, records), rows_of(model_of(), records))


@pytest.mark.parametrize(("branches", "letters"), [("O", "O"), ("O+D", "OD"), ("O+C", "OC"), ("D+C", "DC")])
def test_only_reported_branches_are_listed(
    model_of: Callable[..., Model], records: list[ImageRecord], branches: str, letters: str
) -> None:
    row = rows_of(model_of(branches=branches), records[1:2])[0]
    assert [letter for letter, _ in row.branches] == list(letters)
    if branches == "O":
        assert row.branches == (("O", row.class_name),)
        assert row.agreement == 1
        # The same O, hence the same peaks, as in the network that warps.
        assert row.peaks is not None
        assert row.peaks > 0


def test_the_rule_is_named_by_what_it_does(model_of: Callable[..., Model], records: list[ImageRecord]) -> None:
    assert {row.rule for row in rows_of(model_of(entropy_threshold=9.0), records[1:4])} == {"top-1"}
    assert {row.rule for row in rows_of(model_of(entropy_threshold=0.0, top_k=3), records[1:4])} == {"top-3"}
    assert {row.rule for row in rows_of(model_of(attention="saliency"), records[1:4])} == {"saliency"}


def test_labels_of_other_classes(model: Model, records: list[ImageRecord]) -> None:
    (rows,) = predict(model, records[1:3], classes=["species a", "unknown kind", CLASSES[5]], batch_size=4)
    assert [row.label for row in rows] == ["unknown kind", CLASSES[5]]
    assert rows[0].correct is None
    assert rows[1].correct is (rows[1].class_name == CLASSES[5])
    (rows,) = predict(model, records[1:3])
    assert [(row.label, row.correct) for row in rows] == [(None, None)] * 2


def test_start_leaves_out_what_is_done(model: Model, records: list[ImageRecord]) -> None:
    assert [row.file for row in rows_of(model, records, start=7)] == [record.name for record in records[7:]]
    assert rows_of(model, records, start=len(records)) == []


def test_stopping_early_leaves_no_thread(model: Model, records: list[ImageRecord]) -> None:
    before = set(threading.enumerate())
    rows = predict(model, records, batch_size=1, workers=2)
    next(rows)
    rows.close()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    "failure",
    [torch.OutOfMemoryError(), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
    ids=type,
)
def test_a_small_device_takes_smaller_batches(
    model: Model, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    expected = rows_of(model, records)
    sizes: list[int] = []

    def run_batch(model: Model, batch: Batch, **options: float | None) -> network_outputs.BatchOutput:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise failure
        return network_outputs.run_batch(model, batch, **options)

    monkeypatch.setattr("s3n_core.prediction.row_building.run_batch", run_batch)
    assert alike(rows_of(model, records, 6), expected)
    assert sizes[0] > 2
    assert max(sizes[2:]) <= 2, "the size that fits is remembered"


def test_a_device_too_small_for_one_image(
    model: Model, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_batch(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("s3n_core.prediction.row_building.run_batch", run_batch)
    with pytest.raises(DeviceError, match="choose the device cpu"):
        rows_of(model, records)


def test_an_answer_that_is_no_number(model: Model, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    bias = model.network.head("O").classifier.bias
    monkeypatch.setattr(bias, "data", torch.full_like(bias, torch.nan))
    joint = model.network.joint
    assert joint is not None
    monkeypatch.setattr(joint.bias, "data", torch.full_like(joint.bias, torch.inf))
    rows = rows_of(model, records[1:3])
    assert [row.error for row in rows] == [NOT_FINITE] * 2
    assert [row.class_name for row in rows] == [None] * 2


def test_half_precision(model: Model, records: list[ImageRecord]) -> None:
    rows = rows_of(dataclasses.replace(model, precision="bfloat16"), records)
    assert {row.precision for row in rows} == {"bfloat16"}
    entropies = [[row.entropy for row in some if not row.error] for some in (rows, rows_of(model, records))]
    assert None not in entropies[0]
    assert entropies[0] == pytest.approx(entropies[1], abs=0.01)
