"""Damaged lists, tables and .mat files: a reader returns a data set within its folder, or raises a clear error.

    python tests/campaign/mutated_tables.py --count 200 --seed 0 --out mutated_tables.json

Each case writes a tiny data set, damages one of its description files, and opens it with the format given and detected.
The child process has 2 GiB of address space.
"""

import random
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests")]

from campaign.data_set_samples import WRITERS  # noqa: E402
from campaign.guarded import main  # noqa: E402
from campaign.mutations import mutated  # noqa: E402

from s3n_core.datasets.detection import open_data_set  # noqa: E402
from s3n_core.errors import DataSetError  # noqa: E402


def mutated_table(seed: int, number: int, folder: Path) -> str:
    """Damage one table of a data set and open it.

    Returns:
        "data set" or "sentence".

    Raises:
        Exception: A defect: neither of the two, or an image outside the folder.
    """
    rng = random.Random(f"{seed} {number}")
    layout = list(WRITERS)[number % len(WRITERS)]
    WRITERS[layout](folder)
    tables = sorted(path for path in folder.rglob("*") if path.suffix in (".txt", ".mat"))
    table, donor = rng.choice(tables), rng.choice(tables)
    _, data = mutated(table.read_bytes(), donor.read_bytes() if donor != table else rng.randbytes(64), rng)
    table.write_bytes(data)
    by_hand = _opened(folder, layout.split(",")[0])
    detected = _opened(folder, "auto")
    return by_hand if by_hand == detected else f"{by_hand}, detected: {detected}"


def _opened(folder: Path, format: str) -> str:
    try:
        data_set = open_data_set(folder, format)
    except DataSetError as error:
        text = str(error)
        assert text.endswith((".", "?")), text
        assert len(text) < 1200, text
        assert "\n" not in text, text
        return "sentence"
    root = folder.resolve()
    for record in data_set.records:
        assert record.path.resolve().is_relative_to(root), record.path
        assert record.label is None or 0 <= record.label < len(data_set.classes), record
        assert record.path == data_set.root / record.name, record
    return "data set"


if __name__ == "__main__":
    sys.exit(main(__file__, mutated_table, 200, 2 << 30))
