"""A fake ``ssh`` that treats a command as ssh does, on this machine: it passes the words to a shell as one line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SSH = """#!{python}
import os, sys
host, *words = sys.argv[1:]
with open({log!r}, "a", encoding="utf-8") as log:
    log.write(host + "\\n")
os.execvp("/bin/sh", ["sh", "-c", " ".join(words)])
"""
_S3N = """#!/bin/sh
exec {python} -m s3n_core "$@"
"""


def install(folder: Path) -> tuple[str, str]:
    """Write the fake ``ssh`` and a program ``s3n``, both to be first on the PATH; return the command prefix."""
    folder.mkdir()
    for name, text in (("ssh", _SSH), ("s3n", _S3N)):
        program = folder / name
        program.write_text(text.format(python=sys.executable, log=str(folder / "hosts.txt")), encoding="utf-8")
        program.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return ("ssh", "gpu-box")


def hosts(folder: Path) -> list[str]:
    """Return the hosts that commands were sent to."""
    return (folder / "hosts.txt").read_text(encoding="utf-8").splitlines()
