"""Image hashes: close for altered copies, distant for different images; grouping without comparing all pairs."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from s3n_core.datasets.audit.near_duplicates import HASH_BYTES, NEAR_BITS, bits_apart, near_groups, picture_hash
from s3n_core.datasets.decoding import read_image
from s3n_core.system.resources import resource


@pytest.fixture(scope="module")
def drawings() -> list[Image.Image]:
    """Every fourth image of the demo."""
    return [read_image(path) for path in sorted(resource("demo/images").rglob("*.jpg"))[::4]]


def hash_of(image: Image.Image) -> bytes:
    value = picture_hash(image)
    assert value is not None
    assert len(value) == HASH_BYTES
    return value


def as_jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=20)
    return Image.open(file)


@pytest.mark.parametrize(
    "change",
    [
        as_jpeg,
        lambda image: image.resize((image.width // 2, image.height // 3)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
        lambda image: ImageEnhance.Contrast(image).enhance(0.7),
        lambda image: ImageOps.grayscale(image).convert("RGB"),
        lambda image: image.crop((3, 3, image.width - 3, image.height - 3)),
        ImageOps.mirror,
        lambda image: ImageOps.mirror(image).resize((image.width // 2, image.height // 2)),
    ],
    ids=["jpeg", "scaled", "brighter", "flatter", "grey", "cropped", "mirrored", "mirrored and scaled"],
)
def test_copies_are_near(drawings: list[Image.Image], change: Callable[[Image.Image], Image.Image]) -> None:
    apart = [bits_apart(hash_of(image), hash_of(change(image))) for image in drawings]
    assert max(apart) <= NEAR_BITS


def test_drawings_of_one_body_in_many_scenes_are_no_duplicates() -> None:
    paths = sorted(resource("demo/images").rglob("*.jpg"))
    assert near_groups([hash_of(read_image(path)) for path in paths]) == []


def test_a_mirrored_copy_is_grouped_with_its_picture() -> None:
    pictures = [read_image(path) for path in sorted(resource("demo/images").rglob("*.jpg"))]
    hashes = [hash_of(picture) for picture in [*pictures, ImageOps.mirror(pictures[2]), as_jpeg(pictures[5])]]
    assert near_groups(hashes) == [[2, len(pictures)], [5, len(pictures) + 1]]


@pytest.mark.parametrize("image", [Image.new("RGB", (300, 300), "red"), Image.effect_noise((200, 31), 60)])
def test_too_plain_or_too_small(image: Image.Image) -> None:
    assert picture_hash(image.convert("RGB")) is None


def flipped(value: bytes, bits: int, rng: np.random.Generator) -> bytes:
    unpacked = np.unpackbits(np.frombuffer(value, np.uint8))
    unpacked[rng.choice(256, bits, replace=False)] ^= 1
    return np.packbits(unpacked).tobytes()


def test_groups_among_many() -> None:
    rng = np.random.default_rng(3)
    hashes: list[bytes | None] = [rng.bytes(HASH_BYTES) for _ in range(3000)]
    pairs = {(i, 3000 + i): flipped(hashes[i] or b"", 20, rng) for i in range(300)}
    hashes += pairs.values()
    hashes += [hashes[2999], flipped(hashes[2999] or b"", NEAR_BITS + 1, rng), None, None]
    assert near_groups(hashes) == [*map(list, pairs), [2999, 3300]]


def test_a_chain_is_one_group() -> None:
    rng = np.random.default_rng(5)
    chain = [rng.bytes(HASH_BYTES)]
    for _ in range(50):
        chain.append(flipped(chain[-1], 12, rng))
    assert bits_apart(chain[0], chain[-1]) > NEAR_BITS
    assert near_groups([None, *chain]) == [list(range(1, 52))]


def test_one_picture_many_times() -> None:
    """Frames of a static camera are all close to each other, which must not take quadratic time."""
    rng = np.random.default_rng(7)
    first = rng.bytes(HASH_BYTES)
    frames: list[bytes | None] = [flipped(first, 6, rng) for _ in range(2000)] + [first] * 2000
    assert near_groups(frames) == [list(range(4000))]


@pytest.mark.parametrize("hashes", [[], [None, None], [b"a" * 32]])
def test_nothing_to_compare(hashes: list[bytes | None]) -> None:
    assert near_groups(hashes) == []


@pytest.mark.shared_data
def test_every_listed_duplicate_among_the_flowers_is_found(shared: Path) -> None:
    root = shared / "data" / "flowers17"
    with (root / "duplicates.csv").open(newline="") as file:
        pairs = [tuple(row) for row in csv.reader(file)]
    names = [name for pair in pairs for name in pair]
    hashes = [hash_of(read_image(root / name)) for name in names]
    assert near_groups(hashes) == [[i, i + 1] for i in range(0, len(names), 2)]
