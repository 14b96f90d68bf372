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
from pathlib import Path

from s3n_core.evaluation.intervals import wilson_interval
from s3n_core.reproduce.experiment_files import read_experiments
from s3n_core.reproduce.markdown import markdown_table
from s3n_core.reproduce.statistics import difference, points_text
from s3n_core.reproduce.stored_answers import stored_answers, stored_table

ANSWERS = Path(__file__).parent / "answers"
PAGE = Path(__file__).parents[1] / "docs" / "results.md"

TABLES = (
    ("choice", "CUB10-fold*"),
    ("small-data", "CUB10"),
    ("shared-statistics", "CUB10"),
    ("larger-input", "CUB10"),
    ("small-data", "flowers17"),
    ("told-places", "birds24"),
)
"""The tables of the page: experiment and data set."""


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
    found = [
        (f"{experiments[key].title}: {data}", stored_table(experiments[key], ANSWERS, data)) for key, data in TABLES
    ]
    return [*found, ("The crop in evaluation: two folds of CUB10", crop_table())]


def missing_rows(page: str, found: list[tuple[str, list[list[str]]]]) -> list[str]:
    """Return the rows of tables (their titles, and rows with the head first) that a page lacks, whatever is in bold."""
    lines = {_cells(line) for line in page.splitlines() if line.startswith("|")}
    rows = [row for _, table in found for row in markdown_table(table)[2:]]
    return [row for row in rows if _cells(row) not in lines]


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in re.sub(r"\*\*", "", line).strip().strip("|").split("|"))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if docs/results.md lacks one of the rows")
    arguments = parser.parse_args()
    found = tables()
    for title, table in found:
        print(f"# {title}\n", *markdown_table(table), "", sep="\n")
    if arguments.check and (missing := missing_rows(PAGE.read_text(encoding="utf-8"), found)):
        sys.exit(f"{PAGE} lacks {len(missing)} rows:\n" + "\n".join(missing))


if __name__ == "__main__":
    main()
