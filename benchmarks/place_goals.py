"""Hold where a network looks against this project's goals for CUB10, and say which are met.

python -m benchmarks.place_goals MODEL CUB10

The peaks of the official test images, their hit rate (Table 1 of the paper: 94.63 % for CUB-200-2011), how many lie near a key
point that is visible, and localisation. Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.detection import open_data_set
from s3n_core.errors import S3NError
from s3n_core.evaluation.goals import Goal, fail_unless_met, goal_table
from s3n_core.evaluation.hit_rates import PlaceMeasures, measure_places
from s3n_core.models.opening import open_model


def goals(found: PlaceMeasures) -> tuple[Goal, ...]:
    """Return the goals for where a network looks."""
    return (
        Goal(name="peaks per image", value=found.peaks, least=4),
        Goal(name="hit rate (Table 1)", value=found.hit_rate, least=0.9463),
        Goal(
            name="peaks in the box, above another image's",
            value=found.peaks_in_box,
            least=found.others_in_box,
            strict=True,
        ),
        Goal(name="peaks near a key point", value=found.peaks_on_parts, least=0.60),
        Goal(
            name="peaks near a key point, above another image's",
            value=found.peaks_on_parts,
            least=found.others_on_parts,
            strict=True,
        ),
        Goal(name="localisation of any class", value=found.localized_any_class, least=0.75),
    )


def main() -> None:
    """Measure the network, and print its places and the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    try:
        measure(arguments.model, arguments.data)
    except S3NError as error:
        sys.exit(str(error))


def measure(model: Path, folder: Path) -> None:
    """Measure a network and print its places and the goals.

    Raises:
        S3NError: The model or the data cannot be read, or a goal is missed.
    """
    data = open_data_set(folder)
    records = [record for record in data.records if record.split == "test"]
    found = measure_places(open_model(model, "cpu", "float32"), records, data.classes)
    asked = goals(found)
    left_out = len(records) - found.images
    print(f"{found.text()}\n{left_out:,} of {len(records):,} test images are left out: no box, or unreadable.")
    print(f"Peaks per image: {found.peaks:.2f}\n")
    print(table_text(goal_table(asked)))
    fail_unless_met(asked)


if __name__ == "__main__":
    main()
