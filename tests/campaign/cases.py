"""What campaigns share: how they are called, cases that are counted by what became of them, and the summary that is told."""

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
    """Return the options of a campaign: so many of what, the seed of what is drawn, and where the summary goes."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=count, help=what)
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other cases")
    parser.add_argument("--out", type=Path, help="write the summary (JSON) there, too")
    return parser


def count_cases(count: int, seed: int, case: Callable[[int], str]) -> dict[str, Any]:
    """Run cases and count what came of them.

    Args:
        count: How many.
        seed: What they are drawn from; for the summary only.
        case: Runs the case of a number and says in a word or two what came of it. What it raises is a defect.
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
    """Print a summary and write it where it is wanted; returns the exit code: 1 where there are defects."""
    text = json.dumps(summary, indent=2)
    print(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    return 1 if summary["defects"] else 0
