"""The process of the inspection server: `python -m s3n_core.server.process`.

It reads requests from its standard input and writes replies to its standard output (`messages`), for the window that
started it, on this machine or through `ssh` on another. A thread reads the requests and keeps the latest of each kind;
`InspectionServer` handles them. The process ends when its input does, so it never outlives the window.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from s3n_core.errors import S3NError
from s3n_core.server.inspection_server import InspectionServer
from s3n_core.server.messages import read_message
from s3n_core.server.requests import REQUEST_KINDS, LatestRequests, Request

_GRACE_SECONDS = 3.0  # to finish the current computation after the window has closed


def read_requests(stream: IO[bytes], requests: LatestRequests) -> None:
    """Put a window's requests into the mailbox until the stream ends or is invalid; then close the mailbox."""
    try:
        while (message := read_message(stream)) is not None:
            kind = next((known for known in REQUEST_KINDS if known == message.kind), None)
            generation = message.fields.get("generation", 0)
            if kind is None or type(generation) is not int:
                print(f"ignored a request of the unknown kind {message.kind!r}", file=sys.stderr)
                continue
            requests.put(Request(kind, generation, dict(message.fields)))
            if kind == "quit":
                return
    except S3NError as error:
        print(f"ended: {error}", file=sys.stderr)
    except (OSError, ValueError):  # the stream was closed
        pass
    finally:
        requests.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the process.

    Args:
        argv: The arguments; None: those of this process.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="s3n inspection-server",
        description="Inspect images for the window, which talks to this process; not for use by hand.",
    )
    parser.add_argument(
        "--idle-seconds", type=float, default=300.0, metavar="N", help="unload the model after this many idle seconds"
    )
    arguments = parser.parse_args(argv)
    if sys.stdin.isatty():
        parser.error("this process is started by the window")
    source, output = _take_streams()
    requests = LatestRequests()
    reader = threading.Thread(target=_read_and_end, args=(source, requests), name="requests", daemon=True)
    reader.start()
    code = InspectionServer(requests, output, arguments.idle_seconds).run()
    sys.stderr.flush()
    # Not by a normal exit: a thread is blocked in a read, and the GPU driver's library may hang on exit.
    os._exit(code)


def _read_and_end(source: IO[bytes], requests: LatestRequests) -> None:
    read_requests(source, requests)
    time.sleep(_GRACE_SECONDS)
    os._exit(0)


def _take_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Reserve the standard streams for messages; output that libraries print goes to stderr, the log."""
    sys.stdout.flush()
    source, output = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(source, os.O_BINARY)
        msvcrt.setmode(output, os.O_BINARY)
    return os.fdopen(source, "rb"), os.fdopen(output, "wb", buffering=2**20)


if __name__ == "__main__":
    sys.exit(main())
