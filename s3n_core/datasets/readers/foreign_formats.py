"""Data sets that this program cannot learn classes from, recognised so that they are refused with a sentence that helps.

Without this, the boxes of a detection data set would be lost, or its folders ``images`` and ``labels`` become two classes.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path, PurePosixPath

from s3n_core.datasets.readers.folder_tree import FolderTree, join
from s3n_core.datasets.readers.split_names import split_roles
from s3n_core.errors import DataSetError

_CLASSIFY = (
    "This program learns from one class per image: cut out the objects and sort them into class folders, or make a CSV table "
    "of images and classes."
)
_UNPACK = "Unpack the archive and open its folder."
_BINARY = "This program does not read images and labels from one file: export them as image files with a CSV table."
_SAVE_AS = "Tables of this kind are not read: save the table as CSV and open the folder."
_COCO_CLASSES = "Its classes are written in the form of COCO: make a CSV table of images and classes to have them read."
_OPEN_FOLDER = "Open the folder that contains this file and the images."
_HINTS = {
    **dict.fromkeys((".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"), _UNPACK),
    **dict.fromkeys((".parquet", ".arrow", ".feather", ".tfrecord", ".h5", ".hdf5", ".npy", ".npz", ".pkl"), _BINARY),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SAVE_AS),
    **dict.fromkeys((".csv", ".tsv", ".json", ".jsonl", ".txt"), _OPEN_FOLDER),
    **dict.fromkeys((".yaml", ".yml"), "It describes a data set for another program: open the folder of its images."),
}
_TABLES = frozenset(suffix for suffix, hint in _HINTS.items() if hint == _SAVE_AS)
_CONTAINERS = frozenset(suffix for suffix, hint in _HINTS.items() if hint in (_UNPACK, _BINARY))

_HEAD = 65536  # bytes of an annotation file that are looked at
_TRIED = 40  # annotation files that are looked at
_BOX_LINE = re.compile(r"\d+(?:\s+-?\d*\.?\d+(?:[eE][-+]?\d+)?){4,}")


def refuse_file(path: Path) -> None:
    """Refuse a single file that is no image but is often opened as if it were a data set.

    Raises:
        DataSetError: It is one; the message says what to open instead.
    """
    hint = _HINTS.get(path.suffix.lower())
    if hint is not None:
        raise DataSetError(f"{path} is not an image. {hint}")


def refuse_without_images(tree: FolderTree) -> None:
    """Say what a folder without images contains instead, where that helps.

    Raises:
        DataSetError: It contains archives or files that hold images.
    """
    for name in tree.text_files:
        if PurePosixPath(name).suffix.lower() in _CONTAINERS:
            raise DataSetError(
                f"{tree.root} contains no images, but {name}. {_HINTS[PurePosixPath(name).suffix.lower()]}"
            )


def unread_tables(tree: FolderTree) -> tuple[str, ...]:
    """Return a sentence on each table of a kind that is not read."""
    sentences = []
    for name in tree.text_files:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _TABLES:
            sentences.append(f"{name} was not read. {_HINTS[suffix]}")
        elif suffix == ".json" and _has_coco_classes(tree.path(name)):
            sentences.append(f"{name} was not read. {_COCO_CLASSES}")
    return tuple(sentences)


def refuse_foreign(tree: FolderTree) -> None:
    """Refuse a folder that is a data set for detection, segmentation or anomalies.

    Raises:
        DataSetError: It is one; the message says which, and what to do.
    """
    for name in tree.text_files:
        if name.lower().endswith(".json") and _is_coco(tree.path(name)):
            raise DataSetError(
                f"{tree.root} is a COCO data set for detection ({name} contains boxes or outlines). {_CLASSIFY}"
            )
    texts = [name for name in tree.text_files if name.lower().endswith((".txt", ".xml"))]
    stems = {_stem(name) for name in tree.images()} if texts else set()
    texts = [name for name in texts if _stem(name) in stems]
    boxed = [name for name in texts[:_TRIED] if _has_boxes(tree.path(name))]
    if boxed and 2 * len(boxed) > len(texts[:_TRIED]):
        kind = "Pascal VOC" if boxed[0].lower().endswith(".xml") else "YOLO"
        raise DataSetError(f"{tree.root} is a {kind} data set for detection ({boxed[0]} contains boxes). {_CLASSIFY}")
    _refuse_anomalies(tree)


def _refuse_anomalies(tree: FolderTree) -> None:
    """Refuse one normal class in training, and in test the same beside others that training does not have."""
    folders = tree.image_folders()
    roles = split_roles(folders)
    if not roles or not any(problem.reason.startswith("it contains masks") for problem in tree.problems):
        return
    training = {folder for name in folders if roles[name] == "train" for folder in tree.image_folders(name)}
    test = {folder for name in folders if roles[name] == "test" for folder in tree.image_folders(name)}
    if len(training) == 1 and training < test:
        place = next(join("", name) for name in folders if roles[name] == "test")
        raise DataSetError(
            f"{tree.root} is a data set for finding anomalies: training has the one class {', '.join(training)}, and there are "
            f"masks. Masks are never images. To tell its defects apart, open {tree.path(place)}."
        )


def _is_coco(file: Path) -> bool:
    head = _ends(file)
    return '"annotations"' in head and any(key in head for key in ('"bbox"', '"segmentation"'))


def _has_coco_classes(file: Path) -> bool:
    head = _ends(file)
    return '"annotations"' in head and '"category_id"' in head


def _has_boxes(file: Path) -> bool:
    head = _ends(file)
    if file.suffix.lower() == ".xml":
        return "<bndbox>" in head or "<polygon>" in head
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    return bool(lines) and all(_BOX_LINE.fullmatch(line) for line in lines[:20])


def _ends(file: Path) -> str:
    """Return the beginning and the end of a text file; empty where it cannot be read."""
    try:
        with open(file, "rb") as content:
            head = content.read(_HEAD)
            size = content.seek(0, os.SEEK_END)
            content.seek(max(len(head), size - _HEAD))
            return (head + content.read()).decode("utf-8", "replace")
    except OSError:
        return ""


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0]
