"""Which files are images, whatever they are called, and what of a file decides: its pixels, never its metadata."""

import importlib.util
import io
import struct
import sys
import types
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from s3n_core.datasets.decoding import image_size, read_image
from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.errors import UnreadableImage

HEIC_START = b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heicmiaf"


def picture(width: int = 24, height: int = 16) -> Image.Image:
    """An image without symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    blue = np.where((x < width // 3) & (y < height // 3), 255, 0)
    return Image.fromarray(np.stack([x * 255 // (width - 1), 255 - y * 255 // (height - 1), blue], -1).astype(np.uint8))


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def read(path: Path) -> np.ndarray:
    image = read_image(path)
    assert image_size(path) == image.size
    return np.asarray(image)


def reason(path: Path) -> str:
    with pytest.raises(UnreadableImage) as caught:
        read_image(path)
    with pytest.raises(UnreadableImage) as of_size:
        image_size(path)
    assert of_size.value.reason == caught.value.reason
    return caught.value.reason


def chunk(kind: bytes, content: bytes, *, damaged: bool = False) -> bytes:
    checksum = zlib.crc32(kind + content) ^ damaged
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def tiff(
    pixels: np.ndarray, photometric: int, extra: tuple[int, ...] = (), further: bytes = b"", bits: int = 8
) -> bytes:
    """A TIFF by hand: (h, w, channels), uncompressed; ``further`` are entries of 12 bytes."""
    height, width, channels = pixels.shape
    data = pixels.tobytes()
    entries = [(256, 3, 1, width), (257, 3, 1, height), (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 8)]
    entries += [(277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1)]
    at_end = b""
    directory = 8 + len(data) + len(data) % 2
    count = len(entries) + 1 + bool(extra) + len(further) // 12
    rest = directory + 2 + 12 * count + 4
    for tag, values in ((258, (bits,) * channels), (338, extra)):
        if values:
            packed = struct.pack(f"<{len(values)}H", *values)
            if len(packed) > 4:
                entries.append((tag, 3, len(values), rest + len(at_end)))
                at_end += packed
            else:
                entries.append((tag, 3, len(values), int.from_bytes(packed.ljust(4, b"\0"), "little")))
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries)) + further
    head = b"II*\0" + struct.pack("<I", directory)
    return head + data + b"\0" * (len(data) % 2) + struct.pack("<H", count) + table + bytes(4) + at_end


def test_a_long_comment_does_not_spoil_a_png(tmp_path: Path) -> None:
    note = PngImagePlugin.PngInfo()
    note.add_text("workflow", "a" * 2_000_000, zip=True)
    limits = (PngImagePlugin.MAX_TEXT_CHUNK, ImageFile.LOAD_TRUNCATED_IMAGES)
    (tmp_path / "a.png").write_bytes(saved(picture(), "PNG", pnginfo=note))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.asarray(picture()))
    assert limits == (PngImagePlugin.MAX_TEXT_CHUNK, ImageFile.LOAD_TRUNCATED_IMAGES)


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("kind", [b"iCCP", b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"pHYs", b"gAMA", b"acTL", b"vpAg"])
def test_no_damaged_metadata_spoil_a_png(tmp_path: Path, kind: bytes, at_end: bool) -> None:
    whole = saved(picture(), "PNG")
    place = -12 if at_end else 33
    for content in (b"", b"junk", b"name\0\\9", b"name\0\0zz", b"name\0\0" + zlib.compress(bytes(2_000_000))):
        for damaged in (False, True):
            (tmp_path / "a.png").write_bytes(whole[:place] + chunk(kind, content, damaged=damaged) + whole[place:])
            np.testing.assert_array_equal(read(tmp_path / "a.png"), np.asarray(picture()))


def test_the_orientation_of_a_png_stays_beside_a_damaged_profile(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = saved(picture(), "PNG", exif=exif)
    (tmp_path / "a.png").write_bytes(whole[:33] + chunk(b"iCCP", b"name\0\0zz", damaged=True) + whole[33:])
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.asarray(picture().transpose(Image.Transpose.ROTATE_270)))


def test_damage_of_the_pixels_is_still_said(tmp_path: Path) -> None:
    whole = saved(picture(), "PNG")
    (tmp_path / "a.png").write_bytes(whole[:60])
    with pytest.raises(UnreadableImage, match="truncated"):
        read_image(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize(
    "entry", [(270, 2, 2**31, 60_000), (305, 2, 2**20, 8), (33550, 12, 90_000, 4), (65000, 77, 1, 1)]
)
def test_odd_tags_do_not_spoil_a_tiff(tmp_path: Path, entry: tuple[int, int, int, int]) -> None:
    # Before the tags of the pixels, as a description that promises more text than there is: nothing after it is read.
    pixels = np.asarray(picture())
    whole = bytearray(tiff(pixels, 2))
    (directory,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, directory)
    table = bytes(whole[directory + 2 : directory + 2 + 12 * count])
    place = len(whole)
    entries = [table[start : start + 12] for start in range(0, len(table), 12)]
    entries.insert(4 if entry[0] < 30_000 else count, struct.pack("<HHII", *entry))
    whole += struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    struct.pack_into("<I", whole, 4, place)
    (tmp_path / "a.tif").write_bytes(whole)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), pixels)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_exif_of_a_jpeg(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    whole = bytearray(saved(picture(), "JPEG", exif=exif, quality=95))
    place = whole.index(b"Exif\0\0")
    for offset in range(6, 30, 3):
        damaged = whole.copy()
        damaged[place + offset : place + offset + 4] = b"\xff\xff\xff\xff"
        (tmp_path / "a.jpg").write_bytes(damaged)
        assert read(tmp_path / "a.jpg").shape == (16, 24, 3)


@pytest.mark.parametrize("compression", [None, "tga_rle"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_targa_is_read_under_its_suffix_alone(tmp_path: Path, mode: str, compression: str | None) -> None:
    source = picture().convert(mode)
    data = saved(source, "TGA", compression=compression)
    (tmp_path / "a.tga").write_bytes(data)
    (tmp_path / "b.TGA").write_bytes(data)
    (tmp_path / "c.jpg").write_bytes(data)
    (tmp_path / "d").write_bytes(data)
    assert list(FolderTree(tmp_path).images()) == ["a.tga", "b.TGA", "c.jpg"]
    for name in ("a.tga", "b.TGA"):
        np.testing.assert_array_equal(read(tmp_path / name), np.asarray(source.convert("RGB")))
    assert reason(tmp_path / "c.jpg") == "it is not an image of a known format"


def test_the_fourth_byte_of_a_targa_counts_only_where_the_header_says_so(tmp_path: Path) -> None:
    image = picture()
    image.putalpha(0)
    data = bytearray(saved(image, "TGA"))
    (tmp_path / "opacity.tga").write_bytes(data)
    assert (read(tmp_path / "opacity.tga") == 255).all()
    data[17] &= 0xF0
    (tmp_path / "padding.tga").write_bytes(data)
    np.testing.assert_array_equal(read(tmp_path / "padding.tga"), np.asarray(picture()))


def test_a_text_called_targa_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.tga").write_bytes(b"short")
    assert reason(tmp_path / "a.tga") == "it is not an image of a known format"


def test_four_channels(tmp_path: Path) -> None:
    colours = np.asarray(picture())
    infrared = np.full((16, 24, 1), 77, dtype=np.uint8)
    four = np.concatenate([colours, infrared], axis=2)
    (tmp_path / "infrared.tif").write_bytes(tiff(four, 2, extra=(0,)))
    np.testing.assert_array_equal(read(tmp_path / "infrared.tif"), colours)  # the first three
    clear = np.concatenate([colours, np.zeros((16, 24, 1), dtype=np.uint8)], axis=2)
    (tmp_path / "opacity.tif").write_bytes(tiff(clear, 2, extra=(2,)))
    assert (read(tmp_path / "opacity.tif") == 255).all()  # on white
    (tmp_path / "inks.tif").write_bytes(tiff(np.full((16, 24, 4), (0, 255, 255, 0), dtype=np.uint8), 5))
    np.testing.assert_array_equal(read(tmp_path / "inks.tif")[0, 0], (255, 0, 0))


def test_two_channels_are_grey_and_opacity(tmp_path: Path) -> None:
    grey = np.asarray(picture().convert("L"))[..., None]
    half = np.concatenate([grey, np.full_like(grey, 255)], axis=2)
    (tmp_path / "a.tif").write_bytes(tiff(half, 1, extra=(2,)))
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), np.repeat(grey, 3, axis=2))


@pytest.mark.parametrize(
    ("channels", "photometric", "extra", "expected"),
    [
        (5, 2, (0, 0), "it has 5 channels, and at most 4 are read"),
        (8, 1, (0,) * 7, "it has 8 channels, and at most 4 are read"),
        (200, 1, (0,) * 199, "it has 200 channels, and at most 4 are read"),
        (4, 1, (0, 0, 0), "it has 4 channels that are not marked as colours"),
        (3, 1, (0, 0), "it has 3 channels that are not marked as colours"),
    ],
)
def test_unknown_channels_are_refused_by_their_number(
    tmp_path: Path, channels: int, photometric: int, extra: tuple[int, ...], expected: str
) -> None:
    pixels = np.zeros((16, 24, channels), dtype=np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(pixels, photometric, extra))
    assert reason(tmp_path / "a.tif") == (
        f"{expected}: save the three that are to be red, green and blue as an RGB image"
    )


def test_l_a_b_colours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(np.zeros((16, 24, 3), dtype=np.uint8), 8))
    assert "CIE L*a*b*" in reason(tmp_path / "a.tif")


def test_the_first_page_of_several(tmp_path: Path) -> None:
    small = picture().resize((6, 4))
    (tmp_path / "pages.tif").write_bytes(saved(picture(), "TIFF", save_all=True, append_images=[small, small]))
    np.testing.assert_array_equal(read(tmp_path / "pages.tif"), np.asarray(picture()))


def test_heic_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(HEIC_START + bytes(100))
    (tmp_path / "b.jpg").write_bytes(HEIC_START + bytes(100))
    assert list(FolderTree(tmp_path).images()) == ["b.jpg"]  # its suffix is enough for the list
    for name in ("a.heic", "b.jpg"):
        assert reason(tmp_path / name) == 'it is a HEIC photograph; to read these, run: pip install "s3n-studio[heic]"'


def test_heic_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for pillow-heif: its reader is called directly, and is not registered with Pillow."""

    class HeifImageFile(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self._mode, self._size = "RGB", (24, 16)
            self.tile = []

        def load(self) -> object:
            self.im = picture().im
            return super().load()

    module = types.ModuleType("pillow_heif")
    module.HeifImageFile = HeifImageFile  # type: ignore[attr-defined]
    module.__spec__ = importlib.util.spec_from_loader("pillow_heif", loader=None)
    monkeypatch.setitem(sys.modules, "pillow_heif", module)
    (tmp_path / "a.heic").write_bytes(HEIC_START + bytes(100))
    assert list(FolderTree(tmp_path).images()) == ["a.heic"]
    np.testing.assert_array_equal(read(tmp_path / "a.heic"), np.asarray(picture()))
    assert "HEIF" not in Image.OPEN


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_true_heic(tmp_path: Path, orientation: int) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif comes with the extra 'heic'")
    exif = Image.Exif()
    exif[0x0112] = orientation
    heif.from_pillow(picture(96, 64)).save(tmp_path / "a.heic", quality=95, exif=exif.tobytes())
    turned = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270}[orientation]
    expected = picture(96, 64) if turned is None else picture(96, 64).transpose(turned)
    shown = read(tmp_path / "a.heic")
    assert shown.shape == np.asarray(expected).shape
    assert np.abs(shown.astype(int) - np.asarray(expected)).mean() < 6
