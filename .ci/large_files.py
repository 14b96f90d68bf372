"""Refuse files that are too large for the repository: 1 MB, and 10 MB for the demo model.

Usage: python .ci/large_files.py FILE ...
"""

import sys
from pathlib import Path

LIMIT = 1_000_000
LIMITS = {"resources/demo/model.safetensors": 10_000_000}

too_large = [
    f"{name}: {Path(name).stat().st_size:,} bytes, the limit is {LIMITS.get(Path(name).as_posix(), LIMIT):,}"
    for name in sys.argv[1:]
    if Path(name).is_file() and Path(name).stat().st_size > LIMITS.get(Path(name).as_posix(), LIMIT)
]
sys.exit("\n".join(too_large) or 0)
