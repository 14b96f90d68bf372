"""Images of every kind, readable and unreadable, that a folder may contain."""

import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

GOOD_NAMES = (
    "plain.png",
    "with space.png",
    "птица.png",
    "空 鳥.png",
    "🦆 duck.png",
    "عصفور.png",
    "[bold]name.png",
    "{x} %s.png",
    "=1+1.png",
    "-x.png",
    "line\nend.png",
)


if sys.platform == "linux":  # Linux accepts any bytes as a file name
    GOOD_NAMES = (*GOOD_NAMES, os.fsdecode(b"caf\xe9.png"))


def picture(seed: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A smooth image of (width, height) pixels."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def class_folders(root: Path, counts: dict[str, int]) -> Path:
    """Write the given number of images for each class."""
    for number, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            picture(100 * number + index).save(root / name / f"{index}.png")
    return root


def write_good_kinds(folder: Path) -> list[str]:
    """Write unusual but readable images; return their names."""
    gray = picture(1).convert("L")
    picture(1).convert("CMYK").save(folder / "cmyk.jpg")
    gray.save(folder / "gray.png")
    Image.fromarray(np.asarray(gray).astype(np.uint16) * 257).save(folder / "gray 16 bit.png")
    frames = [picture(seed).convert("P") for seed in (2, 3, 4)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    upright = picture(5)
    upright.save(folder / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF orientation: rotate clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.png", exif=exif)
    picture(6).convert("RGBA").save(folder / "alpha.png")
    return ["cmyk.jpg", "gray.png", "gray 16 bit.png", "animated.gif", "upright.png", "turned.png", "alpha.png"]


def write_bad_kinds(folder: Path) -> dict[str, str]:
    """Write unreadable files; return by name a text that the reason must contain."""
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("no picture at all", encoding="utf-8")
    picture(7).save(folder / "torn.jpg")
    whole = (folder / "torn.jpg").read_bytes()
    (folder / "torn.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "bomb.png").write_bytes(bomb())
    return {"bomb.png": "limit", "empty.png": "empty", "text.jpg": "not an image", "torn.jpg": "truncated"}


def bomb(side: int = 60_000) -> bytes:
    """A decompression bomb: a PNG file of a few bytes that declares more than ten gigabytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )
