"""Reader of class folders: one folder per class, with images at any depth, optionally inside split folders.

    root/sparrow/1.jpg                    root/train/sparrow/1.jpg    root/test/sparrow/2.jpg

Split folders are named train (or training), val (or valid, validation) and test (or testing), ignoring case. The
classes are the folder names of all splits together, sorted by code point.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from s3n_core.datasets.readers.folder_scan import FolderScan
from s3n_core.datasets.records import DataSet, ImageRecord, Problem, Split
from s3n_core.datasets.skipped_files import skipped_sentence
from s3n_core.errors import DataSetError

TITLE = "class folders"
FORMAT = "class-folders"

_SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def matches(root: Path) -> bool:
    """Return whether ``root`` contains images in subfolders and none directly."""
    if not root.is_dir():
        return False
    scan = FolderScan(root)
    listing = scan.peek(root)
    return not listing.images and any(scan.holds_images(root / name) for name in listing.folders)


def read(root: Path) -> DataSet:
    """Read class folders.

    Empty class folders, images outside class folders, and folders that cannot be listed become ``problems``.

    Raises:
        DataSetError: No class folder contains an image.
    """
    scan = FolderScan(root)
    problems = scan.problems
    split_folders = _split_folders(root, scan)
    if split_folders:
        title = f"{TITLE} in split folders"
        strays = [name for name in scan.listing(root).folders if name not in split_folders]
        problems.extend(
            Problem(root / name, "it is not one of the split folders and was ignored")
            for name in strays
            if scan.holds_images(root / name)
        )
        found = [item for name, split in split_folders.items() for item in _images(root, f"{name}/", split, scan)]
    else:
        title = TITLE
        found = list(_images(root, "", None, scan))
    if not found:
        raise DataSetError(
            f"{root} contains no class folders with images: put the images of each class into its own folder. "
            f"{skipped_sentence(scan.skipped)}".rstrip()
        )
    classes = tuple(sorted({name for name, _, _ in found}))
    labels = {name: label for label, name in enumerate(classes)}
    records = tuple(
        ImageRecord(path=root / path, name=path, label=labels[class_name], split=split)
        for class_name, path, split in found
    )
    return DataSet(
        root=root,
        format=FORMAT,
        title=title,
        classes=classes,
        records=records,
        problems=tuple(problems),
        skipped=scan.skipped,
    )


def _split_folders(root: Path, scan: FolderScan) -> dict[str, Split]:
    """Map the names of the split folders to splits, training first; empty if the folders are classes.

    A split folder contains folders with images. If there is only one, beside other folders with images, it is a class
    that happens to be called "train" (among vehicles, for example).
    """
    found: dict[str, Split] = {}
    others = 0
    for name in scan.peek(root).folders:
        split = _SPLIT_FOLDERS.get(name.lower())
        inside = scan.peek(root / name).folders if split is not None else ()
        if split is not None and any(scan.holds_images(root / name / inner) for inner in inside):
            found[name] = split
        else:
            others += scan.holds_images(root / name)
    if others and len(set(found.values())) < 2:
        return {}
    order = list(dict.fromkeys(_SPLIT_FOLDERS.values()))
    return dict(sorted(found.items(), key=lambda item: (order.index(item[1]), item[0])))


def _images(root: Path, prefix: str, split: Split | None, scan: FolderScan) -> Iterator[tuple[str, str, Split | None]]:
    """Yield (class name, image path relative to ``root``, split) of every image in the class folders of one split."""
    folder = os.path.join(root, prefix)
    listing = scan.listing(folder)
    if listing.images:
        count = len(listing.images)
        scan.problems.append(Problem(Path(folder), f"{count} image(s) directly in it have no class and were ignored"))
    for class_name in listing.folders:
        paths = scan.find_images(root, f"{prefix}{class_name}")
        if not paths and not scan.holds_own_folder(os.path.join(folder, class_name)):
            scan.problems.append(Problem(Path(folder, class_name), "the class folder contains no image"))
        for path in paths:
            yield class_name, path, split
