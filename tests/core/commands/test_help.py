"""The help of every command."""

import re
import subprocess
import sys

import pytest
from command_line import Command

from s3n_core.version import __version__

COMMANDS = [
    "",
    "train",
    "pack",
    "unpack",
    "predict",
    "export",
    "evaluate",
    "faithfulness",
    "audit",
    "export-onnx",
    "import-checkpoint",
    "demo-data",
    "shuffle-labels",
    "backbones",
    "devices",
    "parts",
    "runs",
]
PARTS_COMMANDS = ["build", "show", "compare", "assign", "edit", "export"]
WEIGHTS_COMMANDS = ["list", "fetch", "check"]
RUNS_COMMANDS = ["list", "show", "pause", "stop", "resume", "trash", "restore", "empty-trash"]

HELP_AND_LOOK = """
import sys
from s3n_core.cli import main
code = main(["--help"])
heavy = {"torch", "torchvision", "pydantic", "numpy", "matplotlib", "PIL", "scipy", "sklearn"} & set(sys.modules)
print("HEAVY:", *sorted(heavy))
sys.exit(code)
"""


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        *(f"runs {name}" for name in RUNS_COMMANDS),
        *(f"parts {name}" for name in PARTS_COMMANDS),
        *(f"weights {name}" for name in WEIGHTS_COMMANDS),
    ],
)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_help_has_an_example(s3n: Command, command: str, option: str) -> None:
    outcome = s3n(*command.split(), option)
    assert outcome.code == 0
    assert outcome.err == ""
    assert f"Usage: s3n {command}".strip() in outcome.out
    assert "Example" in outcome.out
    assert f"s3n {command}".strip() in outcome.out.partition("Example")[2]


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", HELP_AND_LOOK], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "HEAVY:", done.stdout
    for command in COMMANDS[1:]:
        assert f"  {command} " in done.stdout


@pytest.mark.usefixtures("real_command")
def test_the_module_is_the_program() -> None:
    done = subprocess.run([sys.executable, "-m", "s3n_core", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"s3n {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["runs"]])
def test_a_group_alone_shows_its_help(s3n: Command, arguments: list[str]) -> None:
    outcome = s3n(*arguments)
    assert outcome.code == 2
    assert "Commands:" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "nothing"),
        (["train"], "DATA"),
        (["train", "--epochs"], "--epochs"),
        (["predict", "m"], "IMAGES"),
        (["predict", "m", "images"], "--out"),
        (["export", "m", "images", "--out", "o", "--dpi", "many"], "--dpi"),
        (["export", "m", "images", "--out", "o", "--most", "0"], "--most"),
        (["demo-data", "birds", "--train", "0"], "--train"),
        (["demo-data", "birds", "--species", "25"], "--species"),
        (["demo-data", "birds", "--leave-out", "0.6"], "--leave-out"),
        (["runs", "show"], "NAME"),
        (["runs", "explode"], "explode"),
    ],
)
def test_wrong_arguments_are_one_sentence(s3n: Command, arguments: list[str], said: str) -> None:
    outcome = s3n(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    (line,) = outcome.err.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert line.endswith("--help`.")


def test_the_recipe_is_shown_with_its_sources(s3n: Command) -> None:
    import json

    arguments = ("train", "--show-recipe", "--recipe", "paper", "--set", "epochs=3", "-s", "network.backbone=vgg16")
    told = s3n(*arguments).out
    assert "network.backbone = vgg16" in told
    assert re.search(
        r"^flip = true +Flip training images horizontally, with probability 0\.5\. \[the released code",
        told,
        re.MULTILINE,
    )
    outcome = s3n(*arguments, "--json")
    recipe = json.loads(outcome.out)
    assert outcome.code == 0
    assert (recipe["epochs"], recipe["network"]["backbone"]) == (3, "vgg16")
    assert "released code" in recipe["sources"]["flip"]


def test_the_help_names_every_recipe(s3n: Command) -> None:
    from s3n_core.training.recipes import RECIPES

    text = s3n("train", "--help").out
    assert [name for name in RECIPES if name not in text] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evaluate", "m", "d", "--workers", "1,000"), "'1,000' can be read as 1000 or as 1.0; write 1000 or 1."),
        (("runs", "resume", "r", "--epochs", "2.000"), "'2.000' can be read as 2000 or as 2.0; write 2000 or 2."),
        (("export", "m", "d", "--out", "o", "--dpi", "5"), "5 is out of range; use a number from 36 to 1200."),
        (("export", "m", "d", "--out", "o", "--inches", "0,1"), "0.1 is out of range; use a number from 0.5 to 20."),
        (("predict", "m", "d", "--out", "o.csv", "--stop-below", "-1"), "use a number of at least 0.0."),
    ],
)
def test_numbers_of_options_are_read_as_people_write_them(s3n: Command, arguments: tuple[str, ...], said: str) -> None:
    outcome = s3n(*arguments)
    assert outcome.code == 2
    assert said in outcome.err
