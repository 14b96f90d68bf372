"""Reader of images without labels: a folder with everything below it, or a single file. For prediction only."""

from __future__ import annotations

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.readers.class_folders import flat_splits
from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.skipped_files import skipped_sentence
from s3n_core.errors import DataSetError

TITLE = "images without labels"
FORMAT = "images"


def matches(tree: FolderTree) -> bool:
    """Return whether the root is a file, or a folder with an image at any depth."""
    return tree.root.is_file() or tree.holds_images()


def read(tree: FolderTree) -> DataSet:
    """List the images of a folder and its subfolders, or the one image that the root is.

    Raises:
        DataSetError: There is no image.
    """
    root = tree.root
    if root.is_file():
        record = ImageRecord(path=root, name=root.name, banner=banner_of(root))
        return DataSet(root=root.parent, format=FORMAT, title=TITLE, classes=(), records=(record,))
    names = tree.images()
    if not names:
        raise DataSetError(
            f"{root} contains no images: choose a folder with images (JPEG, PNG, WebP, TIFF, ...). "
            f"{skipped_sentence(tree.skipped)}".rstrip()
        )
    records = tuple(ImageRecord(path=root / name, name=name, banner=banner_of(root / name)) for name in names)
    flat = flat_splits(tree)
    remarks = (
        (f"{' and '.join(flat)} are the names of splits, not classes, and nothing gives these images labels.",)
        if len(flat) > 1
        else ()
    )
    return DataSet(
        root=root,
        format=FORMAT,
        title=TITLE,
        classes=(),
        records=records,
        problems=tuple(tree.problems),
        skipped=tree.skipped,
        remarks=remarks,
    )
