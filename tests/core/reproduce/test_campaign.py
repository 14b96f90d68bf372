"""A campaign from the command line: planned, trained, stopped, shared, failed, and rendered."""

import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from torchvision.models import mobilenet_v2

from s3n_core import cli
from s3n_core.datasets.assignment import Assignment, write_assignment
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import write_left_out
from s3n_core.errors import DataSetError, WeightsMissing
from s3n_core.reproduce import remarks
from s3n_core.reproduce.answers import measured_records, read_answers
from s3n_core.reproduce.campaign import (
    ANSWERS,
    FAILURE,
    PEAKS,
    PLACES,
    RESULT,
    cell_folder,
    is_finished,
    peaks_of,
    run_campaign,
    run_folder,
    training_report,
)
from s3n_core.reproduce.experiments import EXPERIMENTS, FULL
from s3n_core.reproduce.planning import Plan, open_materials, plan_campaign, recipe_of
from s3n_core.reproduce.rendering import latex, markdown, plot, table_csv, write_tables
from s3n_core.reproduce.results import missing_trainings, results_of
from s3n_core.reproduce.statistics import Interval
from s3n_core.system.atomic_files import write_json, write_text
from s3n_core.training.recipes import find_recipe

SETTINGS: dict[str, Any] = {
    "weights": "none",
    "network.input_size": 64,
    "network.source_size": 64,
    "resize": "squash",
    "epochs": 1,
    "batch_size": 6,
}
RECIPE = find_recipe("quick").changed(SETTINGS)
OPTIONS = ["--recipe", "quick", "--device", "cpu", *(t for k, v in SETTINGS.items() for t in ("--set", f"{k}={v}"))]


def plan_of(birds: Path, out: Path, *names: str, seeds: int = 1, folds: int = 0, **changes: Any) -> Plan:
    recipe = RECIPE.changed({key.replace("__", "."): value for key, value in changes.items()})
    return plan_campaign([EXPERIMENTS[name] for name in names], open_materials([birds], out, folds), recipe, seeds)


def run(plan: Plan, out: Path) -> list[Any]:
    with closing(run_campaign(plan, out, device="cpu")) as steps:
        return list(steps)


def invent(plan: Plan, out: Path, right_of: dict[str, float]) -> None:
    """Write results of all cells as if they had been trained: an arm's images are right up to a share of them."""
    for (_, title, _), by_seed in plan.cells_of.items():
        for cells in by_seed:
            for cell in cells:
                records = measured_records(cell.data)
                lines = ["name,label,joint/1,joint/1/loss,joint/3,joint/3/loss"]
                for place, record in enumerate(records):
                    right = place < right_of[title] * len(records)
                    predicted = record.label if right else (record.label or 0) + 1
                    loss = 0.1 if right else 2.0
                    lines.append(f"{record.name},{record.label},{predicted},{loss},{predicted},{loss}")
                folder = cell_folder(out, cell)
                folder.mkdir(parents=True, exist_ok=True)
                write_text(folder / ANSWERS, "\n".join(lines) + "\n")
                write_json(folder / RESULT, {"cost": cell.cost, "seconds": 2 * cell.cost})


def test_equal_trainings_are_planned_once_and_named_by_what_determines_them(birds, tmp_path):
    alone = {name: plan_of(birds, tmp_path, name) for name in EXPERIMENTS}
    together = plan_of(birds, tmp_path, *EXPERIMENTS)
    full = together.cells_of[("table2", FULL, "birds")][0]
    for name in EXPERIMENTS:
        assert together.cells_of[(name, FULL, "birds")][0] == full, f"{name} trains the full method again"
    assert len(together.cells) < sum(len(plan.cells) for plan in alone.values())
    assert len({cell.key for cell in together.cells}) == len(together.cells)
    assert (
        together.cells_of[("table5", "fine-tuned backbone", "birds")] == together.cells_of[("table2", "S3N O", "birds")]
    )
    # (delta 0.2, 3 cells and base 0.09 are what the recipe has anyway.)
    for name, title in (("delta", "delta 0.2"), ("window", "3 cells"), ("base", "base 0.09")):
        assert together.cells_of[(name, title, "birds")][0] == full
    elsewhere = tmp_path / "copy" / "birds"
    elsewhere.parent.mkdir()
    os.symlink(birds, elsewhere)
    assert [cell.key for cell in plan_of(elsewhere, tmp_path, "table2").cells] == [
        cell.key for cell in alone["table2"].cells
    ]
    again = plan_of(birds, tmp_path, "table2", seeds=2, epochs=2)
    assert not {cell.key for cell in again.cells} & {cell.key for cell in alone["table2"].cells}
    assert len(again.cells) == 2 * len(alone["table2"].cells)
    longest = max(plan_of(birds, tmp_path, "controls").cells, key=lambda cell: cell.recipe.epochs)
    assert (longest.recipe.epochs, longest.recipe.network.branches, longest.cost) == (3, "O", 36.0)


def test_the_page_says_how_many_trainings_a_table_takes_and_how_much_compute(birds, tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "reproducing.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| `s3n reproduce (.+?) (--data.+)--seeds (\d+) --out tables` \| (\d+).* \| (\d+) \|\n", page)
    assert len(rows) == 10
    for names, data, seeds, trainings, compute in rows:
        chosen = [EXPERIMENTS[name] for name in names.split()]
        plan = plan_campaign(chosen, open_materials([birds], tmp_path, 0), find_recipe("paper"), int(seeds))
        (whole,) = plan.cells_of[(chosen[-1].key, FULL, "birds")][0]
        sets = data.count("--data")
        assert sets * len(plan.cells) == int(trainings), names
        assert sets * sum(cell.cost for cell in plan.cells) == pytest.approx(int(compute) * whole.cost), names


def test_a_table_from_the_command_line(birds, tmp_path, capsys, lowered):
    out = tmp_path / "tables"
    arguments = [
        "reproduce",
        "table5",
        "table1",
        "figure5",
        "--data",
        str(birds),
        "--out",
        str(out),
        "--seeds",
        "1",
        *OPTIONS,
    ]
    assert cli.main([*arguments, "--tables"]) == 0, "tables can be written before anything is finished"
    assert "| birds | fine-tuned backbone | –; paper 86" in capsys.readouterr().out
    assert cli.main(arguments) == 0
    said = capsys.readouterr()
    assert "# Table 5: against the backbone alone" in said.out
    assert "paper 94.63" in said.out
    assert lowered == [True], "trainings run at low priority; writing tables alone does not"
    assert len(list(out.glob("cells/*"))) == 2, "Table 1 needs no training of its own"
    assert {file.name for file in out.iterdir() if file.is_file()} == {
        *(f"{name}{suffix}" for name in ("table1", "table5") for suffix in (".md", ".csv", ".tex", ".png")),
        *(f"figure5{suffix}" for suffix in (".md", ".csv", ".png")),
    }
    assert "9 predictions of 1 seed; peaks in the whole image" in (out / "figure5.md").read_text(encoding="utf-8")
    with (out / "table5.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["data"], row["network"], row["images"], row["seeds"]) for row in rows] == [
        ("birds", "fine-tuned backbone", "9", "1"),
        ("birds", FULL, "9", "1"),
    ]
    plan = plan_of(birds, out, "table5")
    for row, (title, paper) in zip(rows, (("fine-tuned backbone", 0.86), (FULL, 0.885)), strict=True):
        (cell,) = plan.cells_of[("table5", title, "birds")][0]
        right = read_answers(cell_folder(out, cell) / ANSWERS)["joint/1"]
        assert float(row["mean"]) == pytest.approx(sum(right.values()) / 9)
        assert float(row["paper"]) == paper
        if title == FULL:  # of the whole method Table 1 says where it looks
            looked = json.loads((cell_folder(out, cell) / PLACES).read_bytes())
            rates = [image["hit_rate"] for image in looked["per_image"].values()]
            assert len(rates) == looked["images"] == 9
            known = [rate for rate in rates if rate is not None]
            assert looked["hit_rate"] == pytest.approx(sum(known) / max(len(known), 1))
    with Image.open(out / "table5.png") as picture:
        assert picture.width == 1200
    assert r"\begin{tabular}" in (out / "table5.tex").read_text(encoding="utf-8")

    before = {path: path.stat().st_mtime_ns for path in out.glob("cells/*/*") if path.name != "claim.lock"}
    assert cli.main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before, "nothing is trained or measured again"


def test_only_what_a_table_or_figure_reads_is_measured_and_the_rest_when_it_is_asked_for(birds, tmp_path):
    out = tmp_path / "tables"
    plan = plan_of(birds, out, "form")
    (cell,) = plan.cells_of[("form", FULL, "birds")][0]
    assert run(replace(plan, cells=(cell,)), out)
    folder = cell_folder(out, cell)
    assert is_finished(out, cell)
    assert not (folder / PLACES).exists()
    assert not (folder / PEAKS).exists()
    before = {
        path: path.stat().st_mtime_ns for path in (folder / ANSWERS, folder / RESULT, folder / "run" / "run.json")
    }
    more = plan_of(birds, out, "form", "table1", "figure5")
    (wanting,) = more.cells_of[("form", FULL, "birds")][0]
    assert wanting.key == cell.key
    assert not is_finished(out, wanting)
    assert run(replace(more, cells=(wanting,)), out)
    assert is_finished(out, wanting)
    assert json.loads((folder / PLACES).read_bytes())["images"] == 9
    assert len(peaks_of(out, wanting)) == 9
    assert {path: path.stat().st_mtime_ns for path in before} == before, "nothing is trained or answered again"


def test_a_finished_training_is_kept_where_the_images_have_another_path(birds, tmp_path):
    out, here, moved = tmp_path / "tables", tmp_path / "here" / "birds", tmp_path / "elsewhere" / "birds"
    shutil.copytree(birds, here)
    plan = plan_of(here, out, "form")
    (cell,) = plan.cells_of[("form", FULL, "birds")][0]
    assert run(replace(plan, cells=(cell,)), out)
    folder = cell_folder(out, cell)
    before = {path: path.stat().st_mtime_ns for path in (folder / "run").rglob("*")}
    here.parent.rename(moved.parent)
    more = plan_of(moved, out, "form", "table1", "figure5")
    (wanting,) = more.cells_of[("form", FULL, "birds")][0]
    assert wanting.key == cell.key
    run(replace(more, cells=(wanting,)), out)
    assert is_finished(out, wanting)
    assert len(peaks_of(out, wanting)) == 9
    assert {path: path.stat().st_mtime_ns for path in (folder / "run").rglob("*")} == before, "it is not trained again"


def test_a_training_that_was_killed_after_its_last_checkpoint_is_measured(birds, tmp_path):
    out = tmp_path / "tables"
    shutil.copytree(birds, tmp_path / "birds")
    plan = plan_of(tmp_path / "birds", out, "form")
    damaged = plan.materials[0].whole.of_split("train")[1]
    damaged.path.write_bytes(damaged.path.read_bytes()[:100])
    (cell,) = plan.cells_of[("form", FULL, "birds")][0]
    plan = replace(plan, cells=(cell,))
    run(plan, out)
    state = run_folder(out, cell) / "state.json"
    write_json(state, json.loads(state.read_text()) | {"status": "stopped"})
    (cell_folder(out, cell) / RESULT).unlink()
    assert [step.failed for step in run(plan, out) if step.failed] == []
    assert is_finished(out, cell)
    assert training_report(out, cell).not_learned.keys() == {damaged.name}, "the training told it before the kill"
    shutil.copy(birds / damaged.name, damaged.path)
    shutil.rmtree(run_folder(out, cell))
    (cell_folder(out, cell) / RESULT).unlink()
    run(plan, out)
    assert training_report(out, cell).not_learned == {}, "it was trained anew, with the repaired image"


def test_trainings_that_were_computed_in_different_ways_are_told_apart(birds, tmp_path):
    plan, experiment = plan_of(birds, tmp_path, "table5"), EXPERIMENTS["table5"]
    run(plan, tmp_path)

    def said() -> str:
        return markdown(plan, experiment, results_of(plan, experiment, tmp_path))

    first, second = plan.cells
    assert training_report(tmp_path, first).how == "float32 on cpu"
    assert "not all computed in the same way" not in said()
    result = cell_folder(tmp_path, second) / RESULT
    of_second = json.loads(result.read_bytes())
    write_json(result, of_second | {"computed": ["bfloat16 on cuda"]})
    assert "not all computed in the same way: 1 in float32 on cpu; 1 in bfloat16 on cuda." in said()
    write_json(result, of_second | {"computed": ["bfloat16 on cuda", "float32 on cpu"]})
    assert "1 in bfloat16 on cuda, then float32 on cpu." in said()
    write_json(result, {name: value for name, value in of_second.items() if name != "computed"})
    assert "not all computed in the same way" not in said(), "an earlier version did not store it"


def test_a_training_that_has_not_ended_is_resumed_where_the_images_have_another_path(birds, tmp_path):
    out = tmp_path / "tables"
    plan = plan_of(birds, out, "form", epochs=3)
    (cell,) = plan.cells_of[("form", FULL, "birds")][0]
    with closing(run_campaign(replace(plan, cells=(cell,)), out, device="cpu")) as steps:
        next(step for step in steps if step.epoch)
    moved = tmp_path / "elsewhere" / "birds"
    shutil.copytree(birds, moved)
    again = plan_of(moved, out, "form", epochs=3)
    (same,) = again.cells_of[("form", FULL, "birds")][0]
    run(replace(again, cells=(same,)), out)
    result = json.loads((cell_folder(out, cell) / RESULT).read_bytes())
    assert 0 < result["cost"] < cell.cost, "its first epoch was trained before"
    assert Path(json.loads((run_folder(out, cell) / "run.json").read_bytes())["data"]["root"]) == moved.resolve()


def test_tables_tell_of_weights_that_do_not_allow_commercial_use(birds, tmp_path):
    weights = tmp_path / "theirs.pth"
    torch.save(mobilenet_v2().state_dict(), weights)
    out, keys = tmp_path / "tables", ("table5", "figure1", "figure5")
    plan = plan_of(birds, out, *keys, weights=str(weights))
    run(plan, out)
    sentence = "The model began with the weights theirs.pth, whose licence is not known."
    write_tables(plan, out, device="cpu")
    for key in keys:
        assert (out / f"{key}.md").read_text().count(sentence) == 1, key
        rows = list(csv.DictReader((out / f"{key}.csv").read_text().splitlines()))
        assert {row["weights_licence"] for row in rows} == {"unknown"}, key
    assert (out / "table5.tex").read_text().count(sentence) == 1
    other = tmp_path / "other"
    free = plan_of(birds, other, "table5", network__branches="O", epochs=2)  # from random weights
    run(free, other)
    write_tables(free, other, device="cpu")
    assert "licence" not in "".join(path.read_text() for path in other.glob("table5.[mct][dse]*"))


def test_a_plot_is_drawn_where_the_mean_of_equal_seeds_is_rounded(birds, tmp_path):
    plan = plan_of(birds, tmp_path, "table5")
    experiment = EXPERIMENTS["table5"]
    means = float(np.nextafter(0.2, 0)), float(np.nextafter(0.2, 1))
    results = [
        replace(result, values={"joint": Interval(mean, 0.2, 0.2)})
        for result, mean in zip(results_of(plan, experiment, tmp_path), means, strict=True)
    ]
    assert plot(experiment, results).startswith(b"\x89PNG")


def test_a_killed_campaign_goes_on(birds, tmp_path):
    out = tmp_path / "tables"
    plan = plan_of(birds, out, "table5", epochs=3)
    command = [sys.executable, "-m", "s3n_core", "reproduce", "table5", "--data", str(birds), "--out", str(out)]
    command += ["--seeds", "1", *OPTIONS, "--set", "epochs=3", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["done"] == 1 and event["epoch"] >= 1 and not event["finished"]:
            break
    process.kill()
    process.communicate()
    first, second = plan.cells
    assert (is_finished(out, first), is_finished(out, second)) == (True, False)
    kept = (cell_folder(out, first) / RESULT).stat().st_mtime_ns
    steps = run(plan, out)
    assert (steps[-1].done, steps[-1].total) == (2, 2)
    assert (cell_folder(out, first) / RESULT).stat().st_mtime_ns == kept
    assert {step.cell for step in steps if step.cell} == {second.key}
    result = json.loads((cell_folder(out, second) / RESULT).read_bytes())
    assert result["cost"] < second.cost, "its first epoch was trained before the kill"


def test_two_processes_share_the_work(birds, tmp_path):
    plan = plan_of(birds, tmp_path, "table5")
    first, second = (cell_folder(tmp_path, cell) for cell in plan.cells)
    first.mkdir(parents=True)
    with FileLock(first / "claim.lock"):
        steps = run(plan, tmp_path)
    assert (steps[-1].done, steps[-1].total, steps[-1].elsewhere) == (1, 2, 1)
    assert not (first / RESULT).exists()
    assert (second / RESULT).is_file()
    steps = run(plan, tmp_path)
    assert (steps[-1].done, steps[-1].elsewhere) == (2, 0)
    assert steps[0].seconds_left is not None, "known from the finished cell"


def test_the_time_left_is_shared_with_the_processes_at_work(birds, tmp_path):
    plan = plan_of(birds, tmp_path, "table5", seeds=3)
    finished, own, other, *free = plan.cells
    invent(replace(plan, cells_of={("table5", "", "birds"): ((finished,),)}), tmp_path, {"": 1.0})
    claim = cell_folder(tmp_path, other) / "claim.json"
    claim.parent.mkdir()
    write_json(claim, {})

    def seconds_left() -> float:
        with closing(run_campaign(plan, tmp_path, device="cpu")) as steps:
            step = next(steps)
        assert step.cell == own.key
        shutil.rmtree(cell_folder(tmp_path, own))
        return step.seconds_left

    begun, rest = 2 * own.cost, 2 * sum(cell.cost for cell in free)
    assert seconds_left() == pytest.approx(begun + rest / 2)
    write_json(claim.parent / FAILURE, {"message": "out of memory"})
    assert seconds_left() == pytest.approx(begun + 2 * other.cost + rest), "another process has passed it over"
    (claim.parent / FAILURE).unlink()
    os.utime(claim, (1, 1))  # its process has ended long ago
    assert seconds_left() == pytest.approx(begun + 2 * other.cost + rest)


def test_a_cell_that_fails_is_told_and_tried_again(birds, tmp_path):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"these are no weights")
    broken = plan_of(birds, tmp_path, "table5", weights=str(weights))
    for _ in range(2):
        failed = {step.cell: step.failed for step in run(broken, tmp_path) if step.failed}
        assert list(failed) == [cell.key for cell in broken.cells], "one failure does not end the campaign"
    text = markdown(broken, EXPERIMENTS["table5"], results_of(broken, EXPERIMENTS["table5"], tmp_path))
    for reason in failed.values():
        assert "weights.pth" in reason
        assert f"A training failed: {reason}" in text
    assert "2 trainings are not finished" in text
    both = [*results_of(broken, EXPERIMENTS["table5"], tmp_path)] * 2
    assert missing_trainings(both) == 2, "what tables share counts once"


def test_training_images_that_could_not_be_read_are_counted(birds, tmp_path):
    shutil.copytree(birds, tmp_path / "birds")
    plan = plan_of(tmp_path / "birds", tmp_path, "table5")
    damaged = plan.materials[0].whole.of_split("train")[1]
    damaged.path.write_bytes(damaged.path.read_bytes()[:100])
    first, *_ = plan.cells
    for step in run(plan, tmp_path):
        if step.finished == first.key:
            break  # the tables so far know it, too
    counted = f"birds: 1 training image could not be read and was not learned from; the first is {damaged.name} ("
    assert counted in markdown(plan, EXPERIMENTS["table5"], results_of(plan, EXPERIMENTS["table5"], tmp_path))
    assert training_report(tmp_path, first).not_learned.keys() == {damaged.name}


def test_a_campaign_does_not_download_weights_unasked(birds, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("torch.hub._hub_dir", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    plan = plan_of(birds, tmp_path, "table5", weights="imagenet")
    with pytest.raises(WeightsMissing, match="s3n weights fetch mobilenet_v2"):
        run(plan, tmp_path)
    assert not (tmp_path / "cells").exists(), "nothing has begun, and nothing is noted as failed"
    for cell in plan.cells:  # what was begun where the weights are needs them no more
        checkpoints = run_folder(tmp_path, cell) / "checkpoints"
        checkpoints.mkdir(parents=True)
        (checkpoints / "last").write_text("step-0000001")
    assert all(step.failed for step in run(plan, tmp_path) if step.cell), "it is tried"


def test_folds_are_measured_on_training_images_only(birds, tmp_path):
    plan = plan_of(birds, tmp_path, "table5", folds=2)
    assert len(plan.cells) == 4
    official = {record.path.name for record in measured_records(open_data_set(birds))}
    names = [
        record.name for cell in plan.cells_of[("table5", FULL, "birds")][0] for record in measured_records(cell.data)
    ]
    assert len(names) == len(set(names)) == 12
    assert not {name.rsplit("/", 1)[1] for name in names} & official
    invent(plan, tmp_path, {FULL: 1.0, "fine-tuned backbone": 0.5})
    baseline, full = results_of(plan, EXPERIMENTS["table5"], tmp_path)
    assert (baseline.images, full.images, full.seeds) == (12, 12, 1)
    assert full.values["joint"].mean == 1.0
    assert baseline.values["joint"].mean == pytest.approx(0.5)
    assert baseline.full_over is not None
    assert baseline.full_over.mean == pytest.approx(0.5)
    assert "Cross-validation with 2 folds" in markdown(plan, EXPERIMENTS["table5"], [baseline, full])


def test_all_images_are_measured_in_every_division_and_each_seed_divides_anew(birds, tmp_path):
    experiment = EXPERIMENTS["table5"]
    plan = plan_campaign([experiment], open_materials([birds], tmp_path, 2, divisions=2), RECIPE, 2)
    assert len(plan.cells) == len({cell.key for cell in plan.cells}) == 8
    by_seed = plan.cells_of[("table5", FULL, "birds")]
    measured = [[{record.name for record in measured_records(cell.data)} for cell in cells] for cells in by_seed]
    for first, second in measured:
        assert (len(first), len(second), len(first | second)) == (11, 10, 21)
    assert measured[0] != measured[1]
    assert all(record.box is not None for record in by_seed[1][0].data.records)
    more = plan_campaign([experiment], open_materials([birds], tmp_path, 2, divisions=3), RECIPE, 3)
    assert {cell.key for cell in plan.cells} <= {cell.key for cell in more.cells}
    invent(plan, tmp_path, {FULL: 1.0, "fine-tuned backbone": 0.5})
    baseline, full = results_of(plan, experiment, tmp_path)
    assert (baseline.images, full.images, full.seeds) == (21, 21, 2)
    said = markdown(plan, experiment, [baseline, full])
    assert "each seed divides all labelled images, test images too, anew into 2 folds" in said
    assert "not used" not in said


def test_images_left_out_by_hand_are_in_no_fold_of_all_images(birds, tmp_path, s3n_home):
    tested = open_data_set(birds).of_split("test")
    write_left_out(birds, [tested[0].name])
    (material,) = open_materials([birds], tmp_path, 2, divisions=1)
    assert len(material.whole.records) == 20
    assert [len(part.records) for part in material.parts] == [20, 20]


def test_the_criterion_needs_every_control_and_sets_the_exit_code(birds, tmp_path, capsys):
    plan = plan_of(birds, tmp_path, "controls", seeds=3)
    titles = [arm.title for arm in EXPERIMENTS["controls"].arms]
    command = ["reproduce", "controls", "--data", str(birds), "--out", str(tmp_path), "--seeds", "3", *OPTIONS]
    command += ["--tables", "--check"]
    assert cli.main(command) == 1
    said = capsys.readouterr()
    assert "No verdict: 21 trainings are missing." in said.out
    assert "No verdict on controls: 21 trainings are missing." in said.err
    invent(plan, tmp_path, dict.fromkeys(titles, 0.2) | {FULL: 1.0})
    assert cli.main(command) == 0
    assert f"{FULL} is better than every control" in capsys.readouterr().out
    invent(plan, tmp_path, dict.fromkeys(titles, 0.2) | {FULL: 1.0, "(b3) the centre": 1.0})
    assert cli.main(command) == 1
    said = capsys.readouterr()
    assert f"{FULL} is **not** better than every control" in said.out
    assert "not met" in said.err
    with (tmp_path / "controls.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["network"]: row for row in csv.DictReader(file) if row["measure"] == "joint"}
    assert float(rows["(c) O alone, equal compute"]["full_over"]) == pytest.approx(7 / 9, abs=1e-5)
    assert float(rows["(a) no warps"]["adjusted_lower"]) > 0
    assert float(rows["(b3) the centre"]["adjusted_lower"]) <= 0
    line = next(line for line in said.out.splitlines() if "(a) no warps" in line)
    assert f"{7 / 9 * 1.9:+.3f}" in line, "the log loss is better by as much"


def test_other_weights_precision_and_micro_batches_differ_from_the_paper(birds, tmp_path, monkeypatch):
    def said(**changes: Any) -> str:
        plan = plan_of(birds, tmp_path, "table5", **changes)
        return markdown(plan, EXPERIMENTS["table5"], results_of(plan, EXPERIMENTS["table5"], tmp_path))

    file = tmp_path / "weights.pth"
    file.write_bytes(b"numbers")
    digest = hashlib.sha256(b"numbers").hexdigest()[:8]
    assert "weights none (paper: imagenet)" in said()
    assert "weights.pth (paper: imagenet; this is not the published file of mobilenet_v2" in said(weights=str(file))
    assert "weights " not in said(weights="imagenet")
    monkeypatch.setattr(remarks, "imagenet_place", lambda _: (f"https://host/mobilenet-{digest}.pth", None))
    assert "weights.pth" not in said(weights=str(file))
    text = said(precision="bfloat16", micro_batch=3)
    assert "precision bfloat16 (paper: auto)" in text
    assert "micro_batch 3 (paper: none)" in text


def test_there_is_no_verdict_on_fewer_than_three_seeds(birds, tmp_path, capsys):
    plan, experiment = plan_of(birds, tmp_path, "controls", seeds=2), EXPERIMENTS["controls"]
    invent(plan, tmp_path, dict.fromkeys((arm.title for arm in experiment.arms), 0.2) | {FULL: 1.0})
    command = ["reproduce", "controls", "--data", str(birds), "--out", str(tmp_path), "--seeds", "1", *OPTIONS]
    assert cli.main([*command, "--tables", "--check"]) == 1
    said = capsys.readouterr()
    assert "No verdict: there is 1 seed, and fewer than 3 say too little about how much trainings vary." in said.out
    assert "better than every control" not in said.out
    assert "No verdict on controls: there is 1 seed, and" in said.err
    assert "the 95 % interval over images;" in said.out
    with (tmp_path / "controls.csv").open(encoding="utf-8", newline="") as file:
        assert {row["interval"] for row in csv.DictReader(file)} == {"images"}
    (second,) = plan.cells_of["controls", "(a) no warps", "birds"][1]
    (cell_folder(tmp_path, second) / RESULT).unlink()
    text = markdown(plan, experiment, results_of(plan, experiment, tmp_path))
    assert "the 95 % interval over images and seeds (of one seed over images);" in text


def test_there_is_no_verdict_while_trainings_are_missing(birds, tmp_path, capsys):
    plan = plan_of(birds, tmp_path, "controls", seeds=2)
    titles = [arm.title for arm in EXPERIMENTS["controls"].arms]
    command = ["reproduce", "controls", "--data", str(birds), "--out", str(tmp_path), "--seeds", "2", *OPTIONS]
    command += ["--tables", "--check"]
    invent(plan, tmp_path, dict.fromkeys(titles, 0.2) | {FULL: 1.0})
    (second,) = plan.cells_of["controls", FULL, "birds"][1]
    (cell_folder(tmp_path, second) / RESULT).unlink()
    assert cli.main(command) == 1
    said = capsys.readouterr()
    assert "No verdict: 1 training is missing." in said.out
    assert "better than every control" not in said.out
    assert "No verdict on controls: 1 training is missing." in said.err
    line = next(line for line in said.out.splitlines() if "(a) no warps" in line)
    assert "9 × 2" in line
    assert "), 1 seed |" in line, "the difference is of the only seed that both have"


def write_places(plan: Plan, out: Path, *, per_image: bool = True) -> None:
    """Write invented measures of places: half of the images have all peaks in the box in seed 0, and one more in seed 1."""
    for cell in plan.cells:
        names = [record.name for record in measured_records(cell.data)]
        of = {
            name: {
                "hit_rate": None if not at else float(at <= 4 + cell.recipe.seed), "others": 0.5, "centre": 1.0,
                "random": 0.25, "localized": float(at < 3), "central_box": 0.0,
            }
            for at, name in enumerate(names)
        }  # fmt: skip
        looked: dict[str, Any] = {"images": 9, "hit_rate": (4 + cell.recipe.seed) / 8, "localized": 1 / 3}
        write_json(cell_folder(out, cell) / PLACES, looked | ({"per_image": of} if per_image else {}))


def test_a_control_that_is_not_trained_with_equal_compute_is_named(birds, tmp_path):
    def said(**changes: Any) -> str:
        plan = plan_of(birds, tmp_path, "controls", **changes)
        return markdown(plan, EXPERIMENTS["controls"], results_of(plan, EXPERIMENTS["controls"], tmp_path))

    assert "times the compute" not in said()
    # O reads four times as many pixels as D and C: three times the epochs are 3 x 4 passes of their size, against 4 + 1 + 1.
    finer = said(network__look_size=128, network__source_size=128)
    assert f"- (c) O alone, equal compute: trained with 2 times the compute of {FULL}.\n" in finer
    assert finer.count("times the compute") == 1


def test_places_have_intervals_over_images_and_stand_beside_what_is_reached_without_looking(birds, tmp_path):
    experiment = EXPERIMENTS["table1"]
    plan = plan_of(birds, tmp_path, "table1", seeds=2)
    invent(plan, tmp_path, {FULL: 1.0})
    write_places(plan, tmp_path)
    ours, *others = results_of(plan, experiment, tmp_path)
    value = ours.values["hit_rate"]
    assert value.mean == pytest.approx(9 / 16), "the image without peaks does not count"
    assert value.low < 0.4
    assert value.high > 0.7
    assert [(row.arm.title, row.values["hit_rate"].mean) for row in others] == [
        ("another image's peaks", 0.5),
        ("the centre", 1.0),
        ("random points", 0.25),
    ]
    text = markdown(plan, experiment, [ours, *others])
    assert (
        f"- birds: Hit rate of 16 of 18 predictions, each an image with a seed: 2 have no box or no peak ({FULL}).\n"
        in text
    )
    assert [row["predictions"] for row in csv.DictReader(table_csv(experiment, [ours, *others]).splitlines())] == [
        "16", "18", "18", "18",
    ]  # fmt: skip
    assert "the 95 % interval over images and seeds;" in text
    assert "| birds | the centre | 100.0 (100.0 to 100.0) | 9 × 2 |" in text
    titles = [row.arm.title for row in results_of(plan_of(birds, tmp_path, "table2"), EXPERIMENTS["table2"], tmp_path)]
    assert titles[-1] == "a central box, of any class"

    write_places(plan, tmp_path, per_image=False)
    results = results_of(plan, experiment, tmp_path)
    assert [(row.values["hit_rate"], row.ranges) for row in results] == [
        (Interval(9 / 16, 1 / 2, 5 / 8), frozenset({"hit_rate"}))
    ]
    for written in (markdown(plan, experiment, results), latex(plan, experiment, results)):
        assert "with * the range over seeds" in written
    assert ",seeds," in table_csv(experiment, results)
    assert plot(experiment, results).startswith(b"\x89PNG")


def test_images_without_a_box_are_counted_where_places_are_measured(birds, tmp_path):
    shutil.copytree(birds, tmp_path / "birds")
    table = tmp_path / "birds" / "bounding_boxes.txt"
    tested = [record.name for record in open_data_set(birds).of_split("test")]
    numbers = [
        line.split()[0] for line in (birds / "images.txt").read_text().splitlines() if line.split()[1] in tested[0]
    ]
    lines = [line for line in table.read_text().splitlines() if line.split()[0] not in numbers]
    table.write_text("\n".join(lines) + "\n")
    plan, experiment = plan_of(tmp_path / "birds", tmp_path, "table1"), EXPERIMENTS["table1"]
    run(plan, tmp_path)
    results = results_of(plan, experiment, tmp_path)
    assert {result.images for result in results} == {9}
    assert results[0].predictions["hit_rate"] <= 8
    assert results[-1].predictions["hit_rate"] == 8, "random points need no peaks"
    assert "of 8 of 9 predictions, each an image with a seed: 1 has no box or no peak (" in markdown(
        plan, experiment, results
    )


def test_latex_and_csv_say_what_the_markdown_says(birds, tmp_path):
    experiment = EXPERIMENTS["controls"]
    plan = plan_of(birds, tmp_path, "controls", seeds=2)
    invent(plan, tmp_path, dict.fromkeys((arm.title for arm in experiment.arms), 0.2) | {FULL: 1.0})
    results = results_of(plan, experiment, tmp_path)
    row = next(line for line in latex(plan, experiment, results).splitlines() if "(a) no warps" in line)
    assert f"{700 / 9:+.1f} (" in row
    assert f"{7 / 9 * 1.9:+.3f} (" in row
    control = next(result for result in results if result.arm.title == "(a) no warps")
    assert control.lower is not None
    assert row.endswith(rf"& {100 * control.lower:+.1f} \\")
    assert r"Recipe quick; it differs from the paper's" in latex(plan, experiment, results)
    (line,) = (
        line
        for line in csv.DictReader(table_csv(experiment, results).splitlines())
        if line["network"] == "(a) no warps"
    )
    assert float(line["loss_over"]) == pytest.approx(7 / 9 * 1.9, abs=1e-5)
    assert line["full_over_seeds"] == "2"
    table5 = plan_of(birds, tmp_path, "table5")
    assert "; paper 88.5" in latex(table5, EXPERIMENTS["table5"], results_of(table5, EXPERIMENTS["table5"], tmp_path))


def test_the_release_form_is_trained_and_answered_as_the_released_code_does():
    *_, alone, whole = EXPERIMENTS["form"].arms
    for name in ("paper", "quick"):
        recipe = find_recipe(name)
        ours, released = recipe_of(whole, recipe, 0), find_recipe("release")
        assert (ours.network.form, ours.network.eval_sampling) == ("release", "extremes")
        assert ours.smoothing == released.smoothing
        assert [phase.sampling for phase in ours.phases] == ["all"]
        assert ours.phases[0].epochs == round(released.phases[0].epochs * recipe.epochs / released.epochs)
        assert recipe_of(alone, recipe, 0).smoothing == recipe.smoothing
    assert recipe_of(whole, RECIPE, 0).phases[0].epochs == 1, "at least one epoch"


def test_arguments(birds, tmp_path, capsys):
    assert cli.main(["reproduce", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name}: " in listed for name in EXPERIMENTS)
    assert cli.main(["reproduce", "table9", "--data", str(birds), "--out", str(tmp_path)]) == 2
    assert "table9" in capsys.readouterr().err
    assert cli.main(["reproduce", "table2", "--out", str(tmp_path)]) == 2
    command = ["reproduce", "table2", "--data", str(birds), "--out", str(tmp_path / "checked"), "--check", *OPTIONS]
    assert cli.main(command) == 2
    assert not (tmp_path / "checked").exists(), "this is said before anything is trained"
    assert cli.main(["reproduce", "table2", "--data", str(birds), "--out", str(tmp_path), "--folds", "1"]) == 2
    capsys.readouterr()
    assert cli.main(["reproduce", "table2", "--data", str(birds), "--out", str(tmp_path), "--all-images"]) == 2
    assert "--folds 5" in capsys.readouterr().err
    folder = tmp_path / "flat"
    for letter in "ab":
        (folder / letter).mkdir(parents=True)
        Image.new("RGB", (20, 20)).save(folder / letter / "1.png")
    assert cli.main(["reproduce", "table2", "--data", str(folder), "--out", str(tmp_path / "out")]) == 1
    assert "--folds" in capsys.readouterr().err


@pytest.mark.parametrize("folds", [0, 2])
def test_data_sets_of_the_same_name_are_refused(birds, tmp_path, folds):
    other = tmp_path / "other" / ("more-birds" if folds else "birds") / "birds"
    shutil.copytree(birds, other)
    out = tmp_path / "out"
    with pytest.raises(DataSetError, match=r"same name, birds.*another folder name"):
        open_materials([birds, other if not folds else other.parent], out, folds)
    assert not out.exists()


def test_what_was_decided_by_hand_counts(birds, tmp_path, s3n_home, capsys):
    records = open_data_set(birds).records
    learned = [record.name for record in records if record.split == "train"]
    tested = [record.name for record in records if record.split == "test"]
    write_left_out(birds, [learned[0], tested[0]])
    write_assignment(birds, Assignment(parts={learned[1]: "test"}))
    whole = open_materials([birds], tmp_path, 0)[0].whole
    split_of = {record.name: record.split for record in whole.records}
    assert split_of.keys() == {record.name for record in records} - {learned[0]}, "what is left out is still tested"
    assert split_of[learned[1]] == "test"
    command = ["reproduce", "table2", "--data", str(birds), "--out", str(tmp_path / "out"), "--tables", *OPTIONS]
    assert cli.main(command) == 0
    said = capsys.readouterr().err
    assert "The split differs from the folder's (1 image assigned by hand)" in said
    assert f"{learned[0]}: it was left out by hand" in said
    assert tested[0] not in said


def test_a_trained_network_is_answered_with_other_peaks_without_another_training(birds, tmp_path):
    plan = plan_of(birds, tmp_path, "places", network__eval_sampling="all", recalibrate=True)
    trained, *answered = plan.cells
    assert len(plan.cells) == 6
    assert {cell.network for cell in plan.cells} == {trained.key}
    assert [cell.answered for cell in answered] == ["identity", "random_places", "other_image", "centre", "true_places"]
    with closing(run_campaign(plan_of(birds, tmp_path, "places"), tmp_path / "held", device="cpu")) as steps:
        assert next(steps).cell  # (the training is at hand, so nothing can be answered yet)
        others = run(plan_of(birds, tmp_path, "places"), tmp_path / "held")
    assert (others[-1].done, others[-1].elsewhere) == (0, 6)
    assert run(plan, tmp_path)[-1].done == 6
    assert len(list(tmp_path.glob("cells/*/run"))) == 1
    answers = {cell.answered: (cell_folder(tmp_path, cell) / ANSWERS).read_text() for cell in plan.cells}
    of_original = {name: [line.split(",")[4] for line in text.splitlines()] for name, text in answers.items()}
    assert len(set(answers.values())) == 6, "the peaks reach the answers"
    assert len({tuple(column) for column in of_original.values()}) == 1, "O sees the whole image whatever the peaks"
    text = markdown(plan, EXPERIMENTS["places"], results_of(plan, EXPERIMENTS["places"], tmp_path))
    assert "| birds | true key points | " in text


def test_the_arm_that_is_compared_may_be_another(birds, tmp_path):
    experiment = EXPERIMENTS["true-places"]
    plan = plan_of(birds, tmp_path, "true-places", seeds=2)
    invent(plan, tmp_path, {"true places": 1.0, FULL: 1 / 3, "(a) no warps": 0.0, "(b2) another image's places": 0.0})
    results = results_of(plan, experiment, tmp_path)
    assert [result.full_over and result.full_over.mean for result in results] == pytest.approx([None, 2 / 3, 1.0, 1.0])
    assert "true places over it" in markdown(plan, experiment, results)


def test_a_network_that_is_told_the_true_places_learns_and_is_measured_with_them(birds, tmp_path):
    told = next(arm for arm in EXPERIMENTS["true-places"].arms if arm.settings)
    own = replace(told, title="own", settings={})
    told = replace(told, settings={"network.control": "true_places"})
    experiment = replace(EXPERIMENTS["true-places"], arms=(told, own), compared=told.title)
    plan = plan_campaign([experiment], open_materials([birds], tmp_path, 0), RECIPE.changed({"recalibrate": True}), 1)
    assert run(plan, tmp_path)[-1].done == 2
    with_places, without = (cell_folder(tmp_path, cell) for cell in plan.cells)
    lines = [(folder / "run" / "metrics.jsonl").read_text().splitlines() for folder in (with_places, without)]
    losses = [[line["loss_D"] for line in map(json.loads, of_run) if "loss_D" in line] for of_run in lines]
    assert losses[0]
    assert losses[0] != losses[1]
    assert (with_places / ANSWERS).read_text() != (without / ANSWERS).read_text()
