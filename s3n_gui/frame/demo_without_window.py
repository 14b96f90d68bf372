"""The demo without a window: predicts one image of each species with the demo model and exports figures of it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from s3n_core.datasets.name_list import write_names
from s3n_core.system.atomic_files import output_error
from s3n_core.system.engine_process import engine_command
from s3n_gui.state.demo import demo_images, demo_model


def run_demo(out: Path) -> int:
    """Write predictions and figures of the first image of each species, and print their paths.

    Args:
        out: The output folder; created if it is missing.

    Returns:
        0, or the exit code of the engine, which has printed the reason.

    Raises:
        s3n_core.errors.S3NError: The demo model or the demo images are missing from this installation, or the folder
            cannot be created.
    """
    model, images = str(demo_model()), demo_images()
    files = sorted((file for file in images.rglob("*") if file.is_file()), reverse=True)
    firsts = {file.parent: file for file in files}.values()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(out, error) from error
    predictions, attention = out.absolute() / "predictions.csv", out.absolute() / "attention"
    print(f"Model:              {model}")
    print(f"Images:             {images}", flush=True)  # flushes before the engine writes to the same stream
    with tempfile.TemporaryDirectory() as folder:
        chosen = Path(folder) / "images.txt"
        write_names(chosen, sorted(file.relative_to(images).as_posix() for file in firsts))
        to = "--out", str(attention), "--only", str(chosen), "--predictions", str(predictions)
        code = _run(engine_command("export", model, str(images), *to))
    if code != 0:
        return code
    print(f"Predictions:        {predictions}")
    print(f"Figures:            {attention}", flush=True)
    return 0


def _run(command: list[str]) -> int:
    """Run the engine and return its exit code; it inherits stdout and stderr, which pythonw does not have."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if sys.__stdout__ is None else None,
        stderr=subprocess.DEVNULL if sys.__stderr__ is None else None,
        check=False,
    ).returncode
