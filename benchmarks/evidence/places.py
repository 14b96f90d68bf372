"""Where trained experiments look on a data set with boxes: means over their runs (seeds) as a Markdown table.

python -m benchmarks.evidence.places DATA work/runs/CUB10-odc-0 work/runs/CUB10-odc-1 ...
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SHARES = (
    ("peaks in the object's box", "peaks_in_box"),
    ("strongest peak in the box", "strongest_in_box"),
    ("centre of the image in the box", "centre_in_box"),
    ("random points in the box", "random_in_box"),
    ("peaks near a visible key point", "peaks_on_parts"),
    ("random points of the box near one", "random_on_parts"),
    ("visible key points with a peak near them", "parts_covered"),
    ("localisation, class right", "localized"),
    ("localisation, any class", "localized_any_class"),
    ("central box instead", "central_box"),
)


def main() -> None:
    """Measure the runs and print means, with minimum and maximum if there are several."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", nargs="+", type=Path)
    arguments = parser.parse_args()
    found = [_evaluate(run, arguments.data) for run in arguments.runs]
    print(f"| {len(found)} runs, {found[0]['images']} images each | measured |\n|---|---|")
    for name, key in SHARES:
        if found[0]["places"][key] is not None:
            print(f"| {name} | {_told([100 * one['places'][key] for one in found])} % |")
    for rule in found[0]["rules"]:
        print(f"| Eq. 3 by its rule {rule} | {_told([100 * one['rules'][rule] for one in found])} % |")
    print(f"| peaks an image | {_told([one['peaks'] for one in found])} |")


def _evaluate(run: Path, data: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "s3n_core",
        "evaluate",
        str(run),
        str(data),
        "--places",
        "--json",
        "--device",
        "cpu",
    ]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def _told(values: list[float]) -> str:
    mean = sum(values) / len(values)
    return f"{mean:.1f}" if len(values) == 1 else f"{mean:.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
