"""Where the window's program starts (``main.py``, ``s3n-gui``)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from s3n_core.errors import S3NError
from s3n_core.version import __version__
from s3n_gui.background.blas_threads import limit_threads
from s3n_gui.frame.demo_without_window import run_demo
from s3n_gui.frame.display import why_no_window


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        argv: The arguments after the program's name; this process's own by default.

    Returns:
        The exit code: 0 when all went well, 1 after an error that was said in one sentence, 130 after Ctrl+C.
    """
    _give_missing_streams()
    limit_threads()
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except S3NError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace) -> int:
    if arguments.reset_settings:
        from s3n_gui.state.settings import forget_all

        forget_all()
        print("All settings are back at their defaults.", flush=True)
    if arguments.screenshot is not None:
        from s3n_gui.frame.screenshots import take_screenshots

        return take_screenshots(arguments.screenshot)
    problem = why_no_window()
    if problem is None:
        from s3n_gui.frame.window_program import run_window

        return run_window(arguments.open, demo=arguments.demo)
    print(problem, flush=True)
    if arguments.demo:
        return run_demo(arguments.out)
    print("Without a window you can run the demo with --demo or use the command line; see: s3n --help")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="s3n-gui", description="S3N Studio: find the parts that tell similar things apart."
    )
    parser.add_argument(
        "open", nargs="?", type=Path, metavar="PATH", help="data set, run, model or image to open (optional)"
    )
    parser.add_argument("--demo", action="store_true", help="open the demo images with the demo model")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("s3n-demo"),
        metavar="DIR",
        help="output folder of a demo without a window (default: ./s3n-demo)",
    )
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="DIR",
        help="save a screenshot of every page with demo content, light and dark, in two sizes, and exit; needs no "
        "display",
    )
    parser.add_argument(
        "--reset-settings", action="store_true", help="reset settings, window layout and recent lists; runs are kept"
    )
    parser.add_argument("--version", action="version", version=f"S3N Studio {__version__}")
    return parser


def _give_missing_streams() -> None:
    """Without a console (pythonw, a start menu) Python has no output streams, and every print would fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
