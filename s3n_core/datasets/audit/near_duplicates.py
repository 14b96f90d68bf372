"""Pictures that look the same though their files differ: saved anew, scaled, brightened, mirrored, cut by a few pixels.

Each picture gets a hash of 256 bits, the signs of the low frequencies of its grey values, which such changes hardly move.
Two pictures whose hashes differ in at most ``NEAR_BITS`` bits are near-duplicates; hashes of unlike photographs differ in
about 128, and in at least some 75 even where both have the same frame or one bird against the sky. Colour and larger crops are
not looked through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NEAR_BITS = 44
"""Hashes that differ in at most so many of their 256 bits are taken for the same picture."""

HASH_BYTES = 32
_MIRRORED = 0x55
"""In each byte of a hash, the bits of odd frequencies across: mirroring left to right turns the signs of these waves."""

SMALLEST_SIDE = 32
"""A picture with a shorter side has no hash: digits and icons that small all look alike."""

_SIDE = 64  # the grey picture whose frequencies are looked at
_KEPT = 16  # lowest frequencies along each side
_FAINT = 2.0  # grey levels of standard deviation: a picture with less has no structure to compare

_TABLES = 64
_FEWEST_KEY_BITS, _MOST_KEY_BITS = 16, 24
_KEY_FREQUENCIES = 11  # along each side: keys are drawn from the lowest, which change least between near-duplicates
_MOST_NEIGHBOURS = 64

_places = np.arange(_SIDE) + 0.5
_COSINES = np.cos(np.pi / _SIDE * np.outer(np.arange(_KEPT), _places)).astype(np.float32)  # (16, 64), DCT-II


def picture_hash(image: Image.Image) -> bytes | None:
    """Return the hash (32 bytes) of a decoded picture, or None where it is too small or too plain for one."""
    if min(image.size) < SMALLEST_SIDE:
        return None
    grey = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX).convert("L"), dtype=np.float32)  # (64, 64)
    if grey.std() < _FAINT:
        return None
    waves = (_COSINES @ grey @ _COSINES.T).ravel()  # (256,), the mean first
    bits = waves > np.median(waves[1:])
    bits[0] = False
    return np.packbits(bits).tobytes()


def bits_apart(one: bytes, other: bytes) -> int:
    """Count the bits in which two hashes differ, the second read as it is or mirrored, whichever is nearer."""
    apart = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return min(apart.bit_count(), (apart ^ int.from_bytes(bytes([_MIRRORED]) * HASH_BYTES, "big")).bit_count())


def near_groups(
    hashes: Sequence[bytes | None], *, progress: Callable[[int, int], None] | None = None
) -> list[list[int]]:
    """Find the groups of near-duplicates among pictures.

    Pictures belong together that are linked by near-duplicates, mirrored or not, even if the first and the last of such a chain
    differ more.
    No picture is compared with all others: in each of 64 passes the pictures are sorted by a few of their bits, another
    choice each time, and only those of equal keys are compared, at most 64 neighbours each, so time grows with the
    number of pictures, not with its square. Of photographs that were cropped, turned or brightened a little, no pair up
    to 39 bits apart was missed so, and one in eighty from 40 to 44.

    Args:
        hashes: The hash of each picture; None: it is left aside.
        progress: Called after each pass with the number of passes done and of all; not where no picture has a hash.

    Returns:
        Groups of at least two positions in ``hashes``, each rising, in the order of their first members.
    """
    places: dict[bytes, list[int]] = defaultdict(list)
    for place, value in enumerate(hashes):
        if value is not None:
            places[value].append(place)
    if not places:
        return []
    hashed = np.frombuffer(b"".join(places), dtype=np.uint8).reshape(-1, HASH_BYTES)
    octets = np.concatenate([hashed, hashed ^ _MIRRORED])  # element n + i is picture i mirrored
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
    members: dict[int, list[int]] = defaultdict(list)
    for parent, equal in zip(parents.tolist(), places.values(), strict=True):
        members[parent] += equal
    return sorted(sorted(group) for group in members.values() if len(group) > 1)


def _keys(octets: NDArray[np.uint8]) -> Iterator[NDArray[np.uint32]]:
    """Yield one key a picture for every pass. Which bits of the hashes it takes is drawn, the same way each time."""
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
    """Join pairs into groups: afterwards every element's parent is the smallest member of its group."""
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
