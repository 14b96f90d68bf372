import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from image_folders import drawn_folder
from tiny_models import CLASSES

from s3n_core.analysis.cascade import CascadeAnswers, curve_text, most_saving
from s3n_core.analysis.evaluation import evaluate
from s3n_core.analysis.loaded_model import Model
from s3n_core.analysis.prediction import predict
from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import DataSetError


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRecord]:
    return drawn_folder(tmp_path_factory.mktemp("images"), 14, broken=(4,))


def answers(entropy: list[float], right_o: str, right_joint: str) -> CascadeAnswers:
    flags = [np.array([letter == "y" for letter in text]) for text in (right_o, right_joint)]
    return CascadeAnswers(np.array(entropy, dtype=np.float32), *flags, branches=3)


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
    many = CascadeAnswers(entropy, rng.random(1000) < 0.8, rng.random(1000) < 0.9, branches=2)
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


def test_what_is_advised() -> None:
    curve = answers([0.1, 0.2, 0.3, 0.4], "yyny", "yyyy").curve()
    assert most_saving(curve).stopped == 2
    text = curve_text(curve)
    assert "--stop-below 0.2 saves most without loss: 2.00 instead of 3.00 passes" in text
    assert text.splitlines()[1].split() == ["-", "0.0", "%", "100.0", "%", "3.00"]
    assert "Every threshold costs" in curve_text(answers([0.1, 0.2], "nn", "yy").curve())


@pytest.mark.parametrize("branches", ["O+D+C", "O+D"])
def test_it_agrees_with_the_rows(model_of: Callable[..., Model], records: list[ImageRecord], branches: str) -> None:
    model = model_of(branches=branches)
    labelled = [dataclasses.replace(record, label=place % 3) for place, record in enumerate(records)]
    found = evaluate(model, labelled, CLASSES, cascade=True).cascade
    assert found is not None
    rows = [row for batch in predict(model, labelled, classes=CLASSES) for row in batch if not row.error]
    for point in found.curve()[1:]:
        assert point.stop_below is not None
        stops = [row.entropy is not None and row.entropy <= point.stop_below for row in rows]
        said = [dict(row.branches)["O"] if stop else row.class_name for row, stop in zip(rows, stops, strict=True)]
        assert point.stopped == sum(stops)
        assert point.right == sum(name == row.label for name, row in zip(said, rows, strict=True))
        passes = [1 if stop else len(row.branches) for row, stop in zip(rows, stops, strict=True)]
        assert point.passes == pytest.approx(np.mean(passes))


def test_it_changes_no_other_figure(model: Model, records: list[ImageRecord]) -> None:
    plain, with_cascade = (evaluate(model, records, CLASSES, cascade=asked) for asked in (False, True))
    assert plain.cascade is None
    assert with_cascade.to_dict() == plain.to_dict()


@pytest.mark.parametrize("branches", ["O", "D+C"])
def test_nothing_can_be_stopped(model_of: Callable[..., Model], records: list[ImageRecord], branches: str) -> None:
    with pytest.raises(DataSetError, match="needs O and at least one branch after it"):
        evaluate(model_of(branches=branches), records, CLASSES, cascade=True)
