from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.server.inspection_server import single_thread
from s3n_core.system import processes


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with single_thread():
        yield


@pytest.fixture(autouse=True)
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Keep the priority of the tests' own process; holds an entry for each time that it would have been lowered."""
    calls: list[bool] = []
    monkeypatch.setattr(processes, "lower_own_priority", lambda: calls.append(True))
    return calls


@pytest.fixture(scope="session")
def birds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in the layout of CUB-200-2011 with boxes: three classes, each with four training and three test images."""
    root = tmp_path_factory.mktemp("material") / "birds"
    lines: dict[str, list[str]] = {
        name: [] for name in ("images", "image_class_labels", "train_test_split", "bounding_boxes")
    }
    number, located = 0, list[str]()
    for place, name in enumerate(("001.Crow", "002.Jay", "003.Kite"), 1):
        (root / "images" / name).mkdir(parents=True)
        (root / "parts").mkdir(exist_ok=True)
        for index in range(7):
            number += 1
            pixels = np.random.default_rng([place, index]).integers(0, 256, (12, 15, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((90, 72)).save(root / "images" / name / f"{index}.png")
            lines["images"].append(f"{number} {name}/{index}.png")
            lines["image_class_labels"].append(f"{number} {place}")
            lines["train_test_split"].append(f"{number} {int(index < 4)}")
            lines["bounding_boxes"].append(f"{number} 20 10 50 40")
            located += [f"{number} 1 22.0 12.0 1", f"{number} 2 60.0 40.0 1"]
    for name, rows in lines.items():
        (root / f"{name}.txt").write_text("\n".join(rows) + "\n")
    (root / "parts" / "parts.txt").write_text("1 beak\n2 tail\n")
    (root / "parts" / "part_locs.txt").write_text("\n".join(located) + "\n")
    (root / "classes.txt").write_text("1 001.Crow\n2 002.Jay\n3 003.Kite\n")
    return root
