"""Helpers for campaigns: command-line options, counting of cases by outcome, and the summary."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def parser_of(doc: str | None, *, count: int, what: str) -> argparse.ArgumentParser:
    """Return a campaign's argument parser: number of cases, random seed and output file of the summary."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=count, help=what)
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other cases")
    parser.add_argument("--out", type=Path, help="write the summary (JSON) there, too")
    return parser


def count_cases(count: int, seed: int, case: Callable[[int], str]) -> dict[str, Any]:
    """Run cases and count their outcomes.

    Args:
        count: Number of cases.
        seed: The random seed; only for the summary.
        case: Runs the case with a number and returns its outcome in a word or two. An exception counts as a defect.
    """
    began, outcomes, defects = time.monotonic(), Counter[str](), list[str]()
    for number in range(count):
        try:
            outcomes[case(number)] += 1
        except Exception as error:
            defects.append(f"case {number}: {type(error).__name__}: {error}")
        print(f"\r{number + 1} of {count}, {len(defects)} defects", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {
        "cases": count,
        "seed": seed,
        "outcomes": dict(sorted(outcomes.items())),
        "seconds": round(time.monotonic() - began),
        "defects": defects,
    }


def tell(summary: Mapping[str, Any], out: Path | None) -> int:
    """Print a summary and write it to ``out`` if given; return the exit code, 1 if there are defects."""
    text = json.dumps(summary, indent=2)
    print(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    return 1 if summary["defects"] else 0
