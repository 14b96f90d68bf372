"""Print every table of docs/results.md that comes from stored answers; with ``--check``, exit with 1 if the page differs.

    python benchmarks/results.py --check

The answers and the experiments' settings are in benchmarks/answers. A single table is printed by ``s3n reproduce``::

    s3n reproduce small-data --experiments benchmarks/answers/experiments.json --answers benchmarks/answers --data CUB10

and trained anew by the same command with ``--recipe quick --out DIR`` and the data set instead of ``--answers``.
"""

from __future__ import annotations

import argparse
import re
import sys
from itertools import groupby
from pathlib import Path

from s3n_core.evaluation.intervals import wilson_interval
from s3n_core.reproduce.experiment_files import read_experiments
from s3n_core.reproduce.markdown import markdown_table
from s3n_core.reproduce.statistics import difference, points_text
from s3n_core.reproduce.stored_answers import stored_answers, stored_table

ANSWERS = Path(__file__).parent / "answers"
PAGE = Path(__file__).parents[1] / "docs" / "results.md"

TABLES = (
    ("choice", "CUB10-fold*", "`identity-double`"),
    ("small-data", "CUB10", "(a)"),
    ("shared-statistics", "CUB10", "(a)"),
    ("larger-input", "CUB10", "(a)"),
    ("small-data", "flowers17", "(a)"),
    ("other-peaks", "CUB10", "own peaks"),
    ("told-places", "birds24", "true places"),
)
"""The tables of the page: experiment, data set, and a short name of the network that differences are over."""


def crop_table() -> list[list[str]]:
    """Return the comparison of the evaluation crop with the whole image, by head."""
    right = {column: by_seed[0] for column, by_seed in stored_answers(ANSWERS, "CUB10-fold*", "crops").items()}
    rows = [["head", "crop", "whole image", "whole image over the crop"]]
    for head, title in (("joint", "joint"), ("mean", "mean of branches"), ("O", "O"), ("D", "D"), ("C", "C")):
        sides = [right[f"{head}/{view}"] for view in ("crop", "whole")]
        cells = []
        for side in sides:
            low, high = wilson_interval(round(sum(side.values())), len(side))
            cells.append(
                f"{100 * sum(side.values()) / len(side):.1f} % of {len(side)} ({100 * low:.0f} to {100 * high:.0f})"
            )
        rows.append([title, *cells, points_text(difference({0: sides[1]}, {0: sides[0]}))])
    return rows


def tables() -> list[tuple[str, list[list[str]]]]:
    """Return every table with its title, the head first."""
    experiments = read_experiments(ANSWERS / "experiments.json")
    found = []
    for key, data, reference in TABLES:
        head, *rows = stored_table(experiments[key], ANSWERS, data)
        head = [f"over {reference}" if title == "difference" else title for title in head]
        found.append((f"{experiments[key].title}: {data}", [head, *rows]))
    return [*found, ("The crop in evaluation: two folds of CUB10", crop_table())]


def missing_tables(page: str, found: list[tuple[str, list[list[str]]]]) -> list[str]:
    """Return the titles of the tables (with the head first) that do not stand on a page just so, from head to last row.

    It does not matter what is in bold. Rows that are elsewhere on the page, or that a table of the page has in addition, do.
    """
    blocks = [
        [_cells(line) for line in lines]
        for in_table, lines in groupby(page.splitlines(), key=lambda line: line.startswith("|"))
        if in_table
    ]
    return [title for title, table in found if [_cells(line) for line in markdown_table(table)] not in blocks]


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in re.sub(r"\*\*", "", line).strip().strip("|").split("|"))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 unless docs/results.md has just these tables")
    arguments = parser.parse_args()
    found = tables()
    for title, table in found:
        print(f"# {title}\n", *markdown_table(table), "", sep="\n")
    if arguments.check and (missing := missing_tables(PAGE.read_text(encoding="utf-8"), found)):
        sys.exit(
            f"{len(missing)} of {len(found)} tables in {PAGE} differ from the stored answers:\n" + "\n".join(missing)
        )


if __name__ == "__main__":
    main()
