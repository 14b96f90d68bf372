import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from tiny_models import drawn_picture, folded, tiny_header, tiny_network

from s3n_core.analysis.loaded_model import Model, open_model
from s3n_core.analysis.single_thread import single_thread
from s3n_core.datasets.transforms import Preprocess
from s3n_core.method.model_files import save_model


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with single_thread():
        yield


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny model that was written to a file and opened from it."""
    header = tiny_header()
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(path, tiny_network(header.network), header)
    return open_model(path, device="cpu")


@pytest.fixture(scope="session")
def model_of(model: Model) -> Callable[..., Model]:
    """Make tiny models of other choices, without a file; the same options give the same model again."""
    kept: dict[str, Model] = {repr((None, [])): model}

    def make(preprocess: dict[str, Any] | None = None, sampling: Any = None, **network: Any) -> Model:
        key = repr((preprocess, sorted(network.items())))
        if key not in kept:
            header = tiny_header(preprocess, **network)
            kept[key] = dataclasses.replace(
                model,
                network=folded(tiny_network(header.network)),
                header=header,
                path=model.path.with_name("never-written.safetensors"),
                digest=hashlib.sha256(key.encode()).hexdigest()[:16],
                preprocess=Preprocess.from_dict(header.preprocess),
            )
        return dataclasses.replace(kept[key], sampling=sampling) if sampling else kept[key]

    return make


@pytest.fixture
def picture() -> Image.Image:
    return drawn_picture(0)
