"""Experiments that a file declares, and tables from stored answers; among them those behind docs/results.md."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from s3n_core import cli
from s3n_core.errors import OutputError, RecipeError
from s3n_core.reproduce.experiment_files import read_experiments
from s3n_core.reproduce.planning import recipe_of
from s3n_core.reproduce.stored_answers import stored_answers, stored_table
from s3n_core.training.recipes import find_recipe

CHECKOUT = Path(__file__).parents[3]
ANSWERS = CHECKOUT / "benchmarks" / "answers"
MINE: dict[str, Any] = {
    "key": "mine",
    "title": "My comparison",
    "compared": "as it is",
    "arms": [
        {"title": "as it is", "name": "plain"},
        {"title": "larger", "name": "large", "settings": {"network.input_size": 320}},
        {"title": "never trained", "name": "never"},
    ],
}


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"experiments": [MINE]}))
    return file


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Two folds of two images: "plain" is right in half of them, "large" always, and only "large" has branches."""
    for fold, names in enumerate((("a", "b"), ("c", "d"))):
        for name, right in (("plain", (1, 0)), ("large", (1, 1)), ("plain-old", (0, 0))):
            heads = ("joint", "D") if name == "large" else ("O",)
            lines = ["name,label," + ",".join(f"{head}/{views}" for head in heads for views in (1, 3))]
            lines += [
                f"{image},4," + ",".join(["4" if correct else "5"] * 2 * len(heads))
                for image, correct in zip(names, right, strict=True)
            ]
            file = tmp_path / "answers" / f"birds-fold{fold}of2" / f"{name}-0.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(lines) + "\n")
    return tmp_path / "answers"


def results_script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(CHECKOUT))
    return importlib.import_module("benchmarks.results")


def test_a_declared_experiment_is_one_like_the_others(declared: Path) -> None:
    (mine,) = read_experiments(declared).values()
    assert (mine.key, mine.compared, mine.measures) == ("mine", "as it is", ("joint", "mean", "O", "D", "C"))
    recipe = recipe_of(mine.arms[1], find_recipe("quick"), seed=1)
    assert (recipe.network.input_size, recipe.seed, recipe.validation) == (320, 1, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"compared": "nothing"}, "no arm 'nothing'"),
        ({"arms": [{"title": "a", "setting": {}}]}, "'setting' is unknown"),
        ({"arms": [{"title": "as it is"}, {"title": "as it is"}]}, "two arms of the same title"),
        ({"arms": []}, "no arms"),
        ({"figure": "hits"}, "'figure' is unknown"),
        ({"title": 3}, "'title'"),
        ({"arms": [{"title": "as it is", "views": 2}]}, "averages 2 views, but there are 1 or 3"),
        ({"arms": [{"title": "as it is", "answered": "hard_crop"}]}, "answered with hard_crop"),
        ({"key": "../mine"}, r"the key '\.\./mine'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(declared: Path, changes: dict[str, Any], said: str) -> None:
    declared.write_text(json.dumps({"experiments": [MINE | changes]}))
    with pytest.raises(RecipeError, match=said):
        read_experiments(declared)
    declared.write_text(json.dumps({"experiments": [MINE, MINE]}))
    with pytest.raises(RecipeError, match="two experiments with the key 'mine'"):
        read_experiments(declared)
    declared.write_text("[")
    with pytest.raises(RecipeError, match="does not declare experiments"):
        read_experiments(declared)


def test_a_table_from_stored_answers(declared: Path, answers: Path) -> None:
    mine = read_experiments(declared)["mine"]
    head, plain, large = stored_table(mine, answers, "birds-fold*")
    assert head[:2] == ["network", "seeds"]
    # An arm's prediction is O's where there is no joint head; the folds are one data set of four images.
    assert plain == ["as it is", "1", "", "", "50.0", "", "", "", "50.0"]
    assert large[:7] == ["larger", "1", "100.0", "", "", "100.0", ""]
    assert large[7].startswith("+50.0 (")
    assert len(stored_answers(answers, "birds-fold*", "plain")["O/1"][0]) == 4, "plain-old is another arm"
    assert stored_table(mine, answers, "cats") == [head]
    (answers / "birds-fold0of2" / "plain-0.csv").write_text("name,label,O/1,O/1/loss\na,1,1,much\n")
    with pytest.raises(OutputError, match=r"plain-0\.csv are damaged"):
        stored_answers(answers, "birds-fold*", "plain")


def test_a_difference_is_of_as_many_views_as_an_arm_has(declared: Path, answers: Path) -> None:
    arms = [MINE["arms"][0], MINE["arms"][1] | {"views": 3}]
    declared.write_text(json.dumps({"experiments": [MINE | {"arms": arms}]}))
    for fold, names in enumerate((("a", "b"), ("c", "d"))):  # right with three views only
        lines = "".join(f"{name},4,5,4\n" for name in names)
        (answers / f"birds-fold{fold}of2" / "large-0.csv").write_text(f"name,label,joint/1,joint/3\n{lines}")
    _, _, large = stored_table(read_experiments(declared)["mine"], answers, "birds-fold*")
    assert large[2] == "0.0"
    assert large[7].startswith("+50.0 (")


def test_a_family_has_adjusted_bounds_and_answers_with_log_losses_their_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = [{"title": name, "name": name} for name in ("ours", "close", "far")]
    (tmp_path / "mine.json").write_text(
        json.dumps({"experiments": [MINE | {"compared": "ours", "family": True, "arms": arms}]})
    )
    right = {"ours": 30, "close": 29, "far": 0}
    (tmp_path / "birds").mkdir()
    for name, number in right.items():
        for seed in range(3):
            rows = [f"{image},4,{4 if image < number else 5},{0.5 if name == 'far' else 0.25}" for image in range(40)]
            (tmp_path / "birds" / f"{name}-{seed}.csv").write_text(
                "\n".join(["name,label,joint/1,joint/1/loss", *rows])
            )
    head, ours, close, far = stored_table(read_experiments(tmp_path / "mine.json")["mine"], tmp_path, "birds")
    assert head[-2:] == ["adjusted bound", "log loss, difference"]
    assert ours[-2:] == ["", ""]
    assert close[-2:] == ["+0.0", "+0.000 (+0.000 to +0.000)"]
    assert float(far[-2]) > 50
    command = ["reproduce", "mine", "--experiments", str(tmp_path / "mine.json"), "--answers", str(tmp_path)]
    assert cli.main([*command, "--data", "birds"]) == 0
    said = capsys.readouterr().out
    assert "Adjusted bound: the lower bound of what ours gains over the network" in said
    assert "Log loss in nats: above zero is worse than ours." in said
    assert far[-1] == "+0.250 (+0.250 to +0.250)"


@pytest.mark.parametrize("row", ["a,4", "a,4,4,0.1,4", "a,4,4"])
def test_a_torn_row_of_stored_answers_is_told(answers: Path, row: str) -> None:
    """Also where what is missing would be read as a wrong prediction."""
    file = answers / "birds-fold1of2" / "plain-0.csv"
    file.write_text(f"name,label,O/1,O/1/loss\nb,4,4,0.1\n{row}\n")
    with pytest.raises(OutputError, match=r"plain-0\.csv are damaged \(line 3 has not as many values"):
        stored_answers(answers, "birds-fold*", "plain")


def test_a_seed_without_some_of_the_folds_is_not_measured(declared: Path, answers: Path) -> None:
    mine = read_experiments(declared)["mine"]
    whole = stored_table(mine, answers, "birds-fold*")
    fold = answers / "birds-fold0of2"
    (fold / "large-1.csv").write_text("name,label,joint/1,joint/3,D/1,D/3\na,4,5,5,5,5\nb,4,5,5,5,5\n")
    head, plain, large = stored_table(mine, answers, "birds-fold*")
    assert (head, plain) == (whole[0], whole[1])
    assert large == [whole[2][0], "1 of 2", *whole[2][2:]], "its images are all wrong, but it has only half of them"
    (answers / "birds-fold1of2" / "large-0.csv").rename(answers / "birds-fold1of2" / "large-1.csv")
    assert stored_table(mine, answers, "birds-fold*")[2] == ["larger", "1 of 2", "50.0", "", "", "50.0", "", "", "50.0"]
    (answers / "birds-fold1of2" / "large-1.csv").rename(answers / "birds-fold1of2" / "large-2.csv")
    (fold / "large-1.csv").unlink()
    assert stored_table(mine, answers, "birds-fold*")[2] == ["larger", "0 of 2", *[""] * 7]


def test_a_network_that_has_not_the_images_of_the_others_is_marked(declared: Path, answers: Path) -> None:
    mine = read_experiments(declared)["mine"]
    (answers / "birds-fold1of2" / "plain-0.csv").unlink()
    _, plain, large = stored_table(mine, answers, "birds-fold*")
    assert plain[1] == "1 (2 of 4 images)"
    assert large[1] == "1"


def test_tables_of_stored_answers_from_the_command_line(
    declared: Path, answers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reproduce", "all", "--experiments", str(declared), "--answers", str(answers), "--data", "birds-fold*"]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "# My comparison: birds-fold*" in said
    assert "| larger | 1 | 100.0 |" in said
    assert "over as it is" in said
    assert cli.main([*command, "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["experiment"], [row["network"] for row in table["rows"]]) == ("mine", ["as it is", "larger"])
    assert cli.main(["reproduce", "--list", "--experiments", str(declared)]) == 0
    assert "mine: My comparison; as it is, larger, never trained" in capsys.readouterr().out
    assert cli.main([*command[:-1], "cats"]) == 1
    assert "no stored answers" in capsys.readouterr().err
    declared.write_text(json.dumps({"experiments": [MINE | {"key": "table2"}]}))
    assert cli.main(command) == 2
    assert "rename it" in capsys.readouterr().err


def test_the_criterion_is_checked_on_stored_answers(
    declared: Path, answers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reproduce", "mine", "--experiments", str(declared), "--answers", str(answers), "--data", "birds-fold*"]
    assert cli.main([*command, "--check"]) == 2
    arms = MINE["arms"][:2]

    def declare(**changes: Any) -> None:
        declared.write_text(json.dumps({"experiments": [MINE | {"arms": arms, "family": True} | changes]}))

    declare()
    assert cli.main(command) == 0
    for file in answers.glob("*/plain-0.csv"):
        file.write_text(file.read_text().replace(",4,4,4", ",4,5,5"))
    declare(compared="larger")
    assert cli.main([*command, "--check"]) == 1
    assert "there is 1 seed, and fewer than 3 say too little" in capsys.readouterr().err
    for file in answers.glob("*/*-0.csv"):
        for seed in "12":
            file.with_name(file.name.replace("-0", f"-{seed}")).write_text(file.read_text())
    assert cli.main([*command, "--check"]) == 0
    declare()
    assert cli.main([*command, "--check"]) == 1
    assert "mine is not met on birds-fold*: the lower bound against larger is not above 0" in capsys.readouterr().err
    declare(compared="larger")
    for file in answers.glob("*/large-0.csv"):
        file.with_name("large-3.csv").write_text(file.read_text())
    assert cli.main([*command, "--check"]) == 1
    assert "as it is has not the seeds and images of larger" in capsys.readouterr().err
    declare(compared="larger", arms=MINE["arms"])
    assert cli.main([*command, "--check"]) == 1
    assert "there are no stored answers of never trained" in capsys.readouterr().err


def test_the_second_step_meets_its_criterion() -> None:
    command = [
        "reproduce",
        "told-places",
        "--experiments",
        str(ANSWERS / "experiments.json"),
        "--answers",
        str(ANSWERS),
    ]
    assert cli.main([*command, "--data", "birds24", "--check"]) == 0


def test_the_experiments_behind_the_results_can_be_trained_again() -> None:
    for experiment in read_experiments(ANSWERS / "experiments.json").values():
        for arm in experiment.arms:
            assert recipe_of(arm, find_recipe("quick"), 0).epochs == find_recipe("quick").epochs * arm.length
            assert arm.name


def test_the_page_of_results_says_what_the_stored_answers_give(monkeypatch: pytest.MonkeyPatch) -> None:
    results = results_script(monkeypatch)
    monkeypatch.setattr(
        results, "TABLES", (("larger-input", "CUB10", "(a)"),)
    )  # `benchmarks/results.py --check` has all
    found, page = results.tables(), results.PAGE.read_text(encoding="utf-8")
    assert sum(len(table) - 1 for _, table in found) == 9
    assert results.missing_tables(page, found) == []
    larger, crop = (title for title, _ in found)
    last = next(line for line in page.splitlines() if "**O+D+C (`small-data-large`)**" in line)
    head = "| network | seeds | Joint | Mean | O | D | C | over (a) |"
    for wrong in (
        page.replace("| +2.9 (-0.4 to +6.6) |", "| +3.9 (-0.4 to +6.6) |", 1),
        page.replace(last, f"{last}\n{last.replace('-large', '-larger')}"),  # a row that is not of the answers
        page.replace(f"{last}\n", "") + f"\n{last}\n",  # in another place
        page.replace(head, head.replace("| D | C |", "| C | D |")),
    ):
        assert results.missing_tables(wrong, found) == [larger]
    assert results.missing_tables("", found) == [larger, crop]
