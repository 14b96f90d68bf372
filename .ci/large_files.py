"""Refuse files that are too large for the repository: 1 MB, 10 MB for the demo model, 2 MB for the files of an earlier version.

Usage: python .ci/large_files.py FILE ...
"""

import sys
from pathlib import Path

LIMIT = 1_000_000
LIMITS = {"resources/demo/model.safetensors": 10_000_000, "tests/data/files_of_dd97482.tar.xz": 2_000_000}

too_large = [
    f"{name}: {Path(name).stat().st_size:,} bytes, the limit is {LIMITS.get(Path(name).as_posix(), LIMIT):,}"
    for name in sys.argv[1:]
    if Path(name).is_file() and Path(name).stat().st_size > LIMITS.get(Path(name).as_posix(), LIMIT)
]
sys.exit("\n".join(too_large) or 0)
