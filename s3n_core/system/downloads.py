"""Downloading a file so that a stopped download goes on where it was: data sets and pretrained weights alike."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO

from s3n_core.system.atomic_files import output_error
from s3n_core.version import __version__

DOWNLOAD_ERRORS = (OSError, ValueError, http.client.HTTPException)
"""What `download` raises where the other side, or the way to it, fails: `failure_reason` says it in words."""

_CHUNK = 1 << 20
_SECONDS = 60.0  # without a byte
_WHOLE, _PARTIAL, _NOT_THERE = 200, 206, 416
_SHA256 = re.compile(r"[0-9a-f]{64}")


def download(url: str, part: Path, progress: Callable[[int, int], None]) -> str:
    """Download an address into a file; what an earlier call has left there is continued if the server can.

    Args:
        url: The address (http, https, file).
        part: The unfinished file. The caller checks it and gives it its name.
        progress: Called with the bytes that are there, and those in all.

    Returns:
        The SHA-256 that the server announces of the whole file, 64 hexadecimal digits; "" if it announces none.

    Raises:
        OSError: It cannot be downloaded (or another of `DOWNLOAD_ERRORS`); what is there is kept.
        OutputError: The file cannot be written.
    """
    had = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": f"s3n-studio/{__version__}"})
    if had:
        request.add_header("Range", f"bytes={had}-")
    way = _Redirections()
    try:
        answer = urllib.request.build_opener(way).open(request, timeout=_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != _NOT_THERE:  # 416: there is nothing after what was downloaded before
            raise
        return way.sha256 or _announced(error.headers)
    with answer:
        goes_on = getattr(answer, "status", _WHOLE) == _PARTIAL
        done = had if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length is not None else 0
        try:
            target = part.open("ab" if goes_on else "wb")
        except OSError as error:
            raise output_error(part, error) from error
        with target:
            while chunk := answer.read(_CHUNK):
                try:
                    target.write(chunk)
                except OSError as error:
                    raise output_error(part, error) from error
                done += len(chunk)
                progress(done, max(total, done))
        if done < total:
            raise OSError(f"the connection ended after {done:,} of {total:,} bytes")
        return way.sha256 or _announced(answer.headers)


def failure_reason(error: BaseException) -> str:
    """Return why a download failed, as a clause."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server says {error.code} {error.reason}"
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follows redirections, and keeps the hash that the first server announces: the one that it leads to may not."""

    def __init__(self) -> None:
        super().__init__()
        self.sha256 = ""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """Note the hash and go on."""
        self.sha256 = self.sha256 or _announced(headers)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _announced(headers: Message) -> str:
    """Return the SHA-256 among a server's headers, as hubs of models give it; "" if there is none."""
    for name in ("X-Linked-ETag", "ETag"):
        found = str(headers.get(name) or "").removeprefix("W/").strip('"').lower()
        if _SHA256.fullmatch(found):
            return found
    return ""
