"""The Train page's models without widgets: series, smoothing, recipe, comments, charts, runs, files."""

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from s3n_core.export.run_snapshots import RunSnapshots
from s3n_core.runs.metrics_reading import MetricsReader
from s3n_core.runs.run_state import RunState
from s3n_core.runs.run_summary import RunSummary
from s3n_core.system.resources import resource
from s3n_core.training.recipes import RECIPES, find_recipe
from s3n_gui.training.curves.chart_layout import chart_places
from s3n_gui.training.curves.charts import CHARTS, EMPTY, main_points, training_points, validation_points, value_at
from s3n_gui.training.curves.curve_files import curve_table
from s3n_gui.training.curves.curve_maker import thinned
from s3n_gui.training.curves.metric_series import MetricSeries, block_of, joined, line_weight, smoothed
from s3n_gui.training.recipe.recipe_choice import RecipeChoice, data_problem
from s3n_gui.training.recipe.recipe_fields import FIRST, recipe_fields
from s3n_gui.training.runs.run_bar import facts_text, phase_text
from s3n_gui.training.runs.runs_model import run_facts
from s3n_gui.training.sentences import result_sentence, sayings
from s3n_gui.training.shown_run import recipe_bands
from s3n_gui.training.snapshot_store import read_probes


def step(epoch, batch, batches=4, **values):
    return {"kind": "step", "epoch": epoch, "batch": batch, "step": epoch * batches + batch, **values}


def epoch(number, batches=4, **values):
    return {"kind": "epoch", "epoch": number, "step": (number + 1) * batches, "warnings": [], **values}


def series_of(*lines):
    series = MetricSeries()
    series.add(block_of(lines))
    return series


class TestSeries:
    def test_step_lines_hold_the_values_of_batches(self):
        series = series_of(step(0, 1, loss=4.0), step(0, 2, loss=2.0), epoch(0, batches=2, loss=3.0))
        series.add(block_of([step(1, 1, batches=2, loss=1.0)]))
        assert series.step_values("loss").tolist() == [4.0, 2.0, 1.0]
        assert series.step_places().tolist() == [0.5, 1.0, 1.5]

    def test_the_same_in_many_small_blocks(self):
        lines = [step(e, b, loss=1.0 / (1 + e + b)) for e in range(90) for b in range(1, 5)]
        whole, parts = series_of(*lines), MetricSeries()
        for line in lines:
            parts.add(block_of([line]))
        assert np.allclose(whole.step_values("loss"), parts.step_values("loss"))
        assert parts.step_count == 360

    def test_gaps_and_late_columns(self):
        series = series_of(step(0, 1, loss=None, rate=1.0), step(0, 2, loss=2.0, rate=1.0))
        series.add(block_of([step(0, 3, loss=2.0, rate=1.0, fresh=5.0)]))
        assert np.isnan(series.step_values("loss")[0])
        assert np.isnan(series.step_values("fresh")[:2]).all()
        assert series.step_values("fresh")[2] == 5.0
        assert np.isnan(series.step_values("unknown")).all()

    def test_places_before_the_first_epoch_is_done(self):
        series = series_of(step(0, 1, loss=1.0))
        series.set_batches(10)
        assert series.step_places().tolist() == [0.1]
        series.clear()
        assert series.step_count == 0

    def test_a_hundred_thousand_lines_are_read_at_once(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        values = dict.fromkeys(("loss", "loss_joint", "loss_O", "loss_D", "loss_C", "accuracy_O"), 0.123456789012345)
        path.write_text("".join(json.dumps(step(n // 100, n % 100 + 1, 100, **values)) + "\n" for n in range(100_000)))
        series = series_of(*MetricsReader(path).poll().lines)
        assert series.step_count == 100_000

    def test_columns_that_not_every_line_has(self):
        block = block_of([step(0, 1, loss=1.0), step(0, 2, word="all"), {"kind": "other"}, step(0, 3, loss=None)])
        assert block.count == 3
        assert np.isnan(block.steps["loss"][1:]).all()
        assert "word" not in block.steps

    def test_joined(self):
        whole = joined([block_of([step(0, 1, loss=1.0)]), block_of([epoch(0)]), block_of([step(0, 2, rate=2.0)])])
        assert whole.count == 2
        assert len(whole.epochs) == 1
        assert whole.steps["batch"].tolist() == [1.0, 2.0]
        assert np.isnan(whole.steps["loss"][1])
        assert joined([]).count == 0

    def test_a_snapshot_stays_as_it_is(self):
        series = series_of(step(0, 1, loss=4.0))
        taken = series.snapshot()
        for batch in range(2, 600):
            series.add(block_of([step(0, batch, 600, loss=4.0, fresh=1.0), epoch(batch)]))
        assert taken.step_values("loss").tolist() == [4.0]
        assert not taken.epoch_lines
        series.clear()
        assert taken.step_count == 1


class TestThinning:
    def test_few_points_stay(self):
        points = (np.arange(50.0), np.arange(50.0))
        assert thinned(points, 0.0, 49.0, 100)[0].tolist() == points[0].tolist()
        assert not len(thinned(EMPTY, 0.0, 1.0, 10)[0])

    def test_no_spike_is_lost(self):
        values = np.sin(np.arange(100_000) / 5000)
        values[[12_345, 77_777]] = 9.0, -9.0
        places, drawn = thinned((np.linspace(0.0, 10.0, 100_000), values), 0.0, 10.0, 200)
        assert len(drawn) <= 2 * 200 + 4
        assert (drawn.max(), drawn.min(), drawn[-1]) == (9.0, -9.0, values[-1])
        assert (np.diff(places) >= 0).all()
        assert abs(places[drawn.argmax()] - 1.2345) < 0.06

    def test_what_is_not_seen_is_left_out(self):
        places, _ = thinned((np.arange(1000.0), np.zeros(1000)), 400.0, 410.0, 100)
        assert places.min() >= 388
        assert places.max() <= 422
        assert not len(thinned((np.arange(10.0), np.zeros(10)), 400.0, 410.0, 100)[0][1:])

    @pytest.mark.parametrize("width", [300, 500, 800, 2000])
    @pytest.mark.parametrize("room", [100, 400, 1200])
    @pytest.mark.parametrize("details", [False, True])
    def test_every_chart_has_its_place(self, width, room, details):
        places = chart_places(width, room, details=details)
        large = [chart.name for chart in CHARTS if chart.large]
        assert list(places) == ([chart.name for chart in CHARTS] if details else large)
        taken = [(p.row, unit) for p in places.values() for unit in range(p.column, p.column + p.span)]
        assert len(taken) == len(set(taken))
        assert max(unit for _, unit in taken) == 5
        assert min(places[name].height for name in large) >= 150
        if details:
            assert all(place.height < places["loss"].height for name, place in places.items() if name not in large)

    def test_loss_and_accuracy_fill_the_room(self):
        beside, stacked = chart_places(900, 400, details=False), chart_places(900, 900, details=False)
        assert [(place.row, place.height) for place in beside.values()] == [(0, 400), (0, 400)]
        assert [(place.row, place.height) for place in stacked.values()] == [(0, 446), (1, 446)]


class TestSmoothing:
    def test_a_long_run_looks_as_smooth_as_a_short_one(self):
        assert line_weight(0.6, 500) == 0.6
        assert line_weight(0.6, 100_000) == pytest.approx(0.6 ** (1 / 100))
        assert line_weight(0.0, 100_000) == 0.0

    def test_is_an_unbiased_mean(self):
        assert np.allclose(smoothed(np.full(50, 3.0), 0.9), 3.0)

    def test_keeps_gaps(self):
        values = smoothed(np.array([1.0, np.nan, 3.0]), 0.5)
        assert np.isnan(values[1])
        assert values[2] == pytest.approx((0.5 * 3 + 0.125 * 1) / (0.5 + 0.125))

    def test_none_changes_nothing(self):
        values = np.array([1.0, 2.0])
        assert smoothed(values, 0.0) is values


class TestCharts:
    def test_every_metric_of_the_issue_is_drawn(self):
        drawn = {line.training for chart in CHARTS for line in chart.lines}
        assert drawn >= {"loss", "loss_joint", "loss_O", "loss_D", "loss_C", "accuracy_joint", "accuracy_O", "peaks"}
        assert drawn >= {"rate_backbone", "rate_heads", "beta_d", "beta_c", "sure_share", "memory_bytes"}

    def test_legends_speak_as_the_titles_do(self):
        labels = {chart.name: [line.label for line in chart.lines] for chart in CHARTS}
        assert labels["rules"] == ["certain", "uncertain"]
        assert (labels["memory"], labels["pace"]) == (["memory"], ["speed"])

    def test_points(self):
        series = series_of(step(0, 1, loss=2.0), epoch(0, sure_share=0.25, validation_sure_share=0.5, memory_bytes=2e9))
        charts = {chart.name: chart for chart in CHARTS}
        rules = charts["rules"]
        assert training_points(series, rules, rules.lines[1], 0.0)[1].tolist() == [75.0]
        assert validation_points(series, rules, rules.lines[0])[1].tolist() == [50.0]
        assert training_points(series, charts["memory"], charts["memory"].lines[0], 0.9)[1].tolist() == [2.0]
        assert main_points(series, charts["loss"], 0.0)[1].tolist() == [2.0]
        assert not len(main_points(MetricSeries(), charts["loss"], 0.0)[0])

    def test_value_at(self):
        points = (np.array([1.0, 2.0, 4.0]), np.array([10.0, 20.0, 40.0]))
        assert [value_at(points, place) for place in (0.0, 1.4, 1.6, 2.9, 3.1, 9.0, None)] == [
            10,
            10,
            20,
            20,
            40,
            40,
            40,
        ]
        assert np.isnan(value_at((np.zeros(0), np.zeros(0)), 1.0))

    def test_table(self):
        rows = curve_table(series_of(step(0, 1, loss=2.0), epoch(0, loss=1.5, peaks=3))).splitlines()
        assert rows[0] == "kind,epochs,loss,peaks"
        assert rows[1:] == ["step,0.25,2,", "epoch,1,1.5,3"]


class TestRecipe:
    def test_every_field_has_a_row_with_help(self):
        fields = recipe_fields()
        assert tuple(field.name for field in fields if field.first) == FIRST
        assert all(field.help for field in fields)
        assert {field.name for field in fields} >= {"network.entropy_threshold", "phases", "weights", "precision"}

    @pytest.mark.parametrize("name", RECIPES)
    def test_an_untouched_recipe_has_no_settings(self, name):
        choice = RecipeChoice(name)
        for field in choice.fields:
            if field.kind in ("text", "file"):
                choice.put(field.name, choice.text(field.name))
        assert choice.settings == {}
        assert not choice.problem

    def test_only_what_differs_is_passed(self):
        choice = RecipeChoice("quick")
        choice.put("epochs", 3)
        choice.put("rate_backbone", "2e-3")
        choice.put("network.branches", "O")
        choice.put("phases", "1 all, 1 expected")
        choice.put("crop_scale", "none")
        choice.put("patience", "4")
        assert choice.settings == {
            "epochs": 3,
            "rate_backbone": 0.002,
            "network.branches": "O",
            "phases": [{"epochs": 1, "sampling": "all"}, {"epochs": 1, "sampling": "expected"}],
            "crop_scale": None,
            "patience": 4,
        }
        assert not choice.problem
        assert find_recipe("quick").changed(choice.settings).epochs == 3
        choice.reset("phases")
        assert not choice.is_changed("phases")
        choice.choose("paper")
        assert choice.settings == {}

    @pytest.mark.parametrize(
        ("name", "value", "word"),
        [
            ("rate_heads", "fast", "not a number"),
            ("micro_batch", "3", "micro_batch"),
            ("phases", "99 all", "phases"),
            ("phases", "x all", "not a whole number"),
            ("network.window", 4, "window"),
            ("network.backbone", "alexnet", "there is no backbone 'alexnet'"),
        ],
    )
    def test_what_is_wrong_is_said(self, name, value, word):
        choice = RecipeChoice("quick")
        choice.put(name, value)
        assert word in choice.problem
        assert choice.is_changed(name)

    def test_sources_and_data(self):
        assert "release" in RecipeChoice("paper").source("crop_scale")
        assert "Open a data set" in data_problem(None)


class TestSentences:
    def test_nothing_yet(self):
        assert "first epoch" in sayings(MetricSeries(), None, "running")[0].text
        assert sayings(MetricSeries(), None, None) == []

    def test_improves_and_warns(self):
        lines = [epoch(n, loss=3.0 - n, accuracy_joint=0.5, validation_accuracy_joint=0.4 + n / 10) for n in range(2)]
        lines[-1]["warnings"] = ["Mend this."]
        series = series_of(*lines)
        said = sayings(series, None, "running")
        assert "improves: 50 % of ?, 10.0 points" in said[0].text
        series.set_validation_images(30)
        assert "improves: 50 % of 30 (33 to 67), 10.0 points" in sayings(series, None, "running")[0].text
        assert "fell from 3 to 2" in said[1].text
        assert (said[-1].tone, said[-1].text) == ("caution", "Mend this.")

    def test_a_loss_that_stays_has_not_risen(self):
        said = sayings(series_of(epoch(0, loss=10.10), epoch(1, loss=10.14)), None, "running")
        assert (said[-1].tone, said[-1].text) == (
            "plain",
            "After 2 epochs the training loss is still 10.1, as at the start.",
        )

    def test_the_result_of_a_run(self):
        lines = [epoch(n, loss=1.0, accuracy_O=0.5, validation_accuracy_O=n / 4) for n in range(3)]
        series = series_of(*lines)
        series.set_validation_images(30)
        state = RunState(status="finished", epoch=3, epochs=3, best_epoch=2, best_accuracy=0.5)
        said = result_sentence(series, state)
        assert said.startswith("Validation accuracy of the original branch (O): 50 % of 30 (33 to 67) in epoch 3 of 3.")
        assert "optimistic" in said
        assert not any("accuracy" in saying.text for saying in sayings(series, state, "finished"))  # it is said once
        assert result_sentence(series, None) == said
        assert result_sentence(MetricSeries(), state) == ""

    def test_the_result_without_validation_images(self):
        series = series_of(epoch(0, loss=1.0, accuracy_O=0.5, images=40.0))
        said = result_sentence(series, RunState(status="stopped", epoch=1, epochs=3, best_epoch=0))
        assert said.startswith("Its training accuracy reached 50 % of 40 (35 to 65). Without validation images")

    def test_rests(self):
        lines = [
            epoch(n, loss=1.0, validation_accuracy_O=0.9 if n == 1 else 0.8, validation_images=10.0) for n in range(8)
        ]
        said = sayings(series_of(*lines), None, "running")
        assert "has not improved for 6 epochs; best 90 % of 10 (60 to 98) in epoch 2" in said[0].text

    def test_learns_by_heart(self):
        lines = [
            epoch(n, loss=5.0 - n / 2, validation_loss=1 + abs(n - 2), validation_accuracy_O=0.5) for n in range(8)
        ]
        assert any("memorises" in said.text for said in sayings(series_of(*lines), None, "running"))

    @pytest.mark.parametrize(("status", "word"), [("failed", "disk"), ("interrupted", "Resume"), ("broken", "backup")])
    def test_troubles(self, status, word):
        state = RunState(status="failed", message="The disk is full.")
        assert word in sayings(MetricSeries(), state, status)[0].text

    def test_what_is_under_way(self):
        assert phase_text("stopping", 40.2).startswith("Stopping after this batch (about 40 s)")
        assert phase_text("running", 40.2) == ""
        state = RunState(
            status="running",
            epoch=3,
            epochs=9,
            batch=2,
            batches=5,
            images_per_second=31.44,
            best_epoch=1,
            best_accuracy=0.5,
        )
        rest = "in epoch 2 · batch 2 of 5 · 31.4 images/s"
        assert facts_text(state, 30, busy=True) == f"Epoch 4 of 9 · best 50 % of 30 (33 to 67) {rest}"
        assert facts_text(state, None, busy=True) == f"Epoch 4 of 9 · best 50 % of ? {rest}"

    def test_the_list_counts_one_epoch(self):
        for epoch, epochs, words in (
            (1, 1, "1 epoch"),
            (0, 1, "0 of 1 epoch"),
            (2, 2, "2 epochs"),
            (1, 2, "1 of 2 epochs"),
        ):
            state = RunState(status="stopped", epoch=epoch, epochs=epochs)
            run = RunSummary(path=Path("run"), status="stopped", live=False, created=0.0, state=state, run={})
            assert run_facts(run, None).split(" · ")[1] == words

    def test_bands(self):
        run = {"recipe": {"phases": [{"epochs": 2, "sampling": "all"}, {"epochs": 1, "sampling": "random"}]}}
        assert recipe_bands(run) == ((0.0, 2.0, "all"), (2.0, 3.0, "random"))
        assert recipe_bands({}) == ()


def test_lists_and_whole_numbers_of_the_form_are_read_as_people_write_them() -> None:
    choice = RecipeChoice("quick")
    choice.put("crop_scale", "0,4; 1")
    choice.put("step_epochs", "4, 9")
    choice.put("rate_heads", "0,004")
    assert choice.settings == {"crop_scale": [0.4, 1.0], "step_epochs": [4, 9], "rate_heads": 0.004}
    choice.put("patience", "1.000")
    assert choice.problem.startswith("Patience: '1.000' can be read as 1000 or as 1.0; write 1000 or 1.")
    choice.refuse("epochs", "no")
    choice.reset("patience")
    assert choice.problem == "Epochs: no"
    choice.refuse("epochs", "")
    assert choice.problem == ""


def test_places_that_will_be_coarse_are_known_before_a_training() -> None:
    choice = RecipeChoice("quick")
    accuracy = choice.place_accuracy
    assert accuracy is not None
    assert (accuracy.cells, accuracy.cropped, accuracy.is_coarse) == (7, True, False)
    choice.put("network.input_size", 128)
    accuracy = choice.place_accuracy
    assert accuracy is not None
    assert accuracy.text == "Places are accurate to about 1/4 of the crop's side (4 × 4 cells)."
    assert accuracy.is_coarse
    choice.put("network.backbone", "timm:vit_tiny_patch16_224")
    accuracy = choice.place_accuracy
    assert accuracy is not None
    assert (accuracy.cells, accuracy.is_coarse) == (8, False)
    choice.refuse("epochs", "no")
    assert choice.place_accuracy is None


def test_peaks_of_probes_lie_where_the_animation_draws_them(themed: QApplication) -> None:
    run = Path(resource("demo/runs/demo"))
    shown = read_probes(run / "snapshots", 0)
    drawn = RunSnapshots(run).probes(0)
    assert sum(len(probe.peaks) for probe in drawn) > 4
    for window, figure in zip(shown, drawn, strict=True):
        places = [(peak["x"], peak["y"]) for peak in window.entry["peaks"]]
        assert places == [tuple(place) for place in figure.peaks[:, :2].tolist()]
        assert not {0.0, 1.0} & {value for place in places for value in place}, "never on the edge of the view"
