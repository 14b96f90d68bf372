"""Near-duplicates: images that look the same although their files differ.

One may be recompressed, resized, brightened, mirrored or cropped by a few pixels. Each image gets a perceptual hash of
256 bits: which of the low DCT frequencies of its grey values are above their median. Such changes hardly affect it. Two
images whose hashes differ in at most ``NEAR_BITS`` bits are near-duplicates. Hashes of different photographs differ in
about 128 bits, and in at least about 75 even if both have the same frame or a single bird against the sky. Colours are
not compared, and larger crops are not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.audit.equal_rows import first_equal, groups_of

NEAR_BITS = 44
"""Images whose hashes differ in at most this many of 256 bits count as near-duplicates."""

HASH_BYTES = 32
_NO_HASH = bytes(HASH_BYTES)  # no image has this one: half the bits of a hash are set
_MIRRORED = 0x55
"""Bits of the odd horizontal frequencies in each byte of a hash: a horizontal flip changes the sign of these."""

_LEAST_SIDE = 32
"""An image whose shorter side has fewer pixels gets no hash: digits and icons that small all look alike."""

_SIDE = 64  # of the grey image that is transformed, in pixels
_KEPT = 16  # lowest frequencies along each side
_FAINT = 2.0  # standard deviation in grey levels: an image with less has no structure to compare

_TABLES = 64
_FEWEST_KEY_BITS, _MOST_KEY_BITS = 16, 24
_KEY_FREQUENCIES = 11  # along each side: keys use the lowest frequencies, which change least between near-duplicates
_MOST_NEIGHBOURS = 64

_places = np.arange(_SIDE) + 0.5
_COSINES = np.cos(np.pi / _SIDE * np.outer(np.arange(_KEPT), _places)).astype(np.float32)  # (16, 64), DCT-II


def picture_hash(image: Image.Image) -> bytes | None:
    """Return the perceptual hash (32 bytes) of a decoded image, or None if it is too small or too uniform."""
    if min(image.size) < _LEAST_SIDE:
        return None
    grey = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX).convert("L"), dtype=np.float32)  # (64, 64)
    if grey.std() < _FAINT:
        return None
    waves = (_COSINES @ grey @ _COSINES.T).ravel()  # (256,), the mean first
    bits = waves > np.median(waves[1:])
    bits[0] = False
    return np.packbits(bits).tobytes()


def bits_apart(one: bytes, other: bytes) -> int:
    """Return the number of bits in which two hashes differ, the second as it is or mirrored, whichever is closer."""
    apart = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return min(apart.bit_count(), (apart ^ int.from_bytes(bytes([_MIRRORED]) * HASH_BYTES, "big")).bit_count())


def hash_distances(hashes: NDArray[np.uint8], one: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the number of differing bits between one hash and each of many, mirrored or not, whichever is closer.

    Args:
        hashes: uint8 (N, 32).
        one: uint8 (32,).

    Returns:
        int64 (N,), from 0 to 256: what `bits_apart` returns for each.
    """
    apart = hashes ^ one
    plain, mirrored = (np.bitwise_count(bits).sum(axis=1, dtype=np.int64) for bits in (apart, apart ^ _MIRRORED))
    nearest: NDArray[np.int64] = np.minimum(plain, mirrored)
    return nearest


def near_groups(
    hashes: Iterable[bytes | None], *, progress: Callable[[int, int], None] | None = None
) -> list[list[int]]:
    """Find the groups of near-duplicates among images.

    A group is a connected component: its images are linked by pairs of near-duplicates, mirrored or not, even if the
    ends of such a chain differ more.

    Images are not all compared with each other. In each of 64 passes, they are sorted by a key of a few randomly chosen
    bits, and only images with equal keys are compared, each with at most 64 neighbours. So time is nearly linear in the
    number of images. With photographs that were slightly cropped, rotated or brightened, this missed no pair up to 39
    bits apart, and one in eighty from 40 to 44.

    Args:
        hashes: The hash of each image; None: the image is ignored.
        progress: Called after each pass with (passes done, total); never called if no image has a hash.

    Returns:
        Groups of at least two positions in ``hashes``, each ascending, ordered by their first members.
    """
    all_octets = bytearray()
    for value in hashes:
        all_octets += value or _NO_HASH
    every = np.frombuffer(all_octets, dtype=np.uint8).reshape(-1, HASH_BYTES)
    present = np.flatnonzero(every.any(axis=1))
    if not len(present):
        return []
    original = first_equal(every[present])
    different = np.unique(original)
    hashed = every[present[different]]
    octets = np.concatenate([hashed, hashed ^ _MIRRORED])  # (2n, 32); row n + i is image i mirrored
    words = octets.view(np.uint64)
    count = len(hashed)
    parents = np.arange(count)
    keys = _keys(octets)
    for done, key in enumerate(keys, start=1):
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        first = np.arange(len(order))
        for lag in range(1, _MOST_NEIGHBOURS + 1):
            first = first[: np.searchsorted(first, len(order) - lag)]  # its neighbour must exist
            first = first[ordered[first + lag] == ordered[first]]
            if not len(first):
                break
            one, other = order[first], order[first + lag]
            apart = parents[one % count] != parents[other % count]
            one, other = one[apart], other[apart]
            near = np.bitwise_count(words[one] ^ words[other]).sum(axis=1) <= NEAR_BITS
            _join(parents, one[near] % count, other[near] % count)
        if progress is not None:
            progress(done, _TABLES)
    groups = groups_of(parents[np.searchsorted(different, original)])
    return [present[group].tolist() for group in groups]


def _keys(octets: NDArray[np.uint8]) -> Iterator[NDArray[np.uint32]]:
    """Yield the keys of each pass, one per row of ``octets``: randomly chosen bits of the hashes, with a fixed seed."""
    length = int(np.clip(len(octets).bit_length(), _FEWEST_KEY_BITS, _MOST_KEY_BITS))
    rows, columns = np.divmod(np.arange(8 * HASH_BYTES), _KEPT)
    low = np.flatnonzero((rows < _KEY_FREQUENCIES) & (columns < _KEY_FREQUENCIES))[1:]
    rng = np.random.default_rng(0)
    for _ in range(_TABLES):
        key = np.zeros(len(octets), dtype=np.uint32)
        for bit in rng.choice(low, length, replace=False):
            key = (key << 1) | ((octets[:, bit // 8] >> (7 - bit % 8)) & 1)
        yield key


def _join(parents: NDArray[np.int64], ones: NDArray[np.int64], others: NDArray[np.int64]) -> None:
    """Merge pairs into groups (union-find): afterwards every element's parent is the smallest member of its group."""
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        a, b = _root(parents, one), _root(parents, other)
        parents[max(a, b)] = min(a, b)
    if len(ones):
        while (parents[parents] != parents).any():
            parents[:] = parents[parents]


def _root(parents: NDArray[np.int64], element: int) -> int:
    while (parent := int(parents[element])) != element:
        element = parent
    return element
