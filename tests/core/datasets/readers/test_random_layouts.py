"""Two hundred random folders in layouts that people have: each is read right, or refused with a sentence; none is read wrong."""

from pathlib import Path

import pytest
from random_layouts import Layout, layout

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.opening import open_images
from s3n_core.errors import DataSetError, TooFewClasses

LAYOUTS = 200


def read(made: Layout) -> dict[str, tuple[str | None, str | None]]:
    """Return class and split of every image by its path below the layout's folder."""
    try:
        data_set = open_data_set(made.root)
    except TooFewClasses:  # nothing to learn, but to be predicted
        data_set = open_images(made.root)
    return {
        record.path.relative_to(made.root).as_posix(): (
            None if record.label is None else data_set.classes[record.label],
            record.split,
        )
        for record in data_set.records
    }


@pytest.mark.parametrize("block", range(10))
def test_every_layout_is_read_right_or_refused(tmp_path: Path, block: int) -> None:
    wrong, refused = [], []
    for number in range(block, LAYOUTS, 10):
        made = layout(tmp_path / str(number), number)
        try:
            found = read(made)
        except DataSetError as error:
            refused.append(f"{number} ({made.kind}): {error}")
            continue
        if found != made.truth:
            differ = [(name, found.get(name), truth) for name, truth in made.truth.items() if found.get(name) != truth]
            wrong.append(
                f"{number} ({made.kind}): {differ[:2]}, too many {sorted(found.keys() - made.truth.keys())[:2]}"
            )
    assert wrong == []
    assert refused == []
