"""The table of predictions as columns: lossless, with correct sorting, filtering and accuracy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_rows import CLASSES, predictions, rows

from s3n_core.evaluation.intervals import wilson_interval
from s3n_gui.prediction.table.prediction_columns import Block, PredictionColumns
from s3n_gui.prediction.table.row_order import KINDS, RowFilter, shown_rows
from s3n_gui.state.prediction_request import PredictionRequest


@pytest.mark.parametrize("labelled", [True, False])
def test_every_row_comes_back_exactly(labelled: bool) -> None:
    table = predictions(3000, labelled=labelled)  # grows beyond its initial capacity
    made = rows(3000, labelled=labelled)
    assert [table.row(number) for number in range(len(table))] == made


def test_sorting_puts_rows_without_a_value_last_and_keeps_the_order_of_equals() -> None:
    table = predictions(300)
    for key in ("probability", "entropy", "margin", "agreement", "peaks", "class", "file", "label"):
        for descending in (False, True):
            order = shown_rows(table, RowFilter(), key, descending=descending)  # type: ignore[arg-type]
            assert sorted(order.tolist()) == list(range(300))
            if key not in ("file", "label"):
                assert set(order[-6:].tolist()) == set(table.errors)
    falling = table.column("probability")[shown_rows(table, RowFilter(), "probability", descending=True)][:-6]
    assert (np.diff(falling) <= 0).all()
    agreeing = shown_rows(table, RowFilter(), "agreement", descending=True)
    full = [row for row in agreeing.tolist() if table.column("agreement")[row] == 1]
    assert full == sorted(full)


def test_filters() -> None:
    table = predictions(300)
    made = rows(300)

    def found(**fields: object) -> list[int]:
        return [int(row) for row in shown_rows(table, RowFilter(**fields))]  # type: ignore[arg-type]

    assert found(kind="mistakes") == [n for n, row in enumerate(made) if row.correct is False]
    assert found(kind="right") == [n for n, row in enumerate(made) if row.correct]
    assert found(kind="unreadable") == [n for n, row in enumerate(made) if row.error]
    assert found(kind="disagreements") == [
        n for n, row in enumerate(made) if row.agreement is not None and row.agreement < 1
    ]
    below = [n for n, row in enumerate(made) if row.probability is None or row.probability < 0.7]
    assert found(kind="below", threshold=0.7) == below
    pair = [n for n, row in enumerate(made) if row.label == CLASSES[0] and row.class_name == CLASSES[1]]
    assert found(label=0, predicted=1) == pair
    assert pair
    assert found(text="BILD 000017") == [17]
    assert found(text="cut off") == found(kind="unreadable")
    assert found(text="bee") == [n for n, row in enumerate(made) if CLASSES[1] in (row.class_name, row.label)]
    table.names[1] = "002.Honey_Bee"
    assert found(text="honey bee") == found(text="002.honey_bee") == found(text="bee")
    assert RowFilter().is_open
    assert all(not RowFilter(kind=kind).is_open for kind in KINDS[1:])


def test_figures_agree_with_counting() -> None:
    made, accuracy = rows(500), predictions(500).accuracy()
    judged = [row for row in made if row.correct is not None]
    assert (accuracy.images, accuracy.predicted, accuracy.counted) == (500, len(judged), len(judged))
    assert accuracy.top1 == pytest.approx(sum(bool(row.correct) for row in judged) / len(judged))
    for label in range(3):
        for said in range(3):
            count = sum(row.label == CLASSES[label] and row.class_name == CLASSES[said] for row in judged)
            assert accuracy.confusion[label, said] == count
    bees = [row for row in judged if row.label == CLASSES[1]]
    assert accuracy.by_class[1].recall == pytest.approx(sum(bool(row.correct) for row in bees) / len(bees))
    for threshold in (0.0, 0.5, 0.83, 1.1):
        kept = [row for row in judged if row.probability is not None and row.probability >= threshold]
        coverage, top1 = accuracy.coverage.at(threshold)
        assert coverage == pytest.approx(len(kept) / 500)
        assert top1 == (pytest.approx(sum(bool(row.correct) for row in kept) / len(kept)) if kept else None)
    coverage_curve, accuracy_curve, low, high = accuracy.coverage.curve()
    assert coverage_curve[-1] == pytest.approx(len(judged) / 500)
    assert accuracy_curve[-1] == pytest.approx(accuracy.top1)
    assert (low[-1], high[-1]) == pytest.approx(wilson_interval(sum(bool(row.correct) for row in judged), len(judged)))
    assert ((low <= accuracy_curve) & (accuracy_curve <= high)).all()
    assert high[0] - low[0] > high[-1] - low[-1], "fewer images say less"


def test_without_labels_there_is_no_accuracy() -> None:
    accuracy = predictions(100, labelled=False).accuracy()
    assert accuracy.top1 is None
    assert accuracy.coverage.at(0.5)[1] is None
    assert len(accuracy.coverage.curve()[0]) == 0
    assert len(accuracy.classes) == 0
    named = [row.class_name for row in rows(100, labelled=False)]
    assert [figure.predictions for figure in accuracy.by_class] == [named.count(name) for name in CLASSES]


def test_coverage_falls_with_the_threshold() -> None:
    accuracy = predictions(100, labelled=False).accuracy()
    thresholds, coverage = accuracy.coverage.by_threshold()
    assert (thresholds[0], thresholds[-1]) == (0, 1)
    assert coverage[0] == 0.98  # two of the images could not be read
    for at in (0, 90, 150, 200):
        assert coverage[at] == accuracy.coverage.at(float(thresholds[at]))[0]


def test_100_000_rows_are_sorted_and_filtered_as_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """No row is converted to an object; benchmarks/window_tables.py measures the time."""
    table = predictions(2000)
    texts = {key: values * 50 for key, values in table.texts.items()}
    texts["file"] = [f"{n}-{file}" for n in range(50) for file in table.files]
    numbers = {key: np.concatenate([array[: len(table)]] * 50) for key, array in table._arrays.items()}
    large = PredictionColumns(table.header)
    large.append(Block(100_000, [], table.words, texts, numbers, {"peak_places": np.zeros((0, 5), np.float32)}))
    small = shown_rows(table, RowFilter(kind="mistakes"))
    monkeypatch.setattr(PredictionColumns, "row", None)
    best = shown_rows(large, RowFilter(), "probability", descending=True)
    likely = numbers["probability"][best]
    assert len(best) == 100_000
    known = likely[~np.isnan(likely)]  # rows without a prediction come last
    assert np.all(known[:-1] >= known[1:])
    assert np.isnan(likely[len(known) :]).all()
    assert sorted(shown_rows(large, RowFilter(kind="mistakes")) % 2000) == sorted(list(small) * 50)
    assert large.accuracy().top1 == table.accuracy().top1


def test_the_request_names_one_place_and_one_command(tmp_path: object) -> None:
    from pathlib import Path

    request = PredictionRequest(model=Path("/m/run"), images=Path("/data/ein ordner"), split="test", device="cpu")
    assert request.table == PredictionRequest(model=Path("/m/run"), images=Path("/data/ein ordner"), split="test").table
    assert request.table != PredictionRequest(model=Path("/m/run"), images=Path("/data/ein ordner")).table
    arguments = request.arguments(restart=True)
    assert arguments[:3] == ("predict", "/m/run", "/data/ein ordner")
    assert arguments[-5:] == ("--split", "test", "--device", "cpu", "--restart")
    assert not any(argument.startswith("--stop-below") for argument in arguments)
    sure = replace(request, stop_below=0.05)
    assert sure.table != request.table
    assert "--stop-below=0.05" in sure.arguments()
