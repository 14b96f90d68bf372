"""What the documents say about recipes is what the code does."""

import re
from pathlib import Path

import pytest

from s3n_core.training.recipes import RECIPES

METHOD = Path(__file__).parents[2] / "docs" / "method.md"


def recipe_table() -> list[tuple[str, str, str]]:
    lines = METHOD.read_text(encoding="utf-8").splitlines()
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
def test_the_table_of_recipes_says_what_they_are(recipe: str, field: str, cell: str) -> None:
    value: object = RECIPES[recipe].model_dump(mode="json")
    for key in field.split("."):
        assert isinstance(value, dict)
        value = value[key]
    assert re.sub(r"\*", "", cell) == str(value)
    # What is set in italics is borrowed, and the recipe says from whom.
    assert cell.startswith("*") == (field in RECIPES[recipe].sources)


def test_every_recipe_is_told() -> None:
    text = METHOD.read_text(encoding="utf-8")
    assert [name for name in RECIPES if f"`{name}`" not in text and f"| {name} |" not in text] == []
