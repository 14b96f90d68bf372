import csv
import dataclasses
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_folders import drawn_folder
from tiny_models import CLASSES

from s3n_core.commands.evaluation_text import curve_text
from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import DataSetError, OutputError
from s3n_core.evaluation.cascade import CascadeOutcomes, most_saving, outcomes_of_rows
from s3n_core.evaluation.evaluate import evaluate
from s3n_core.models.opening import Model
from s3n_core.prediction.job import predict, predict_to_file
from s3n_core.prediction.rows import Prediction, PredictionProgress
from s3n_core.prediction.tables import read_json_table


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRecord]:
    return drawn_folder(tmp_path_factory.mktemp("images"), 14, broken=(4,))


@pytest.fixture(scope="module")
def uneven(model_of: Callable[..., Model]) -> Model:
    """A model whose entropy differs between images, unlike an untrained MobileNet's."""
    return model_of(backbone="resnet18")


def answers(entropy: list[float], right_o: str, right_joint: str) -> CascadeOutcomes:
    flags = [np.array([letter == "y" for letter in text]) for text in (right_o, right_joint)]
    return CascadeOutcomes(np.array(entropy, dtype=np.float32), *flags, branches=3)


def test_a_point_takes_o_where_it_stops() -> None:
    four = answers([0.3, 0.1, 0.2, 0.4], "nyny", "yyny")
    assert four.at(None) == dataclasses.replace(four.at(0.0), stop_below=None), "nobody is that sure"
    assert (four.at(None).right, four.at(None).passes) == (3, 3.0)
    point = four.at(0.3)
    assert (point.stopped, point.right) == (3, 2), (
        "the first is wrong where O answers it; a threshold takes its own value in"
    )
    assert point.passes == pytest.approx((1 + 1 + 1 + 3) / 4)
    assert (four.at(9.0).stopped, four.at(9.0).right, four.at(9.0).passes) == (4, 2, 1.0)


def test_the_curve_goes_from_nothing_to_everything() -> None:
    rng = np.random.default_rng(0)
    entropy = rng.exponential(0.1, 1000).astype(np.float32)
    many = CascadeOutcomes(entropy, rng.random(1000) < 0.8, rng.random(1000) < 0.9, branches=2)
    curve = many.curve()
    assert (curve[0].stopped, curve[0].passes) == (0, 2.0)
    assert (curve[-1].stopped, curve[-1].passes) == (1000, 1.0)
    assert len(curve) == 21
    assert np.diff([point.stopped for point in curve]).min() > 0
    for point in curve[1:]:
        assert point.stop_below == float(f"{point.stop_below:.3g}")
        assert many.at(point.stop_below) == point


def test_ties_and_entropies_that_are_not_numbers() -> None:
    odd = answers([0.0, 0.0, float("nan")], "yyy", "yyn")
    assert [(point.stop_below, point.stopped) for point in odd.curve()] == [(None, 0), (0.0, 2)]
    assert [point.stopped for point in answers([float("nan")], "y", "y").curve()] == [0]


def test_a_threshold_that_loses_and_makes_up_for_it_is_not_advised() -> None:
    curve = answers([0.1, 0.2, 0.3, 0.4], "ynyy", "yyny").curve()
    assert [point.right for point in curve] == [3, 3, 2, 3, 3]
    assert most_saving(curve).stop_below == 0.1


def test_what_is_advised() -> None:
    curve = answers([0.1, 0.2, 0.3, 0.4], "yyny", "yyyy").curve()
    assert most_saving(curve).stopped == 2
    text = curve_text(curve)
    assert "--stop-below 0.2 saves the most without losing accuracy: 2.00 instead of 3.00 passes" in text
    assert text.splitlines()[1].split() == ["-", "0.0", "%", "51", "to", "100", "%", "(4", "of", "4)", "3.00"]
    assert "Even the lowest threshold loses" in curve_text(answers([0.1, 0.2], "nn", "yy").curve())


@pytest.mark.parametrize("branches", ["O+D+C", "O+D"])
def test_it_agrees_with_the_rows(model_of: Callable[..., Model], records: list[ImageRecord], branches: str) -> None:
    model = model_of(branches=branches, backbone="resnet18")
    labelled = [dataclasses.replace(record, label=place % 3) for place, record in enumerate(records)]
    found = evaluate(model, labelled, CLASSES, cascade=True).cascade
    assert found is not None
    rows = [row for batch in predict(model, labelled, classes=CLASSES) for row in batch if not row.error]
    of_rows = outcomes_of_rows(rows)
    assert of_rows is not None
    assert [of_rows.at(point.stop_below) for point in found.curve()] == list(found.curve())
    for point in found.curve()[1:]:
        assert point.stop_below is not None
        stops = [row.entropy is not None and row.entropy <= point.stop_below for row in rows]
        said = [dict(row.branches)["O"] if stop else row.class_name for row, stop in zip(rows, stops, strict=True)]
        assert point.stopped == sum(stops)
        assert point.right == sum(name == row.label for name, row in zip(said, rows, strict=True))
        passes = [1 if stop else len(row.branches) for row, stop in zip(rows, stops, strict=True)]
        assert point.passes == pytest.approx(np.mean(passes))


def test_rows_without_an_effect() -> None:
    row = Prediction(
        file="a",
        class_name="x",
        branches=(("O", "x"),),
        entropy=0.1,
        label="x",
        correct=True,
        mode="expected",
        precision="float32",
        model="0",
    )
    assert outcomes_of_rows([row]) is None, "there is nothing to skip"
    without_o = dataclasses.replace(row, branches=(("D", "x"), ("C", "x")))
    assert outcomes_of_rows([without_o]) is None
    unlabelled = dataclasses.replace(row, branches=(("O", "x"), ("D", "x")), label=None, correct=None)
    assert outcomes_of_rows([unlabelled]) is None


def test_what_it_gains_and_costs_is_a_clause() -> None:
    four = answers([0.1, 0.2, 0.3, 0.4], "yyny", "yyyy")
    text = four.no_loss().effect_text(four.at(None))
    assert text.startswith("stopping after O up to H = 0.2 nats, 2.00 instead of 3.00 passes per image, accuracy ")
    assert four.at(None).effect_text(four.at(None)).startswith("all 3 branches for every image")


def test_it_changes_no_other_figure(uneven: Model, records: list[ImageRecord]) -> None:
    plain, with_cascade = (evaluate(uneven, records, CLASSES, cascade=asked) for asked in (False, True))
    assert plain.cascade is None
    assert with_cascade.to_dict() == plain.to_dict()


@pytest.mark.parametrize("branches", ["O", "D+C"])
def test_nothing_can_be_stopped(model_of: Callable[..., Model], records: list[ImageRecord], branches: str) -> None:
    with pytest.raises(DataSetError, match="needs O and at least one other branch"):
        evaluate(model_of(branches=branches), records, CLASSES, cascade=True)


def rows_of(model: Model, records: list[ImageRecord], **options: Any) -> list[Prediction]:
    batches = predict(model, records, classes=CLASSES, **{"batch_size": 5} | options)
    return [row for batch in batches for row in batch]


def middle(rows: list[Prediction]) -> float:
    """A threshold between the certain and the uncertain half, safely apart from both in float32."""
    ranked = sorted(row.entropy for row in rows if row.entropy is not None)
    place = len(ranked) // 2
    return (ranked[place - 1] + ranked[place]) / 2


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"branches": "O+D"},
        {"branches": "O+C"},
        {"control": "random_places"},
        {"form": "release"},
        {"sampling": "random"},
    ],
)
def test_sure_images_are_answered_by_o_and_the_others_in_full(
    model_of: Callable[..., Model], records: list[ImageRecord], options: dict[str, str]
) -> None:
    model = model_of(backbone="resnet18", **options)
    full = rows_of(model, records)
    threshold = middle(full)
    rows = rows_of(model, records, stop_below=threshold)
    assert [row.file for row in rows] == [row.file for row in full]
    stopped = 0
    for row, whole in zip(rows, full, strict=True):
        if whole.entropy is None:
            assert row == whole
        elif whole.entropy <= threshold:
            stopped += 1
            assert row.branches == whole.branches[:1]
            assert (row.class_name, row.agreement) == (dict(whole.branches)["O"], 1)
            assert row.probability == pytest.approx(whole.branch_probabilities[0], rel=1e-4)
            assert (row.entropy, row.rule) == (pytest.approx(whole.entropy, rel=1e-3), whole.rule)
            if "control" not in options:
                assert row.peaks == whole.peaks
                np.testing.assert_allclose(row.peak_places, whole.peak_places, atol=2e-4)
        else:
            assert (row.branches, row.peaks, row.class_name) == (whole.branches, whole.peaks, whole.class_name)
            np.testing.assert_allclose([p for _, p in row.top], [p for _, p in whole.top], rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(row.branch_probabilities, whole.branch_probabilities, rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(row.peak_places, whole.peak_places, atol=2e-4)
    assert 0 < stopped < 13


def test_without_a_sure_image_nothing_changes(uneven: Model, records: list[ImageRecord]) -> None:
    assert rows_of(uneven, records, stop_below=0.0) == rows_of(uneven, records)
    assert all(row.branches[1:] == () for row in rows_of(uneven, records, stop_below=100.0))


def test_the_backbone_runs_no_more_than_it_must(
    uneven: Model, records: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = rows_of(uneven, records)
    threshold = middle(full)
    seen: list[int] = []
    features = uneven.network.features

    def counted(images: torch.Tensor, branch: str) -> torch.Tensor:
        seen.append(len(images))
        return features(images, branch)

    monkeypatch.setattr(uneven.network, "features", counted)
    rows = rows_of(uneven, records, stop_below=threshold)
    assert sum(seen) == sum(len(row.branches) for row in rows) < 3 * 13
    seen.clear()
    rows_of(uneven, records)
    assert sum(seen) == 3 * 13


@pytest.mark.parametrize("name", ["p.csv", "p.json"])
def test_a_table_names_its_threshold(uneven: Model, records: list[ImageRecord], tmp_path: Path, name: str) -> None:
    out, off = tmp_path / name, tmp_path / f"off-{name}"
    list(predict_to_file(uneven, records, off, classes=CLASSES))
    assert "stop_below" not in off.read_text()
    threshold = middle(rows_of(uneven, records))
    *_, last = predict_to_file(uneven, records, out, classes=CLASSES, stop_below=threshold)
    rows = rows_of(uneven, records, stop_below=threshold)
    passes = float(np.mean([len(row.branches) for row in rows if not row.error]))
    assert last.passes == pytest.approx(passes)
    if name == "p.json":
        header, read = read_json_table(out)
        assert (header.stop_below, header.passes) == (threshold, pytest.approx(passes))
        assert [row.branches for row in read] == [row.branches for row in rows]
    else:
        with open(out, encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        assert {float(line["stop_below"]) for line in lines} == {threshold}
        assert [bool(line["class_D"]) for line in lines] == [len(row.branches) == 3 for row in rows]


def test_a_table_goes_on_with_the_same_threshold_only(
    uneven: Model, records: list[ImageRecord], tmp_path: Path
) -> None:
    out, whole = tmp_path / "p.json", tmp_path / "whole.json"
    threshold = middle(rows_of(uneven, records))

    def job(path: Path, stop_below: float | None) -> Generator[PredictionProgress, None, None]:
        return predict_to_file(uneven, records, path, classes=CLASSES, batch_size=5, stop_below=stop_below)

    list(job(whole, threshold))
    with closing(job(out, threshold)) as steps:
        next(steps)
        assert next(steps).done == 5
    for other in (None, threshold / 2):
        with pytest.raises(OutputError, match=f"another --stop-below \\({threshold}, not "):
            next(job(out, other))
    events = list(job(out, threshold))
    assert events[0].resumed == 5
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("branches", ["O", "D+C"])
def test_a_table_of_a_network_that_cannot_stop(
    model_of: Callable[..., Model], records: list[ImageRecord], tmp_path: Path, branches: str
) -> None:
    with pytest.raises(DataSetError, match="a cascade needs O"):
        list(predict_to_file(model_of(branches=branches), records, tmp_path / "p.csv", stop_below=0.1))
    assert list(tmp_path.iterdir()) == []
