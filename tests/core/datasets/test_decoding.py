"""The decoder on every kind of file that an image folder may contain: read correctly, or rejected with a reason."""

import io
import os
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from s3n_core.datasets.decoding import image_size, read_image
from s3n_core.datasets.file_formats import is_image_file
from s3n_core.errors import UnreadableImage


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """A hand-made PNG for what Pillow cannot write (16-bit colour, a wrong image size)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def picture(width: int = 24, height: int = 16) -> Image.Image:
    """An image without symmetry: red increases to the right, green decreases downwards, one corner is blue."""
    y, x = np.mgrid[0:height, 0:width]
    blue = np.where((x < width // 3) & (y < height // 3), 255, 0)
    pixels = np.stack([x * 255 // (width - 1), 255 - y * 255 // (height - 1), blue], axis=-1)
    return Image.fromarray(pixels.astype(np.uint8))


def values(path: Path) -> np.ndarray:
    image = read_image(path)
    assert image.mode == "RGB"
    assert image_size(path) == image.size
    assert not image.info
    return np.asarray(image)


def reason(path: Path) -> str:
    with pytest.raises(UnreadableImage) as caught:
        read_image(path)
    assert caught.value.path == path
    assert "\n" not in caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tiff", "ppm", "gif"])
def test_formats_without_loss(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"image.{suffix}"
    source = picture() if suffix != "gif" else picture().quantize(256)
    source.save(path, lossless=True) if suffix == "webp" else source.save(path)
    np.testing.assert_array_equal(values(path), np.asarray(source.convert("RGB")))


def test_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "image.JPG"
    picture(64, 48).save(path, quality=95, subsampling=0)
    assert np.abs(values(path).astype(int) - np.asarray(picture(64, 48))).mean() < 4


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_opaque_modes(tmp_path: Path, mode: str) -> None:
    source = picture().convert(mode)
    source.save(tmp_path / "image.png")
    np.testing.assert_array_equal(values(tmp_path / "image.png"), np.asarray(source.convert("RGB")))


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    alpha = Image.new("L", (4, 2), 0)
    alpha.paste(255, (2, 0, 4, 2))
    for mode in ("LA", "RGBA"):
        image = Image.new(mode[:-1], (4, 2), "black")
        image.putalpha(alpha)
        assert image.mode == mode
        image.save(tmp_path / f"{mode}.png")
        np.testing.assert_array_equal(values(tmp_path / f"{mode}.png")[0, :, 0], [255, 255, 0, 0])


def test_half_transparency(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (0, 0, 0, 128)).save(tmp_path / "half.png")
    np.testing.assert_array_equal(values(tmp_path / "half.png"), np.full((2, 2, 3), 127))


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_transparent_colour(tmp_path: Path, mode: str) -> None:
    """tRNS: one palette entry, grey value or colour is transparent."""
    source = Image.new("RGB", (4, 1), "black")
    source.putpixel((0, 0), (10, 10, 10))
    image = source.quantize(2) if mode == "P" else source.convert(mode)
    image.save(tmp_path / "image.png", transparency=image.getpixel((0, 0)))
    np.testing.assert_array_equal(values(tmp_path / "image.png")[0, :, 0], [255, 0, 0, 0])


def test_palette_with_many_alphas(tmp_path: Path) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 0, 0, 0, 0, 0, 0])
    image.putdata([0, 1, 2])
    image.save(tmp_path / "image.png", transparency=bytes([0, 128, 255]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(values(tmp_path / "image.png")[0, :, 0], [255, 127, 0])


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bit_grey_is_scaled(tmp_path: Path, suffix: str) -> None:
    grey = np.array([[0, 257, 128 * 257, 65535]], dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / f"image.{suffix}")
    np.testing.assert_array_equal(values(tmp_path / f"image.{suffix}")[0, :, 0], [0, 1, 128, 255])


def test_sixteen_bit_big_endian_tiff(tmp_path: Path) -> None:
    Image.frombytes("I;16B", (2, 1), b"\x00\x00\xff\xff").save(tmp_path / "image.tif")
    np.testing.assert_array_equal(values(tmp_path / "image.tif")[0, :, 0], [0, 255])


def test_sixteen_bit_colour_is_scaled(tmp_path: Path) -> None:
    row = b"\x00" + struct.pack(">6H", 0, 128 * 257, 65535, 65535, 64 * 257, 0)
    (tmp_path / "image.png").write_bytes(png(2, 1, 16, 2, row))
    np.testing.assert_array_equal(values(tmp_path / "image.png"), [[[0, 128, 255], [255, 64, 0]]])


def test_dark_sixteen_bit_images_stay_dark(tmp_path: Path) -> None:
    """Scaling uses the range of the type, not of the image: 200 of 65535 is nearly black."""
    Image.fromarray(np.full((2, 2), 200, dtype=np.uint16)).save(tmp_path / "dark.png")
    assert values(tmp_path / "dark.png").max() == 1


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([0, 128, 255], [0, 128, 255]),
        ([0, 257, 65535], [0, 1, 255]),
        ([0, 2**30, 2**31 - 1], [0, 128, 255]),
        ([-100, 0, 100], [0, 128, 255]),
    ],
)
def test_32_bit_integers(tmp_path: Path, stored: list[int], expected: list[int]) -> None:
    Image.fromarray(np.array([stored], dtype=np.int32)).save(tmp_path / "image.tiff")
    np.testing.assert_array_equal(values(tmp_path / "image.tiff")[0, :, 0], expected)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 127.6, 255.0], [0, 128, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, np.nan, 1.0], [0, 0, 255]),
        ([3e9, 3e9, 3e9], [0, 0, 0]),
    ],
)
def test_floats(tmp_path: Path, stored: list[float], expected: list[int]) -> None:
    Image.fromarray(np.array([stored], dtype=np.float32)).save(tmp_path / "image.tiff")
    np.testing.assert_array_equal(values(tmp_path / "image.tiff")[0, :, 0], expected)


def test_floats_without_a_number(tmp_path: Path) -> None:
    Image.fromarray(np.full((2, 2), np.nan, dtype=np.float32)).save(tmp_path / "image.tiff")
    assert reason(tmp_path / "image.tiff") == "none of its values is a finite number"


def test_cmyk_jpeg_with_and_without_adobe_marker(tmp_path: Path) -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    stream = io.BytesIO()
    red.save(stream, "JPEG", quality=95)  # as Adobe writes them: inverted, with an APP14 marker
    data = stream.getvalue()
    start = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[start + 2 : start + 4])[0]
    (tmp_path / "adobe.jpg").write_bytes(data)
    (tmp_path / "plain.jpg").write_bytes(data[:start] + data[start + 2 + length :])
    for name in ("adobe.jpg", "plain.jpg"):
        assert np.abs(values(tmp_path / name).astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_exif_orientation(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"image.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture()
    stored.save(path, exif=exif, **({"quality": 95, "subsampling": 0} if suffix == "jpg" else {}))
    tagged = stored.copy()
    tagged.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(tagged)).astype(int)
    shown = values(path)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).mean() < 12  # lossy formats; a wrong orientation differs by more than 60


def test_saving_again_does_not_turn_twice(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().save(tmp_path / "turned.jpg", exif=exif)
    upright = read_image(tmp_path / "turned.jpg")
    upright.save(tmp_path / "again.png")
    np.testing.assert_array_equal(values(tmp_path / "again.png"), np.asarray(upright))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_spoil_the_pixels(tmp_path: Path) -> None:
    picture().save(tmp_path / "image.jpg", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff junk")
    assert values(tmp_path / "image.jpg").shape == (16, 24, 3)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_first_frame_of_an_animation(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"image.{suffix}", save_all=True, append_images=frames[1:], duration=50, **options)
    np.testing.assert_array_equal(values(tmp_path / f"image.{suffix}")[4, 4], [255, 0, 0])


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tiff", "webp"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path = tmp_path / f"image.{suffix}"
    noise.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert reason(path)
    if suffix in ("jpg", "png"):
        assert reason(path) == "the file is truncated"
        assert image_size(path) == (64, 64)  # the header is intact


def test_corrupt_pixels(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(png(4, 4, 8, 2, b"not enough"))
    assert reason(tmp_path / "image.png")


def test_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    assert reason(tmp_path / "empty.jpg") == "the file is empty"
    (tmp_path / "text.jpg").write_text("This is not an image, whatever it is called.")
    assert reason(tmp_path / "text.jpg") == "it is not an image of a known format"
    (tmp_path / "folder.jpg").mkdir()
    assert reason(tmp_path / "folder.jpg") == "it is a folder, not an image"
    assert reason(tmp_path / "absent.jpg") == "the file does not exist"
    assert reason(tmp_path / "nul\0.jpg")
    with pytest.raises(UnreadableImage, match="the file is empty"):
        image_size(tmp_path / "empty.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") == "it is not a regular file"


def test_programs_are_not_opened(tmp_path: Path) -> None:
    """Opening EPS would start Ghostscript."""
    picture().save(tmp_path / "image.eps")
    (tmp_path / "image.eps").rename(tmp_path / "image.png")
    assert reason(tmp_path / "image.png") == "it is not an image of a known format"


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, because the tests may run as root."""
    picture().save(tmp_path / "image.png")

    def refuse(self: Path, *args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    assert reason(tmp_path / "image.png") == "there is no permission to read it"


@pytest.mark.parametrize("side", [13_500, 18_000, 60_000])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_decompression_bomb(tmp_path: Path, side: int, action: str) -> None:
    """A few bytes that declare 182 million to 3.6 billion pixels, which Pillow itself refuses, too."""
    (tmp_path / "bomb.png").write_bytes(png(side, side, 8, 2, b"\0" * 100))
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        assert "declares" in reason(tmp_path / "bomb.png")
        assert "limit of 178956970" in reason(tmp_path / "bomb.png")
        with pytest.raises(UnreadableImage):
            image_size(tmp_path / "bomb.png")


def test_large_images_are_no_bombs(tmp_path: Path) -> None:
    """Pillow's `open` warns from 89 million pixels on, but cameras produce more."""
    (tmp_path / "large.png").write_bytes(png(12_032, 9_024, 8, 2, b""))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_size(tmp_path / "large.png") == (12_032, 9_024)


def test_own_pixel_limit(tmp_path: Path) -> None:
    picture().save(tmp_path / "image.png")
    assert read_image(tmp_path / "image.png", pixel_limit=24 * 16).size == (24, 16)
    with pytest.raises(UnreadableImage, match="24 x 16 pixels, more than the limit of 383"):
        read_image(tmp_path / "image.png", pixel_limit=24 * 16 - 1)


@pytest.mark.parametrize("name", ["Köln 鳥 é.png", "🐦 sparrow.png", "عصفور.png", " two  spaces .png", "e\u0301.png"])
def test_names_in_any_script(tmp_path: Path, name: str) -> None:
    picture().save(tmp_path / name)
    assert values(tmp_path / name).shape == (16, 24, 3)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has file names that are no text")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"K\xf6ln.png")
    picture().save(tmp_path / "image.png")
    (tmp_path / "image.png").rename(path)
    assert values(path).shape == (16, 24, 3)
    path.write_bytes(b"junk")
    assert reason(path)


def test_no_global_state_of_pillow_is_changed(tmp_path: Path) -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    picture().save(tmp_path / "image.png")
    read_image(tmp_path / "image.png")
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_the_file_is_let_go_of(tmp_path: Path) -> None:
    picture().save(tmp_path / "image.jpg")
    image = read_image(tmp_path / "image.jpg")
    (tmp_path / "image.jpg").unlink()  # Windows refuses to delete an open file
    assert image.getpixel((0, 0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.JPG", True), ("a.b.jpeg", True), ("a.TiFF", True), ("a.txt", False), ("jpg", False), (".jpg", False)],
)
def test_is_image_file(name: str, expected: bool) -> None:
    assert is_image_file(name) is expected
