"""One class's parts and who shares them; the map of all places."""

from pathlib import Path

import numpy as np
import pytest
from made_up_atlas import CLASSES, draw_pictures, write_atlas

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.projection import plane
from s3n_core.parts.comparison.class_portrait import class_portrait


def test_a_part_is_shared_by_classes_in_which_it_is_found_in_half_of_the_images(tmp_path: Path) -> None:
    atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", draw_pictures(tmp_path / "data", 4))
    first, second = class_portrait(atlas, "Ruff")
    assert (first.part.contribution, second.part.contribution) == (2, 1)
    assert [one.name for one in first.shared] == list(CLASSES[:2])
    assert all((one.images, one.total, one.contribution) == (4, 4, 2) for one in first.shared)
    assert not first.background
    with pytest.raises(AtlasError, match="no class"):
        class_portrait(atlas, "nobody")


def test_what_looks_alike_lies_together_on_the_map(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], 100)
    values = (np.eye(3, 20)[groups] * [3.0] + 0.1 * rng.normal(size=(300, 20))).astype(np.float32)
    found = plane(values)
    assert found.shape == (300, 2)
    assert found.mean(axis=0).tolist() == pytest.approx([0, 0], abs=1e-3)
    centres = np.stack([found[groups == group].mean(axis=0) for group in range(3)])
    within = max(np.linalg.norm(found[groups == group] - centres[group], axis=1).max() for group in range(3))
    between = min(np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert between > 4 * within
    # As the first principal components: the largest variance first, the same for the same places.
    assert found[:, 0].var() >= found[:, 1].var()
    assert np.array_equal(found, plane(values))
    atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", draw_pictures(tmp_path / "data", 4))
    assert len(atlas.plane()) == len(atlas.places)
