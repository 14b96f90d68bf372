"""The documents are correct: links resolve, commands and files exist, examples run, recipes have the stated values."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from s3n_core.cli import app
from s3n_core.training.recipes import RECIPES

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path.relative_to(CHECKOUT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "resources/*/README.md")
    for path in CHECKOUT.glob(pattern)
)
COMMANDS = get_command(app)


def text(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def without_code(document: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", document, flags=re.MULTILINE | re.DOTALL)


def anchors(document: str) -> set[str]:
    """Return the anchors that a code hosting site generates from a document's headings."""
    titles = re.findall(r"^#+ (.+)$", without_code(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", without_code(text(name))):
        if target.startswith("https://"):
            continue
        file = (CHECKOUT / name).parent / target if target else CHECKOUT / name
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), f"{target}#{anchor}"


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[str](), ["README.md"]
    while ahead:
        name = ahead.pop()
        if name in reached or not name.endswith(".md"):
            continue
        reached.add(name)
        folder = (CHECKOUT / name).parent
        targets = re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", without_code(text(name)))
        ahead += [(folder / target).resolve().relative_to(CHECKOUT).as_posix() for target in targets]
    assert [name for name in DOCUMENTS if name.startswith("docs/") and name not in reached] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_and_modules_that_are_named_exist(name: str) -> None:
    for path in re.findall(r"(?<![\w/.-])(?:s3n_core|s3n_gui|tests|benchmarks|resources|docs)/[\w/.-]*\w", text(name)):
        assert (CHECKOUT / path).exists(), path
    for module in re.findall(r"-m (benchmarks[\w.]*)", text(name)):
        assert (CHECKOUT / module.replace(".", "/")).with_suffix(".py").is_file(), module


def shown_commands() -> list[tuple[str, str]]:
    found = []
    for name in DOCUMENTS:
        joined = text(name).replace("\\\n", " ")
        blocks = re.findall(r"^ *```(?:bash)?\n(.*?)^ *```", joined, flags=re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"`(s3n [^`\n]+)`", joined)
        for line in lines:
            found += [
                (name, part.strip()) for part in line.split("#")[0].split("&&") if part.strip().startswith("s3n ")
            ]
    return found


@pytest.mark.parametrize(("name", "line"), shown_commands())
def test_commands_and_options_exist(name: str, line: str) -> None:
    words = shlex.split(line)[1:]
    command = COMMANDS
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert command is not COMMANDS or words[0] in ("COMMAND", "--help", "--version"), line
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert options <= known | {"--help", "-h"}, line


def bash_blocks() -> list[tuple[str, str]]:
    return [
        (name, block)
        for name in DOCUMENTS
        for block in re.findall(r"^ *```bash\n(.*?)^ *```", text(name), flags=re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(("name", "block"), bash_blocks())
def test_bash_can_read_what_is_shown_for_it(name: str, block: str) -> None:
    read = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, ""), block


def recipe_table() -> list[tuple[str, str, str]]:
    lines = text("docs/reference/recipes.md").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| field |"))
    names = [cell.strip() for cell in lines[start].strip("|").split("|")][1:]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        field, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows += [(name, field.strip("`"), cell) for name, cell in zip(names, cells, strict=True)]
    return rows


@pytest.mark.parametrize(("recipe", "field", "cell"), recipe_table())
def test_the_table_of_recipes_is_right(recipe: str, field: str, cell: str) -> None:
    value: object = RECIPES[recipe].model_dump(mode="json")
    for key in field.split("."):
        assert isinstance(value, dict)
        value = value[key]
    assert re.sub(r"\*", "", cell) == str(value)
    # Values in italics are borrowed, and the recipe names the source.
    assert cell.startswith("*") == (field in RECIPES[recipe].sources)


def test_every_recipe_is_listed() -> None:
    document = text("docs/reference/recipes.md")
    assert [name for name in RECIPES if f"`{name}`" not in document] == []
