import dataclasses
import json
import math
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from image_folders import drawn_folder
from tiny_models import CLASSES

from s3n_core.commands.evaluation_text import evaluation_text
from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.loading import Batch
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import DataSetError
from s3n_core.evaluation.accuracy import Accuracy, ClassAccuracy, mean_recall_interval
from s3n_core.evaluation.confusion import ConfusionCells
from s3n_core.evaluation.counting import EvaluationCounts
from s3n_core.evaluation.evaluate import evaluate
from s3n_core.evaluation.intervals import accuracy_share_text, accuracy_text, share_text, wilson_interval
from s3n_core.evaluation.result import MEAN, Evaluation
from s3n_core.models import network_outputs
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input
from s3n_core.prediction.job import predict, predict_to_file
from s3n_core.prediction.row_building import NOT_FINITE


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRecord]:
    return drawn_folder(tmp_path_factory.mktemp("images"), 30, broken=(4, 9))


@pytest.mark.parametrize(
    ("control", "said"),
    [("none", ""), ("identity", ""), ("true_places", "its own peaks"), ("other_image", "neighbours")],
)
def test_a_control_that_answers_otherwise_than_measured_says_so(
    model_of: Callable[..., Model], records: list[ImageRecord], tmp_path: Path, control: str, said: str
) -> None:
    model = model_of(control=control)
    *_, last = predict_to_file(model, records[:4], tmp_path / "table.csv", classes=CLASSES)
    for warnings in (evaluate(model, records[:4], CLASSES).warnings, last.warnings):
        assert [said in sentence for sentence in warnings] == ([True] if said else [])


def readable(records: list[ImageRecord]) -> list[ImageRecord]:
    return [record for index, record in enumerate(records) if index not in (4, 9)]


def inputs_of(model: Model, records: list[ImageRecord]) -> tuple[torch.Tensor, torch.Tensor]:
    views = np.stack([test_view(read_image(record.path), model.preprocess) for record in records])
    return to_input(views, "cpu"), torch.tensor([record.label for record in records])


def alike(one: Evaluation, other: Evaluation) -> bool:
    return one.accuracies == other.accuracies and (one.confusion == other.confusion).all()


def test_every_figure(model: Model, records: list[ImageRecord]) -> None:
    found = evaluate(model, records, CLASSES, batch_size=4)
    images, labels = inputs_of(model, readable(records))
    with torch.inference_mode():
        output = model.network(images, sampling=model.sampling, trace=True)
    assert output.trace is not None
    logits = {"joint": output.joint, **output.branches()}
    logits[MEAN] = torch.stack([scores.softmax(dim=1) for scores in output.branches().values()]).mean(dim=0)
    assert [accuracy.name for accuracy in found.accuracies] == ["joint", "O", "D", "C", MEAN]
    for accuracy in found.accuracies:
        ranked = logits[accuracy.name].argsort(dim=1, descending=True)
        assert accuracy.images == len(labels)
        assert accuracy.top1 == (ranked[:, 0] == labels).sum()
        assert accuracy.top5 == (ranked[:, :5] == labels[:, None]).any(dim=1).sum()
    confusion = np.zeros((12, 12), dtype=int)
    np.add.at(confusion, (labels.numpy(), output.joint.argmax(dim=1).numpy()), 1)
    np.testing.assert_array_equal(found.confusion, confusion)
    losses = {name: F.cross_entropy(logits[name], labels).item() for name in ("joint", "O", "D", "C")}
    assert found.losses == pytest.approx(losses, rel=1e-4)
    assert found.loss == pytest.approx(sum(losses.values()), rel=1e-4)
    response = output.trace.response
    assert found.entropy == pytest.approx(response.entropy.mean().item(), rel=1e-3)
    sure = response.sure.float().mean().item()
    assert found.rules == pytest.approx({"top-1": sure, "top-5": 1 - sure})
    assert found.peaks == pytest.approx(response.peaks.sum(dim=(1, 2)).float().mean().item())
    assert found.without_peaks == 0
    assert [name for name, _ in found.unreadable] == ["004.png", "009.png"]
    assert (found.mode, found.precision, found.model) == ("expected", "float32", model.digest)


def test_it_agrees_with_the_rows(model: Model, records: list[ImageRecord]) -> None:
    found = evaluate(model, records, CLASSES)
    rows = [row for batch in predict(model, records, classes=CLASSES) for row in batch]
    assert found.accuracies[0].top1 == sum(row.correct is True for row in rows)
    assert found.images == sum(not row.error for row in rows)


@pytest.mark.parametrize(
    ("branches", "names", "losses"),
    [
        ("O", ["O"], {"O"}),
        ("O+C", ["joint", "O", "C", MEAN], {"joint", "O", "C"}),
        ("D+C", ["joint", "D", "C", MEAN], {"joint", "O", "D", "C"}),
    ],
)
def test_what_each_branch_set_reports(
    model_of: Callable[..., Model], records: list[ImageRecord], branches: str, names: list[str], losses: set[str]
) -> None:
    found = evaluate(model_of(branches=branches), records[:4], CLASSES)
    assert [accuracy.name for accuracy in found.accuracies] == names
    assert set(found.losses) == losses


@pytest.mark.parametrize("options", [{}, {"control": "random_places"}])
def test_the_batch_size_changes_nothing(
    model_of: Callable[..., Model], records: list[ImageRecord], options: dict[str, str]
) -> None:
    model = model_of(**options)
    assert alike(evaluate(model, records, CLASSES, batch_size=1), evaluate(model, records, CLASSES, batch_size=13))


def test_nothing_to_count(model: Model) -> None:
    counts = EvaluationCounts(model.network.config)
    assert counts.images == 0
    with pytest.raises(ValueError, match="no image"):
        counts.result(CLASSES, mode="expected", precision="float32")


def test_many_batches_count_as_few(model: Model, records: list[ImageRecord]) -> None:
    """So many that some are joined on the way."""
    many, few = (evaluate(model, records * 3, CLASSES, batch_size=size, cascade=True) for size in (1, 13))
    assert many.images == 3 * len(readable(records))
    assert alike(many, few)
    assert many.cascade is not None
    assert few.cascade is not None
    np.testing.assert_allclose(many.cascade.entropy, few.cascade.entropy, rtol=1e-4, atol=1e-5)


def test_progress(model: Model, records: list[ImageRecord]) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(model, records[:10], CLASSES, batch_size=4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4, 10), (8, 10), (10, 10)]


def test_classes_are_matched_by_name(model: Model, records: list[ImageRecord]) -> None:
    order = [3, 0, 1, 2, *range(11, 3, -1)]
    shuffled = [CLASSES[index] for index in order]
    moved = [dataclasses.replace(record, label=order.index(record.label or 0)) for record in records]
    assert alike(evaluate(model, moved, shuffled), evaluate(model, records, CLASSES))


def test_classes_of_another_unicode_form_are_the_same(model: Model, records: list[ImageRecord]) -> None:
    composed = [f"{name} né" for name in CLASSES]
    apart = [unicodedata.normalize("NFD", name) for name in composed]
    renamed = dataclasses.replace(model, header=model.header.model_copy(update={"classes": tuple(composed)}))
    assert alike(evaluate(renamed, records, apart), evaluate(model, records, CLASSES))


def test_fewer_classes_than_the_model(model: Model, records: list[ImageRecord]) -> None:
    some = [record for record in records if record.label in (2, 7)]
    moved = [dataclasses.replace(record, label={2: 0, 7: 1}[record.label or 0]) for record in some]
    found = evaluate(model, moved, [CLASSES[2], CLASSES[7]])
    assert alike(found, evaluate(model, some, CLASSES))
    assert [found.classes[row.index] for row in found.by_class() if row.images] == [CLASSES[2], CLASSES[7]]


def test_other_classes_are_refused(model: Model, records: list[ImageRecord]) -> None:
    names = [*CLASSES[:7], *(f"tree {number}" for number in range(5))]
    with pytest.raises(DataSetError, match=r"'tree 0', 'tree 1', 'tree 2' and 2 more.*'species h'.*Choose") as raised:
        evaluate(model, records, names)
    assert str(model.path) in str(raised.value)
    known = [record for record in records if (record.label or 0) < 7]
    assert evaluate(model, known, names).images, "classes without images do not matter"
    with pytest.raises(DataSetError, match="have the same name"):
        evaluate(model, records[:2], [CLASSES[0], CLASSES[0]])


def test_without_labels_or_images(model: Model, records: list[ImageRecord]) -> None:
    bare = [dataclasses.replace(record, label=None) for record in records]
    with pytest.raises(DataSetError, match="None of these images has a label"):
        evaluate(model, bare, ())
    assert evaluate(model, [*bare[:3], *records[:2]], CLASSES).unlabelled == 3
    with pytest.raises(DataSetError, match=r"None of the 2 labelled images could be read \(first: 004.png"):
        evaluate(model, [records[4], records[9]], CLASSES)


def test_a_small_device_counts_each_image_once(
    model: Model, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = evaluate(model, records, CLASSES)

    def run_batch(model: Model, batch: Batch) -> network_outputs.BatchOutput:
        if len(batch) > 2:
            raise torch.OutOfMemoryError
        return network_outputs.run_batch(model, batch)

    monkeypatch.setattr("s3n_core.evaluation.evaluate.run_batch", run_batch)
    assert alike(evaluate(model, records, CLASSES), expected)


def without_finite_logits(names: set[str]) -> Callable[[Model, Batch], network_outputs.BatchOutput]:
    """Return a pass whose logits and entropies of images with these names are NaN."""

    def run_batch(model: Model, batch: Batch) -> network_outputs.BatchOutput:
        found = network_outputs.run_batch(model, batch)
        lost = torch.tensor([name in names for name in batch.names])
        assert found.output.joint is not None
        output = dataclasses.replace(
            found.output,
            joint=found.output.joint.masked_fill(lost[:, None], math.nan),
            original=found.output.original.masked_fill(lost[:, None], math.nan),
        )
        return dataclasses.replace(found, output=output, entropy=found.entropy.masked_fill(lost, math.nan))

    return run_batch


@pytest.mark.parametrize("batch_size", [1, 7])
def test_images_without_a_finite_prediction_are_left_out_of_every_figure(
    model: Model, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    lost = {"000.png", "003.png", "012.png"}
    kept = [record for record in records if record.name not in lost]
    expected = evaluate(model, kept, CLASSES, batch_size=batch_size, cascade=True)
    monkeypatch.setattr("s3n_core.evaluation.evaluate.run_batch", without_finite_logits(lost))
    found = evaluate(model, records, CLASSES, batch_size=batch_size, cascade=True)
    assert alike(found, expected)
    for name in ("loss", "losses", "entropy", "rules", "peaks", "without_peaks"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-4)
    assert found.seen == expected.seen
    assert found.cascade is not None
    assert len(found.cascade.entropy) == found.images
    assert [name for name, _ in found.unreadable] == ["000.png", "003.png", "004.png", "009.png", "012.png"]
    assert [reason for _, reason in found.unreadable if reason == NOT_FINITE] == [NOT_FINITE] * 3
    assert "Left out, as there is no prediction: 5\n  000.png: the model's prediction" in evaluation_text(found)
    with pytest.raises(
        DataSetError, match=r"None of the 2 labelled images could be evaluated \(first: 000.png: the mod"
    ):
        evaluate(model, [records[0], records[3]], CLASSES)


def test_wilson_interval() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20.
    for right, count, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]:
        assert wilson_interval(right, count) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(20, 20)[1] == 1


def drawn_evaluation(classes: tuple[str, ...], confusion: list[list[int]], **values: object) -> Evaluation:
    matrix = np.array(confusion, dtype=np.int64)
    count, right = int(matrix.sum()), int(matrix.trace())
    options: dict[str, object] = {
        "classes": classes,
        "accuracies": (Accuracy("joint", count, right, count), Accuracy("O", count, right - 1, count)),
        "cells": ConfusionCells.of_matrix(matrix),
        "loss": 1.5,
        "losses": {"joint": 0.5, "O": 1.0},
        "entropy": 0.25,
        "entropy_threshold": 0.2,
        "rules": {"top-1": 0.75, "top-5": 0.25},
        "peaks": 4.5,
        "without_peaks": 0.0,
        "mode": "expected",
        "precision": "float32",
        "model": "0123456789abcdef",
    }
    return Evaluation(**options | values)  # type: ignore[arg-type]


def test_a_notebook_and_the_console_show_the_intervals() -> None:
    found = drawn_evaluation(("a", "b"), [[7, 8], [6, 9]])
    assert repr(found) == "<Evaluation: top-1 53 % of 30 (36 to 70). All images.>"
    assert "<td>joint</td><td>53 % of 30 (36 to 70)</td>" in found._repr_html_()
    assert "<td>O</td><td>50 % of 30 (33 to 67)</td>" in found._repr_html_()


def test_one_text_for_every_accuracy() -> None:
    assert accuracy_text(16, 30) == "53 % of 30 (36 to 70)"
    assert accuracy_text(3, 4) == "30 to 95 % (3 of 4)", "of fewer than ten the interval comes first"
    assert accuracy_text(9, 9) == "70 to 100 % (9 of 9)"
    assert accuracy_text(9, 10) == "90 % of 10 (60 to 98)"
    assert accuracy_text(5058, 5794) == "87.3 % of 5,794 (86.4 to 88.1)", "of many, tenths mean something"
    assert accuracy_text(3, 600) == "0.5 % of 600 (0.2 to 1.5)", "three are not none"
    assert accuracy_text(599, 600) == "99.8 % of 600 (99.1 to 100.0)", "and all but one are not all"
    assert accuracy_text(600, 600) == "100 % of 600 (99 to 100)"
    assert accuracy_text(1, 20_000) == "0.01 % of 20,000 (0.00 to 0.03)"
    assert share_text(3, 600) == "3 of 600 (0.5 %, 0.2 to 1.5)"
    assert share_text(1, 5) == "1 of 5 (4 to 62 %)"
    assert share_text(0, 30) == "0 of 30 (0 %, 0 to 11)"
    assert share_text(0, 0) == "–"
    assert accuracy_text(0, 0) == "–"
    assert accuracy_share_text(16 / 30, 30) == accuracy_text(16, 30)
    assert accuracy_share_text(16 / 30, None) == "53 % of ?", "no interval where the number of images is not known"
    assert accuracy_share_text(None, 30) == accuracy_share_text(math.nan, 30) == "–"


def test_the_interval_of_the_mean_over_classes_holds_the_truth() -> None:
    generator = np.random.default_rng(0)
    truth, images = np.array([0.5, 0.7, 0.8, 0.95]), (10, 20, 30, 40)
    inside = 0
    for _ in range(400):
        correct = generator.binomial(images, truth)
        rows = [ClassAccuracy(0, n, int(right), n, n) for n, right in zip(images, correct, strict=True)]
        low, high = mean_recall_interval([*rows, ClassAccuracy(4, 0, 0, 0, 0)])
        inside += low <= truth.mean() <= high
    assert 0.92 <= inside / 400 <= 0.99
    one = ClassAccuracy(0, 30, 16, 30, 30)
    assert mean_recall_interval([one]) == pytest.approx(wilson_interval(16, 30)), "of one class, its own"


def test_classes_and_confusions() -> None:
    found = drawn_evaluation(("a", "b", "none"), [[5, 3, 0], [1, 9, 0], [0, 0, 0]])
    assert [(row.images, row.correct, row.recall) for row in found.by_class()] == [
        (8, 5, 0.625),
        (10, 9, 0.9),
        (0, 0, None),
    ]
    assert found.mean_class_accuracy == pytest.approx((0.625 + 0.9) / 2)
    assert [(row.label, row.predicted, row.count) for row in found.confusions()] == [(0, 1, 3), (1, 0, 1)]
    assert found.confusion.trace() == 14, "left as it was"
    assert found.figures()["accuracy"] == pytest.approx(14 / 18)
    assert found.figures()["accuracy_O"] == pytest.approx(13 / 18)


def test_json_holds_everything() -> None:
    found = drawn_evaluation(("鳥", "b"), [[5, 3], [1, 9]], loss=math.nan, unreadable=(("x.png", "the file is empty"),))
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["confusion"] == [[5, 3], [1, 9]]
    assert document["loss"] is None
    assert document["by_class"][0] == {
        "class": "鳥",
        "images": 8,
        "correct": 5,
        "accuracy": 0.625,
        "accuracy_interval_95": pytest.approx(wilson_interval(5, 8)),
    }
    assert document["predictions"][0]["top1_interval_95"] == document["top1_interval_95"]
    assert document["predictions"][1]["top1_interval_95"] == pytest.approx(wilson_interval(13, 18))
    assert document["predictions"][1]["top5_interval_95"] == pytest.approx(wilson_interval(18, 18))
    low, high = document["mean_class_accuracy_interval_95"]
    assert low < document["mean_class_accuracy"] < high
    assert document["unreadable"] == [{"file": "x.png", "reason": "the file is empty"}]
    assert document["predictions"][1]["name"] == "O"


def test_text_is_aligned() -> None:
    found = drawn_evaluation(
        ("a long name", "鳥", "with\nline end"),
        [[5, 3, 0], [1, 19, 0], [0, 0, 0]],
        unreadable=(("x\udce9.png", "the file is empty"),),
        unlabelled=2,
    )
    text = evaluation_text(found)
    text.encode("utf-8")
    assert "Top-1 86 % of 28 (69 to 94), not counting 2 without a label; 95 % intervals in brackets\n" in text
    assert (
        "Class           Images  Correct               Accuracy\n"
        "a long name          8        5    31 to 86 % (5 of 8)\n"
        "鳥                  20       19  95 % of 20 (76 to 99)\n"
        "with\\nline end       0        0                      –\n"
    ) in text
    assert " 1 a long name                                    5   3  .\n" in text
    assert "top-1 in 75.0 %, top-5 in 25.0 % of the images" in text
    assert "  x\\udce9.png: the file is empty\n" in text


def test_text_of_many_classes_lists_mistakes_only() -> None:
    names = tuple(f"class {number}" for number in range(200))
    confusion = np.eye(200, dtype=int)
    confusion[3, 4] = 2
    text = evaluation_text(drawn_evaluation(names, confusion.tolist()))
    assert "Confusion (rows" not in text
    assert "class 3" in text
    assert "Most frequent mistakes: true class  predicted class" in text


def test_half_precision(model: Model, records: list[ImageRecord]) -> None:
    half = evaluate(dataclasses.replace(model, precision="bfloat16"), records, CLASSES)
    assert half.precision == "bfloat16"
    assert half.loss == pytest.approx(evaluate(model, records, CLASSES).loss, rel=0.1)
