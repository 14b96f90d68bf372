"""What lies in a folder of images and is none: why it is passed over, counted by reason and suffix, and put into words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from s3n_core.datasets.file_formats import (
    COMPANION_SUFFIXES,
    HEIC,
    HEIC_REMEDY,
    MEDIA_SUFFIXES,
    RAW_SUFFIXES,
    UNFINISHED_SUFFIXES,
)
from s3n_core.datasets.records import Skipped

NOT_AN_IMAGE = "not an image"
RAW = "raw photograph"
UNFINISHED = "unfinished download or backup copy"
UNOPENED = "cannot be opened"
PLACEHOLDER = "placeholder of a cloud disk"
OWN = "written by S3N Studio"
CLUTTER = "clutter of a disk or an editor"
HIDDEN = "hidden"
OTHER_FILE = "other file"

FOLDER = "/"
"""`Skipped.suffix` of folders."""

_CLUTTER_NAMES = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "@sharebin",
        "@tmp",
        "__macosx",
        "__pycache__",
        "desktop.ini",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "icon\r",
        "lost+found",
        "network trash folder",
        "picasa.ini",
        "recycler",
        "synoindex_media_info",
        "system volume information",
        "temporary items",
        "thumbs.db",
        "zbthumbnail.info",
    }
)
_CLUTTER_HIDDEN = re.compile(
    r"\._.|\.(apdisk|appledb|appledesktop|appledouble|ds_store|directory|documentrevisions-v100|dropbox|fseventsd|"
    r"fuse_hidden.*|git|idea|ipynb_checkpoints|localized|nfs[0-9a-f]{8}.*|picasa\.ini|picasaoriginals|snapshots?|"
    r"spotlight-v100|stfolder|stversions|svn|sync|syncthing\..*|temporaryitems|thumbnails|trash(-.*|es)?|vscode|xvpics|zfs)$",
    re.IGNORECASE,
)
_CLOUD_STUB = re.compile(r"\..+\.icloud$", re.IGNORECASE)
# Windows: offline, or fetched from the cloud when it is opened or read.
_NOT_HERE = 0x1000 | 0x40000 | 0x400000

_UNREADABLE = (NOT_AN_IMAGE, RAW, UNFINISHED, UNOPENED)
_NO_DECODER = re.compile(r"no decoder \((\w+)\)")
_NAMED_KINDS = 6


def hidden_reason(name: str) -> str | None:
    """Say why a file or folder of this name is passed over, whatever it holds; None where it is not."""
    if name.startswith("."):
        if _CLOUD_STUB.match(name):
            return PLACEHOLDER
        return CLUTTER if _CLUTTER_HIDDEN.match(name) else HIDDEN
    return CLUTTER if name.lower() in _CLUTTER_NAMES or name.startswith("~$") or name.endswith("~") else None


def suffix_reason(suffix: str) -> str | None:
    """Say why files of a suffix are passed over without being opened; None where only their bytes tell."""
    if suffix in COMPANION_SUFFIXES:
        return OTHER_FILE
    if suffix in MEDIA_SUFFIXES:
        return NOT_AN_IMAGE
    if suffix in RAW_SUFFIXES:
        return RAW
    return UNFINISHED if suffix in UNFINISHED_SUFFIXES else None


def no_decoder(format: str) -> str:
    """Return the reason of files in an image format that this installation does not read."""
    return f"no decoder ({format})"


def is_placeholder(attributes: int) -> bool:
    """Say whether a file's attributes on Windows mean that its content lies only in a cloud disk."""
    return bool(attributes & _NOT_HERE)


class SkippedFiles:
    """Counts what is passed over."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], Path] = {}

    def add(self, reason: str, suffix: str, example: Path, count: int = 1) -> None:
        """Count files or folders of one reason and suffix (`Skipped`)."""
        self._counts[reason, suffix] += count
        self._examples.setdefault((reason, suffix), example)

    def include(self, skipped: Iterable[Skipped]) -> None:
        """Add what was counted elsewhere."""
        for item in skipped:
            self.add(item.reason, item.suffix, item.example, item.count)

    def counted(self) -> tuple[Skipped, ...]:
        """Return what was counted, by reason and suffix, the most frequent of each reason first."""
        order = sorted(self._counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
        return tuple(
            Skipped(reason, suffix, count, self._examples[reason, suffix]) for (reason, suffix), count in order
        )


def without_files(skipped: Iterable[Skipped], used: Iterable[Path]) -> tuple[Skipped, ...]:
    """Return what was skipped without lists and tables that were read after all."""
    reads = Counter(path.suffix.lower() for path in used)
    left = []
    for item in skipped:
        count = item.count - (reads[item.suffix] if item.reason == OTHER_FILE else 0)
        if count > 0:
            left.append(Skipped(item.reason, item.suffix, count, item.example))
    return tuple(left)


def skipped_sentence(skipped: Iterable[Skipped], *, companions: bool = True) -> str:
    """Say in one line what was passed over; empty where nothing was.

    "Skipped 4 files that are not readable images (1 .cr2, 1 .heic, 1 .mp4, 1 .pdf), 3 hidden or system items and 2 other
    files (2 .txt)."

    Args:
        skipped: What was passed over.
        companions: Also count texts, tables and other files that only lie beside the images.
    """
    skipped = tuple(item for item in skipped if companions or item.reason != OTHER_FILE)
    unreadable = [item for item in skipped if _is_unreadable(item)]
    clauses = []
    if unreadable:
        is_one = _total(unreadable) == 1
        what = "file that is not a readable image" if is_one else "files that are not readable images"
        clauses.append(f"{_total(unreadable)} {what} ({_kinds(unreadable)})")
    for reason, one, many in (
        (PLACEHOLDER, "placeholder of a cloud disk", "placeholders of a cloud disk"),
        (OWN, "folder that S3N Studio wrote", "folders that S3N Studio wrote"),
    ):
        count = _total([item for item in skipped if item.reason == reason])
        clauses += [f"{count} {one if count == 1 else many}"] if count else []
    system = _total([item for item in skipped if item.reason in (CLUTTER, HIDDEN)])
    clauses += [f"{system} hidden or system {'item' if system == 1 else 'items'}"] if system else []
    others = [item for item in skipped if item.reason == OTHER_FILE]
    if others:
        clauses.append(f"{_total(others)} other {'file' if _total(others) == 1 else 'files'} ({_kinds(others)})")
    if not clauses:
        return ""
    listed = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
    return f"Skipped {listed}.{_remedy(skipped)}"


def skipped_from_json(value: object) -> tuple[Skipped, ...]:
    """Read what a command with ``--json`` has printed; what is not of this form is left out."""
    if not isinstance(value, list):
        return ()
    found = []
    for item in value:
        match item:
            case {"reason": str(reason), "suffix": str(suffix), "count": int(count), "example": str(example)}:
                found.append(Skipped(reason, suffix, count, Path(example)))
    return tuple(found)


def needs_attention(skipped: Iterable[Skipped]) -> bool:
    """Return whether a person may miss what was passed over: images in another form, placeholders, unknown files."""
    return any(_may_be_missed(item) for item in skipped)


def skipped_words(skipped: Iterable[Skipped]) -> str:
    """Return "4 files skipped": how much a person may miss (`needs_attention`); empty where that is nothing."""
    counts = _counted([item for item in skipped if _may_be_missed(item)])
    return f"{counts} skipped" if counts else ""


def passed_over_words(skipped: Iterable[Skipped]) -> str:
    """Return "3 folders passed over": what was skipped that nobody misses, such as clutter of a disk; empty where nothing was."""
    left = [item for item in skipped if not _may_be_missed(item)]
    counts = _counted(left)
    return f"{counts} passed over" if counts else ""


def skipped_line(item: Skipped) -> str:
    """Return "2 .cr2: raw photograph"."""
    return f"{_count_text(item.count, item.suffix)}: {item.reason}"


def _remedy(skipped: Sequence[Skipped]) -> str:
    remedies = []
    if any(item.reason == no_decoder(HEIC) for item in skipped):
        remedies.append(f" To read HEIC photographs, run: {HEIC_REMEDY}.")
    if any(item.reason == PLACEHOLDER for item in skipped):
        remedies.append(" Download the files of the cloud disk to this computer to use them.")
    return "".join(remedies)


def _may_be_missed(item: Skipped) -> bool:
    return _is_unreadable(item) or item.reason in (PLACEHOLDER, OWN)


def _is_unreadable(item: Skipped) -> bool:
    return item.reason in _UNREADABLE or _NO_DECODER.fullmatch(item.reason) is not None


def _counted(items: Sequence[Skipped]) -> str:
    folders = _total(item for item in items if item.suffix == FOLDER)
    files = _total(items) - folders
    counts = [f"{files} file{'' if files == 1 else 's'}"] if files else []
    counts += [f"{folders} folder{'' if folders == 1 else 's'}"] if folders else []
    return " and ".join(counts)


def _total(items: Iterable[Skipped]) -> int:
    return sum(item.count for item in items)


def _kinds(items: Iterable[Skipped]) -> str:
    counts: Counter[str] = Counter()
    for item in items:
        counts[item.suffix] += item.count
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [_count_text(count, suffix) for suffix, count in order[:_NAMED_KINDS]]
    rest = sum(count for _, count in order[_NAMED_KINDS:])
    return ", ".join([*named, f"{rest} others"] if rest else named)


def _count_text(count: int, suffix: str) -> str:
    if suffix == FOLDER:
        return f"{count} {'folder' if count == 1 else 'folders'}"
    return f"{count} {suffix}" if suffix else f"{count} without a suffix"
