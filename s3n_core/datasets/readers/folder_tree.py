"""A folder and everything below it, for all readers: each folder is listed once, and masks are never images."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.readers.folder_scan import FolderScan, Listing
from s3n_core.datasets.readers.split_names import split_of, split_roles
from s3n_core.datasets.records import Problem, Skipped, Split
from s3n_core.errors import UnreadableImage

_DEEPEST = 64  # levels; deeper folders are links that no check has recognised as a circle

_LOOKED_AT = 3  # pictures of a folder that are looked at to tell masks from photographs
_FLAT_VALUES, _FLAT_RANGES = 12, 3  # grey values, and ranges of 16 of them, that nearly all pixels of a mask have

# What segmentation and anomaly data sets call the images that say which pixels belong to what.
_MASK_WORDS = "mask|masks|groundtruth|gt|seg|segs|segmentation|segmentations|segmask|trimap|trimaps|annotated"
_MASK_FOLDER = re.compile(rf"(?:.*[\W_])?(?:{_MASK_WORDS}|ground[\W_]truth|labels?|annotations?)", re.IGNORECASE)
_MASK_STEM = re.compile(rf"(.+?)[\W_]+(?:{_MASK_WORDS})(?:[\W_]*\d+)?", re.IGNORECASE)
_MASK_HINT = re.compile(rf"[\W_](?:{_MASK_WORDS})", re.IGNORECASE)


class FolderTree:
    """What lies in a folder and below it.

    Args:
        root: The folder; nothing is read before it is asked for.
        scan: What has listed a folder above already.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path, scan: FolderScan | None = None) -> None:
        self.root = root
        self._scan = FolderScan(root) if scan is None else scan
        self._listings: dict[str, Listing] = {}
        self._found: dict[str, tuple[str, ...]] = {}

    @property
    def problems(self) -> list[Problem]:
        """Folders that could not be listed, links that lead back to a folder above them, masks that were passed over.

        Complete for the folders that were asked for.
        """
        return self._scan.problems

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Files and folders that are no images, in the folders that were asked for."""
        return self._scan.skipped

    def inside(self, name: str) -> FolderTree:
        """Return the tree of a folder in this one, which is not listed again."""
        tree = FolderTree(self.path(name), self._scan)
        start = len(name) + 1
        tree._listings = {
            below[start:]: listing
            for below, listing in self._listings.items()
            if below == name or below.startswith(f"{name}/")
        }
        return tree

    def path(self, below: str) -> Path:
        """Return the path of a folder or file of this tree, given by its POSIX path below the root."""
        return self.root / below if below else self.root

    def listing(self, below: str = "") -> Listing:
        """Return what lies directly in a folder, without masks; an empty listing for one that cannot be read."""
        found = self._listings.get(below)
        if found is None:
            found = self._listings[below] = self._without_masks(below, self._scan.listing(self.path(below)))
        return found

    def images(self, below: str = "") -> tuple[str, ...]:
        """Return all images in a folder, at any depth.

        Returns:
            POSIX paths relative to the root: a folder's own images before those of its subfolders, each sorted.
        """
        steps = below.split("/") if below else []
        above = [_identity(self.path("/".join(steps[:depth]))) for depth in range(len(steps))]
        return self._images(below, above)

    def holds_images(self, below: str = "") -> bool:
        """Return whether there is an image in a folder, at any depth."""
        return bool(self.images(below))

    def was_written_here(self, below: str) -> bool:
        """Return whether a folder is one that this program wrote, or holds one."""
        return self._scan.holds_own_folder(self.path(below))

    def image_folders(self, below: str = "") -> tuple[str, ...]:
        """Return the names of the folders directly in a folder that hold images at any depth, sorted by code point."""
        return tuple(name for name in self.listing(below).folders if self.holds_images(join(below, name)))

    @cached_property
    def text_files(self) -> tuple[str, ...]:
        """Files that are no images, as POSIX paths below the root: in the root, in folders of up to two levels below it."""
        found: list[str] = []
        level = [""]
        for _ in range(3):
            deeper: list[str] = []
            for below in level:
                listing = self.listing(below)
                found += [join(below, name) for name in listing.others]
                deeper += [join(below, name) for name in listing.folders]
            level = deeper
        return tuple(found)

    def _images(self, below: str, above: list[tuple[int, int] | None]) -> tuple[str, ...]:
        known = self._found.get(below)
        if known is not None:
            return known
        identity = _identity(self.path(below))
        if (identity is not None and identity in above) or len(above) > _DEEPEST:
            self.problems.append(Problem(self.path(below), "the link leads back to a folder above it"))
            self._found[below] = ()
            return ()
        listing = self.listing(below)
        found = [join(below, name) for name in listing.images]
        for name in listing.folders:
            found += self._images(join(below, name), [*above, identity])
        self._found[below] = tuple(found)
        return self._found[below]

    def _without_masks(self, below: str, listing: Listing) -> Listing:
        suspects = [name for name in listing.folders if _MASK_FOLDER.fullmatch(name)]
        masks = {name for name in suspects if self._is_of_masks(below, name, listing)}
        self.problems.extend(
            Problem(self.path(join(below, name)), "it contains masks of the images, which are never images themselves")
            for name in sorted(masks)
        )
        images = listing.images
        if _MASK_HINT.search("\n".join(images)):  # quicker than to look at each of many names
            stems = {os.path.splitext(name)[0] for name in images}
            images = tuple(name for name in images if not _is_mask_of(os.path.splitext(name)[0], stems))
        if len(images) < len(listing.images):
            reason = f"masks of its images, which are never images themselves: {len(listing.images) - len(images)}"
            self.problems.append(Problem(self.path(below), reason))
        if not masks and len(images) == len(listing.images):
            return listing
        folders = tuple(name for name in listing.folders if name not in masks)
        return replace(listing, folders=folders, images=images)

    def _is_of_masks(self, below: str, name: str, listing: Listing) -> bool:
        """Return whether the images of a folder are masks of images beside it.

        Their names are those of the images, with a word for masks, or without one where they also look like masks.
        """
        own = self._by_stem(join(below, name))
        if not own:
            return False
        beside = {os.path.splitext(image)[0]: join(below, image) for image in listing.images}
        for other in listing.folders:
            if other != name and not _MASK_FOLDER.fullmatch(other):
                beside |= self._by_stem(join(below, other))
        matched = [stem for stem in own if _bare(stem) in beside]
        if len(matched) < 0.9 * len(own):
            return False
        plain = [stem for stem in matched if _bare(stem) == stem]
        return all(_looks_like_mask(self.path(own[stem]), self.path(beside[stem])) for stem in plain[:_LOOKED_AT])

    def _by_stem(self, below: str, depth: int = 8) -> dict[str, str]:
        """Return all images below a folder, masks included, by their names without suffix."""
        listing = self._scan.peek(self.path(below))
        found = {os.path.splitext(name)[0]: join(below, name) for name in listing.images}
        if depth > 0:
            for name in listing.folders:
                found |= self._by_stem(join(below, name), depth - 1)
        return found


def join(below: str, name: str) -> str:
    """Return the POSIX path of a name in a folder of a tree."""
    return f"{below}/{name}" if below else name


def split_by_folder(tree: FolderTree) -> Callable[[str], Split | None]:
    """Return what says the split of an image by its folder, where the folders with images are called after splits."""
    below = ""
    while not tree.listing(below).images:
        folders = tree.image_folders(below)
        roles = split_roles(folders)
        if roles:
            start = len(below) + 1 if below else 0
            return lambda name: split_of(roles[name[start:].split("/", 1)[0]])
        if len(folders) != 1:
            break
        below = join(below, folders[0])
    return lambda name: None


def _is_mask_of(stem: str, stems: set[str]) -> bool:
    return _bare(stem) != stem and _bare(stem) in stems


def _bare(stem: str) -> str:
    """Return the name of the image whose mask has this name: "000" for "000_mask"."""
    match = _MASK_STEM.fullmatch(stem)
    return match[1] if match else stem


def _looks_like_mask(path: Path, image: Path) -> bool:
    """Return whether a picture has the size of an image, and hardly more than a few grey values where the image has many."""
    try:
        mask, pixels = read_image(path, own_range=True), read_image(image, own_range=True)
    except UnreadableImage:
        return False
    return mask.size == pixels.size and _is_flat(mask) and not _is_flat(pixels)


def _is_flat(image: Image.Image) -> bool:
    """Return whether a few grey values, or a few ranges of them after lossy compression, make up nearly all of an image."""
    counts = np.bincount(np.asarray(image.convert("L")).ravel(), minlength=256)
    values, ranges = np.sort(counts), np.sort(counts.reshape(16, 16).sum(axis=1))
    return bool(max(values[-_FLAT_VALUES:].sum(), ranges[-_FLAT_RANGES:].sum()) >= 0.95 * counts.sum())


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
