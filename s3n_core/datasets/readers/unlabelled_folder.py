"""Reader of images without labels: a folder with all its subfolders, or a single file. For prediction only."""

from __future__ import annotations

from pathlib import Path

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.readers.folder_scan import FolderScan
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.skipped_files import skipped_sentence
from s3n_core.errors import DataSetError

TITLE = "images without labels"
FORMAT = "images"


def matches(root: Path) -> bool:
    """Return whether ``root`` is a file, or a folder with an image at any depth."""
    return root.is_file() or FolderScan(root).holds_images(root)


def read(root: Path) -> DataSet:
    """List all images of a folder and its subfolders, or the single image ``root``.

    Raises:
        DataSetError: There is no image.
    """
    if root.is_file():
        record = ImageRecord(path=root, name=root.name, banner=banner_of(root))
        return DataSet(root=root.parent, format=FORMAT, title=TITLE, classes=(), records=(record,))
    scan = FolderScan(root)
    names = scan.find_images(root)
    if not names:
        raise DataSetError(
            f"{root} contains no images: choose a folder with images (JPEG, PNG, WebP, TIFF, ...). "
            f"{skipped_sentence(scan.skipped)}".rstrip()
        )
    records = tuple(ImageRecord(path=root / name, name=name, banner=banner_of(root / name)) for name in names)
    return DataSet(
        root=root,
        format=FORMAT,
        title=TITLE,
        classes=(),
        records=records,
        problems=tuple(scan.problems),
        skipped=scan.skipped,
    )
