"""Where the window keeps what a model was asked for: tables of predictions, and atlases."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from s3n_core.errors import OutputError
from s3n_core.runs.locations import home
from s3n_core.runs.model_paths import MODEL_SUFFIX
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.line_files import LOCK_SUFFIX, PART_SUFFIX, only_writer, part_path

Kind = Literal["predictions", "atlases"]


def kept_folder(kind: Kind) -> Path:
    """Return the folder of all results of a kind; it need not exist."""
    return home() / "window" / kind


def kept_place(kind: Kind, model: Path, asked: Iterable[str], suffix: str = "") -> Path:
    """Return the path of a result: always the same for the same question, so that a stopped job resumes.

    Args:
        kind: What it is.
        model: The model file or the run's folder.
        asked: What was asked of the model.
        suffix: The end of the file's name.
    """
    asked = tuple(asked)
    place = kept_folder(kind) / f"{_key([str(model.absolute())])}-{_key(asked)}{suffix}"
    # Earlier versions had one key for both, so that nothing could follow the model.
    earlier = place.with_name(_key([str(model.absolute()), *asked]) + suffix)
    return earlier if _exists(earlier) and not _exists(place) else place


def follow_run(before: Path, after: Path) -> None:
    """Let what was asked of a run follow its folder, which was renamed.

    What a job is writing stays until it ends (`move_table`). So do finished atlases, which others have open and remember by
    their paths: they are recognised by their model's digest.

    Args:
        before: The folder as it was called.
        after: The folder.
    """
    checkpoints = RunDirectory(Path()).checkpoints
    files = (checkpoints / file.name for file in (after / checkpoints).glob(f"*{MODEL_SUFFIX}"))
    keys = {
        _key([str((before / name).absolute())]): _key([str((after / name).absolute())]) for name in (Path(), *files)
    }
    for old, new in _moves("predictions", keys):
        move_table(old, new)
    for old, new in _moves("atlases", keys):
        _move_unfinished_atlas(old, new)


def move_table(old: Path, new: Path) -> None:
    """Move a table, with the rows of a stopped job; not while a job is writing it."""
    with suppress(OutputError, OSError), only_writer(old):
        for source, target in ((old, new), (part_path(old), part_path(new))):
            if source.exists():
                os.replace(source, target)


def _move_unfinished_atlas(old: Path, new: Path) -> None:
    from s3n_core.parts.atlas.atlas_files import IMAGES, is_unfinished_atlas  # loads NumPy, not at the window's start

    if is_unfinished_atlas(old):
        with suppress(OutputError, OSError):
            with only_writer(old / IMAGES):  # fails while a job goes on
                pass
            old.rename(new)


def _moves(kind: Kind, keys: dict[str, str]) -> list[tuple[Path, Path]]:
    """Return the old and the new path of each result whose model's key changes."""
    folder = kept_folder(kind)
    with suppress(OSError):
        names = {name.removesuffix(LOCK_SUFFIX).removesuffix(PART_SUFFIX) for name in os.listdir(folder)}
        split = [(name, *name.partition("-")) for name in sorted(names)]
        return [(folder / name, folder / f"{keys[key]}-{rest}") for name, key, _, rest in split if key in keys]
    return []


def _exists(place: Path) -> bool:
    return place.exists() or part_path(place).exists()


def _key(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
