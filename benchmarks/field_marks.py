"""Field marks written down before an atlas was built, held against the part that the atlas ranks first.

python -m benchmarks.field_marks ATLAS MODEL DATA [--removal] [--images N]

For every pair of `field_marks.csv` whose classes the atlas has: the first part by contribution (with --removal: by what the
model relies on), the key point that most of its peaks are near to, and whether that is one of the marks. Beside the number of
pairs that agree stand uniform chance (the share of the atlas's parts that would agree) and the best constant answer, chosen with
hindsight.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

from s3n_core.datasets.detection import open_data_set
from s3n_core.models.opening import open_model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.key_points import key_point_names
from s3n_core.parts.comparison.comparing import compare_classes
from s3n_core.parts.comparison.comparison import ComparedPart, Comparison

MARKS = Path(__file__).with_suffix(".csv")


def main() -> None:
    """Compare the pairs and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("atlas", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--removal", action="store_true", help="rank by what is lost when a part is hidden")
    parser.add_argument("--images", type=int, default=None, help="at most so many images of each class")
    arguments = parser.parse_args()
    atlas, model = Atlas(arguments.atlas), open_model(arguments.model, "cpu")
    records = {record.name: record for record in open_data_set(arguments.data).records}
    named = {part: found.name for part, found in key_point_names(atlas, records).items()}
    with MARKS.open(encoding="utf-8", newline="") as file:
        pairs = [row for row in csv.DictReader(file) if {row["first"], row["second"]} <= set(atlas.classes)]
    print("| A | B | field mark | ranked first | at | agrees |\n|---|---|---|---|---|---|")
    agreed, chance, constant = 0, 0.0, Counter[str]()
    for row in pairs:
        found = compare_classes(
            atlas, model, records, row["first"], row["second"], removal=arguments.removal, most=arguments.images
        )
        marks = set(row["key_points"].split(";"))
        best = _first(found, by_removal=arguments.removal)
        place = "" if best is None or best.part is None else named.get(best.part, "")
        agreed += place in marks
        chance += sum(name in marks for name in named.values()) / max(len(named), 1)
        constant.update(marks & set(named.values()))
        told = "nothing" if best is None else best.name + (", background" if best.background else "")
        print(
            f"| {row['first']} | {row['second']} | {row['mark']} | {told} | {place} | {'yes' if place in marks else 'no'} |"
        )
    always, times = constant.most_common(1)[0] if constant else ("", 0)
    print(
        f"\n{agreed} of {len(pairs)} agree; uniform chance {chance:.1f}, always answering {always} {times}. Parts with a key "
        f"point: {len(named)} of {len(atlas.parts.numbers)}."
    )


def _first(found: Comparison, *, by_removal: bool) -> ComparedPart | None:
    """Return the part that is ranked first: by contribution, or among those shown to matter by what is lost without it."""
    if not by_removal:
        return max(found.parts, key=lambda part: part.contribution, default=None)
    shown = [part for part in found.parts if part.beats_random]
    return max(shown, key=lambda part: part.relied_on or 0.0, default=None)


if __name__ == "__main__":
    main()
