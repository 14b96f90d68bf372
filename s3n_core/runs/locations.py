"""The runs folder, names for new runs, and finding and renaming runs."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from pathlib import Path

import platformdirs

from s3n_core.errors import ModelNotFound, RunError, RunNotFound
from s3n_core.runs.run_directory import is_run
from s3n_core.system.atomic_files import output_error
from s3n_core.system.locks import is_live, require_not_packed
from s3n_core.system.typed_paths import typed_path

HOME_VARIABLE = "S3N_HOME"

# What is named like this is a file, so that it is never looked for among the runs.
_MODEL_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".onnx")

# Not allowed in file names on Windows, where a run may be copied.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\s]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)

# File systems allow 255 bytes (or 255 UTF-16 units); the trash adds a prefix of 23, and the number adds a few.
_MOST_STEM_BYTES = 160


def home() -> Path:
    """Return the program's own data folder: ``$S3N_HOME`` if set, else the platform's; it need not exist."""
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return typed_path(chosen).absolute()
    return Path(platformdirs.user_data_dir("s3n-studio", appauthor=False))


def runs_root(option: Path | None = None) -> Path:
    """Return the runs folder; it need not exist.

    Args:
        option: The user's choice, which takes precedence.

    Returns:
        ``option``, else ``$S3N_HOME/runs``, else ``runs`` in the platform's data folder for this program.
    """
    return typed_path(option).absolute() if option is not None else home() / "runs"


def new_run_name(root: Path, stem: str) -> str:
    """Return an unused name for a new run: the stem and a number, such as ``birds-quick-1``.

    Args:
        root: The runs folder; it need not exist.
        stem: Start of the name, in any script; characters that are not allowed in file names are replaced by ``-``.
    """
    text = unicodedata.normalize("NFC", stem).encode("utf-8", "ignore").decode("utf-8")  # no lone surrogates
    clean = _FORBIDDEN.sub("-", text).strip("-. ")
    clean = clean.encode("utf-8")[:_MOST_STEM_BYTES].decode("utf-8", "ignore").rstrip("-. ")
    if not clean or _RESERVED.fullmatch(clean):
        clean = f"run-{clean}".rstrip("-")
    # Some file systems do not distinguish upper from lower case, or composed from decomposed letters.
    taken = {_folded(name) for name in _names(root)}
    number = 1
    while _folded(f"{clean}-{number}") in taken:
        number += 1
    return f"{clean}-{number}"


def checked_run_name(text: str) -> str:
    """Validate and normalise a run name chosen by the user.

    Args:
        text: The name, in any script, without folders.

    Raises:
        RunError: The name is not valid on every operating system.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name or name[0] == "." or name[-1] == "." or _FORBIDDEN.search(name.replace(" ", "")):
        raise RunError(f'A run cannot be called {text!r}; leave out dots at the ends and any of < > : " / \\ | ? *.')
    if _RESERVED.fullmatch(name):
        raise RunError(f"A run cannot be called {text!r}: Windows reserves that name; choose another one.")
    return name


def find_model(text: str, root: Path) -> Path:
    """Return the model file that a text names, or the folder of the run that it names.

    Args:
        text: The path of a model file, or a run as in `find_run`.
        root: The runs folder.

    Raises:
        ModelNotFound: The text is the name of a model file, and there is none, or it is a path that may not be looked at.
        RunNotFound: There is no such run; the message suggests similar names.
    """
    path = typed_path(text)
    try:
        if path.is_file():
            return path
        is_missing = path.suffix.lower() in _MODEL_SUFFIXES and not path.is_dir()
    except OSError as error:
        raise ModelNotFound(_unreadable(path, error), path=path) from error
    if is_missing:
        raise ModelNotFound(f"There is no model file {path}; check the path.", path=path)
    return find_run(text, root)


def find_run(text: str, root: Path) -> Path:
    """Return the folder of a run given by name or path.

    Args:
        text: A run's name in ``root`` (takes precedence), or the path of a run's folder or of a file directly in it.
        root: The runs folder.

    Raises:
        RunNotFound: There is no such run, or it may not be looked at; the message suggests similar names.
    """
    if not text.strip():
        raise RunNotFound("No run was given; use a run's name or the path of its folder.")
    if not any(separator in text for separator in "/\\"):
        wanted = _folded(text)
        if is_run(root / text):
            return root / text
        for name in _names(root):
            if _folded(name) == wanted and is_run(root / name):
                return root / name
    path = typed_path(text).absolute()
    try:
        for candidate in (path, path.parent):
            if is_run(candidate) and (candidate == path or path.is_file()):
                return candidate
        is_folder = path.is_dir()
    except OSError as error:
        raise RunNotFound(_unreadable(path, error)) from error
    if is_folder:
        raise RunNotFound(f"The folder {path} is not a run: it has no run.json; choose the folder of a run.")
    near = difflib.get_close_matches(text, [name for name in _names(root) if is_run(root / name)], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`s3n runs list` shows all names."
    raise RunNotFound(f"There is no run {text!r}, neither in {root} nor as a folder; {hint}")


def rename_run(run_path: Path, new_name: str) -> Path:
    """Rename a run, that is, its folder.

    Args:
        run_path: The run's folder.
        new_name: The new name, in any script, without folders.

    Returns:
        The renamed folder.

    Raises:
        RunError: The run is being trained or packed, or the name is taken or not valid.
        OutputError: The folder cannot be renamed.
    """
    name = checked_run_name(new_name)
    target = run_path.with_name(name)
    same = _folded(name) == _folded(run_path.name)  # only letter case changes
    if not same and _folded(name) in {_folded(other) for other in _names(run_path.parent)}:
        raise RunError(f"There is already a file or folder {name} in {run_path.parent}; choose another name.")
    require_not_packed(run_path)
    if is_live(run_path):
        raise RunError(f"The run {run_path} is being trained; stop it before you rename it.")
    try:
        os.rename(run_path, target)
    except OSError as error:
        raise output_error(target, error) from error
    return target


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path} cannot be read ({error.strerror or error}): check its permissions."


def _names(root: Path) -> list[str]:
    try:
        return [name for name in os.listdir(root) if not name.startswith(".")]
    except OSError:
        return []


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
