"""Figures 1, 2, 4 and 7: pictures from finished trainings, none trained for them."""

import csv
import json
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from s3n_core import cli
from s3n_core.datasets.records import ImageRecord
from s3n_core.models.opening import open_model
from s3n_core.reproduce import picture_pages
from s3n_core.reproduce.campaign import cell_folder, is_finished, predictions_of, run_campaign, run_folder
from s3n_core.reproduce.experiments import ALONE, EXPERIMENTS, FULL
from s3n_core.reproduce.picture_figures import drawn_at_random, picture_figure
from s3n_core.reproduce.planning import Plan, open_materials, plan_campaign
from s3n_core.training.recipes import find_recipe

FIGURES = ("figure1", "figure2", "figure4", "figure7")
SETTINGS = {
    "weights": "none", "network.input_size": 64, "network.source_size": 64, "resize": "squash", "epochs": 2, "batch_size": 6,
}  # fmt: skip


def plan_of(birds: Path, out: Path, *names: str) -> Plan:
    recipe = find_recipe("quick").changed(SETTINGS)
    return plan_campaign([EXPERIMENTS[name] for name in names], open_materials([birds], out, 0), recipe, 1)


def train(plan: Plan, out: Path) -> None:
    with closing(run_campaign(plan, out, device="cpu")) as steps:
        for _ in steps:
            pass


@pytest.fixture(scope="session")
def campaign(birds: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    """A finished campaign of all four figures; Figure 4's snapshots are saved on the way."""
    out = tmp_path_factory.mktemp("pictures")
    plan = plan_of(birds, out, "table5", *FIGURES)
    train(plan, out)
    return plan, out


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_figures_need_no_training_of_their_own(birds, tmp_path):
    table = plan_of(birds, tmp_path, "table5")
    for names in (("table5", *FIGURES), (*FIGURES, "table5")):
        together = plan_of(birds, tmp_path, *names)
        assert {cell.key for cell in together.cells} == {cell.key for cell in table.cells}
        assert [cell.recipe.probes for cell in together.cells] == [2, 2], (
            "snapshots are saved if one experiment wants them"
        )
        assert together.cells_of["figure4", FULL, "birds"] == together.cells_of["figure1", FULL, "birds"]
    assert [cell.recipe.probes for cell in table.cells] == [0, 0]


def test_saving_snapshots_changes_no_weight(campaign, birds, tmp_path):
    out = campaign[1]
    without = plan_of(birds, tmp_path, "figure1")
    train(without, tmp_path)
    (cell,) = without.cells
    assert not list((run_folder(tmp_path, cell) / "snapshots").glob("epoch-*"))
    assert list((run_folder(out, cell) / "snapshots").glob("epoch-*"))
    here, there = (open_model(run_folder(folder, cell), "cpu").network.state_dict() for folder in (tmp_path, out))
    assert all(here[name].equal(there[name]) for name in there)
    drawn = picture_figure(plan_of(birds, tmp_path, "figure4"), EXPERIMENTS["figure4"], tmp_path)
    assert (drawn.rows, drawn.remarks) == ([], ["birds: No finished training to draw it from."]), (
        "one of two is missing"
    )


def test_a_training_without_snapshots_is_told(campaign, tmp_path):
    plan, out = campaign
    (cell,) = plan.cells_of["figure4", FULL, "birds"][0]
    moved = (run_folder(out, cell) / "snapshots").rename(tmp_path / "snapshots")
    try:
        drawn = picture_figure(plan, EXPERIMENTS["figure4"], out)
    finally:
        moved.rename(run_folder(out, cell) / "snapshots")
    assert "has saved no snapshots" in drawn.remarks[0]
    assert f"delete {cell_folder(out, cell)}." in drawn.markdown(EXPERIMENTS["figure4"])


def test_all_figures_from_the_command_line(campaign, birds, capsys, monkeypatch):
    _, out = campaign
    monkeypatch.setattr(picture_pages, "DPI", 50)  # small pictures are drawn sooner
    settings = [text for key, value in SETTINGS.items() for text in ("--set", f"{key}={value}")]
    command = ["reproduce", *FIGURES, "--data", str(birds), "--out", str(out), "--seeds", "1", "--recipe", "quick"]
    assert cli.main([*command, *settings, "--device", "cpu", "--tables"]) == 0
    said = capsys.readouterr().out
    for name in FIGURES:
        assert f"# {EXPERIMENTS[name].title}" in said
        assert f"]({name}.png)" in (out / f"{name}.md").read_text(encoding="utf-8")
        with Image.open(out / f"{name}.png") as picture:
            assert picture.width > 200
    first, second, fourth = (rows_of((out / f"figure{n}.csv").read_text(encoding="utf-8")) for n in (1, 2, 4))
    assert len({row["class"] for row in first}) == 3, "images of different classes"
    assert [row["image"] for row in first] == [row["image"] for row in second]
    # A crop of half the side enlarges an area four times; a whole view, for an empty set, does not.
    assert {row["crop enlarges"] for row in second} <= {"up to 4×", "up to 1×"}
    for row in second:
        shown, _, of = row["peaks that a crop shows"].partition(" of ")
        assert int(shown) <= int(of) == int(row["peaks"])
    assert [row["epoch"] for row in fourth] == ["1", "2"] * 2


def test_figure_seven_shows_what_only_the_method_predicts_correctly(campaign):
    plan, out = campaign
    ours, alone = (plan.cells_of["figure7", title, "birds"][0][0] for title in (FULL, ALONE))
    files = {title: cell_folder(out, cell) / "predictions.json" for title, cell in ((FULL, ours), (ALONE, alone))}
    kept = {title: file.read_bytes() for title, file in files.items()}
    names = [row.file for row in predictions_of(out, ours)]
    better, failed = set(names[:2]), set(names[4:])
    for title, wrong in ((FULL, failed), (ALONE, better)):
        table = json.loads(kept[title])
        for row in table["rows"]:
            row["correct"] = row["file"] not in wrong
        files[title].write_text(json.dumps(table))
    try:
        drawn = picture_figure(plan, EXPERIMENTS["figure7"], out, device="cpu")
    finally:
        for title, content in kept.items():
            files[title].write_bytes(content)
    kinds = {row["image"]: row["kind"] for row in rows_of(drawn.csv())}
    assert {name for name, kind in kinds.items() if kind == "only the method is correct"} == better
    wrong = {name for name, kind in kinds.items() if kind == "the method is wrong"}
    assert wrong < failed
    assert len(wrong) == 2
    assert (
        f"2 images that only {FULL} predicts correctly, 5 that only the {ALONE} does, 5 images that" in drawn.remarks[0]
    )


def test_a_training_without_its_model_is_told(campaign, tmp_path):
    plan, out = campaign
    (cell,) = plan.cells_of["figure1", FULL, "birds"][0]
    assert is_finished(out, cell)
    moved = run_folder(out, cell).rename(tmp_path / "elsewhere")
    try:
        drawn = picture_figure(plan, EXPERIMENTS["figure1"], out, device="cpu")
    finally:
        moved.rename(run_folder(out, cell))
    assert not drawn.rows
    assert str(run_folder(out, cell)) in drawn.markdown(EXPERIMENTS["figure1"])


def test_images_are_drawn_by_name_and_from_different_classes():
    records = [ImageRecord(path=Path(f"{n}.jpg"), name=f"{n}.jpg", label=n % 3) for n in range(12)]
    drawn = drawn_at_random(records, 4)
    assert {record.label for record in drawn} == {0, 1, 2}
    assert drawn_at_random(records[::-1], 4) == drawn
    assert drawn_at_random(records[:2], 4) == drawn_at_random(records[:2], 2)
