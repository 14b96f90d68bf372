"""What a file is, by its suffix or its first bytes; nothing here opens a file."""

from __future__ import annotations

import re


def _suffixes(text: str) -> frozenset[str]:
    return frozenset(text.split())


IMAGE_SUFFIXES = _suffixes(
    ".apng .avif .avifs .bmp .dib .gif .j2c .j2k .jfif .jp2 .jpc .jpe .jpeg .jpf .jpg .jpx .mpo .pbm .pfm .pgm .png .pnm "
    ".ppm .tga .tif .tiff .webp"
)
"""Lower-case suffixes of files that count as images without a look into them."""

RAW_SUFFIXES = _suffixes(
    ".3fr .ari .arw .bay .cap .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mdc .mef .mos .mrw .nef .nrw .orf "
    ".pef .ptx .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
"""Suffixes of cameras' raw files. Many are TIFF by their first bytes, but hold no finished photograph."""

COMPANION_SUFFIXES = _suffixes(
    ".7z .aae .arrow .bat .bib .c .cfg .conf .cpp .csv .doc .docx .feather .gz .h .h5 .hdf5 .htm .html .ini .ipynb .jl "
    ".js .json .jsonl .license .lnk .log .m .mat .md .md5 .names .npy .npz .ods .odt .onnx .parquet .pickle .pkl .pt "
    ".pth .py .pyc .r .rar .rst .rtf .safetensors .sh .sha1 .sha256 .sqlite .tar .tex .tfrecord .toml .tsv .txt .url "
    ".xls .xlsx .xml .xmp .yaml .yml .zip"
)
"""Suffixes of texts, tables, programs, models and archives: files that lie beside images."""

MEDIA_SUFFIXES = _suffixes(
    ".3gp .ai .aif .aiff .avi .djvu .dll .eps .exe .flac .flv .m2ts .m4a .m4v .mkv .mov .mp3 .mp4 .mpeg .mpg .mts .oga "
    ".ogg .ogv .pdf .ppt .pptx .ps .psb .psd .svg .swf .wav .webm .wma .wmv .xcf"
)
"""Suffixes of films, sounds, pages and drawings that the decoder does not read."""

UNFINISHED_SUFFIXES = _suffixes(".bak .crdownload .download .filepart .opdownload .part .partial .tmp")
"""Suffixes of files that a program has not finished, or has kept beside the finished one."""

HEIC = "HEIC"
HEIC_REMEDY = 'pip install "s3n-studio[heic]"'
"""The command that lets this program read HEIC photographs."""

SIGNATURE = 32
"""Number of bytes at the beginning of a file from which its format is known."""

_JPEG_2000 = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0")
_BITMAP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})  # their sizes in bytes
_PORTABLE = re.compile(rb"P(?:[1-6]|[fF])\s+[\d#-]")
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def suffix_of(name: str) -> str:
    """Return a file name's suffix in lower case with its dot; "" where there is none."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def is_image_file(name: str) -> bool:
    """Return whether a file name has the suffix of an image, ignoring case."""
    return suffix_of(name) in IMAGE_SUFFIXES


def format_of(prefix: bytes) -> str | None:
    """Return the name of an image's format from the first `SIGNATURE` bytes of its file; None where they are of none.

    Names are Pillow's, and `HEIC`. Stricter than Pillow's readers, which take any text that begins with "BM" or "P1" for an
    image. TGA has no signature.
    """
    if prefix.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if prefix.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if prefix[:4] == b"RIFF" and prefix[8:12] == b"WEBP":
        return "WEBP"
    if prefix.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if prefix.startswith(b"BM") and int.from_bytes(prefix[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    if prefix.startswith(_TIFF):
        return None if prefix[8:10] == b"CR" else "TIFF"  # Canon's raw files
    if prefix.startswith(_JPEG_2000):
        return "JPEG2000"
    if prefix[4:8] == b"ftyp":
        return _brand(prefix)
    return "PPM" if _PORTABLE.match(prefix) else None


def is_text(prefix: bytes) -> bool:
    """Return whether the first `SIGNATURE` bytes of a file, or all of a shorter one, are text in UTF-8."""
    try:
        text = prefix.decode("utf-8", "ignore" if len(prefix) == SIGNATURE else "strict")  # the last letter may be cut
    except UnicodeDecodeError:
        return False
    return not prefix.startswith(b"%PDF") and all(letter.isprintable() or letter.isspace() for letter in text)


def _brand(prefix: bytes) -> str | None:
    """Return which image an ISO media file is, from its main brand and the first of the others; None for films."""
    brands = {prefix[start : start + 4] for start in (8, 16, 20, 24, 28)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return HEIC if prefix[8:12] in _HEIC_BRANDS else None
