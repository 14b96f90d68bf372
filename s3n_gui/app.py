"""Where the window's program starts (``main.py``, ``s3n-gui``)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from s3n_core import __version__
from s3n_core.errors import S3NError
from s3n_gui.demo import run_demo
from s3n_gui.display import why_no_window


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        argv: The arguments after the program's name; this process's own by default.

    Returns:
        The exit code: 0 when all went well, 1 after an error that was said in one sentence, 130 after Ctrl+C.
    """
    _give_missing_streams()
    arguments = _parser().parse_args(argv)
    if not arguments.demo:
        print("This version has no window yet: try the demo with --demo, or see the command line with: s3n --help")
        return 0
    print(why_no_window() or "This version has no window yet, so the demo runs without one.", flush=True)
    try:
        return run_demo(arguments.out)
    except S3NError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="s3n-gui", description="S3N Studio: see the parts that tell similar things apart."
    )
    parser.add_argument("--demo", action="store_true", help="show the demo images with the demo model")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("s3n-demo"),
        metavar="DIR",
        help="where a demo without a window writes (default: ./s3n-demo)",
    )
    parser.add_argument("--version", action="version", version=f"S3N Studio {__version__}")
    return parser


def _give_missing_streams() -> None:
    """Without a console (pythonw, a start menu) Python has no output streams, and every print would fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
