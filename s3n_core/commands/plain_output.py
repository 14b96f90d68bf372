"""Output to terminals and pipes whose encoding does not know every character, as cp1252 on Windows."""

from __future__ import annotations

import codecs
import io
import sys

_HANDLER = "s3n-plain"
_PLAIN = str.maketrans({"\u2212": "-", "\u2264": "<=", "\u2265": ">=", "\u2192": "->", "\u2260": "!="})


def write_plainly() -> None:
    """Let standard output and error replace what they cannot encode instead of ending a job.

    Signs become ASCII (the minus U+2212 is "-"); letters, for example of file names, their code point.
    """
    codecs.register_error(_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
