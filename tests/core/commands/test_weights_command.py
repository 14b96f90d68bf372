"""`s3n weights`: listed with their hashes, fetched on request only, checked, gone on with; a file of one's own is compared."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from s3n_core import cli
from s3n_core.method import foreign_weights
from s3n_core.method.backbones import build_backbone
from s3n_core.method.weight_files import fetch_weights

NAME = "timm:test_efficientnet.r160_in1k"
"""The smallest network of timm that has weights."""


class Publisher(ThreadingHTTPServer):
    """Redirects to a file, as a hub of models does, and breaks off after ``most`` bytes of an answer."""

    content = b""
    announced = ""
    most = 1 << 30
    asked: list[tuple[str, str]]


class _Answers(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range", "")))
        if not self.path.startswith("/files/"):
            self.send_response(302)
            self.send_header("Location", "/files/blob")
            self.send_header("X-Linked-ETag", f'"{self.server.announced}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        rest = self.server.content[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.most])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    with Publisher(("127.0.0.1", 0), _Answers) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A weight file as timm's publishers have them."""
    timm = pytest.importorskip("timm")
    torch.manual_seed(1)
    network = timm.create_model(NAME.removeprefix("timm:"), pretrained=False)
    file = tmp_path_factory.mktemp("published") / "model.safetensors"
    save_file(network.state_dict(), file)
    return file.read_bytes()


def publish(publisher: Publisher, content: bytes) -> str:
    publisher.content, publisher.announced = content, hashlib.sha256(content).hexdigest()
    return publisher.announced


def failure(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    found: dict[str, str] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["event"] == "failed"
    return found


def test_weights_are_fetched_checked_and_used(
    publisher: Publisher, weights: bytes, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha256 = publish(publisher, weights)
    assert cli.main(["weights", "list", "--search", "test_efficientnet.r160", "--json"]) == 0
    assert publisher.asked == []  # looking downloads nothing
    entry = json.loads(capsys.readouterr().out)["weights"][0]
    assert (entry["name"], entry["size"], entry["sha256"]) == (NAME, None, "")
    assert cli.main(["weights", "fetch", NAME, "--json"]) == 0
    captured = capsys.readouterr()
    done = json.loads(captured.out.splitlines()[-1])
    assert "have the licence apache-2.0" in captured.err
    assert Path(done["file"]) == hub / "timm" / "test_efficientnet.r160_in1k.safetensors" == Path(entry["file"])
    assert done["sha256"] == sha256
    assert publisher.asked[0][0] == "/timm/test_efficientnet.r160_in1k/resolve/main/model.safetensors"
    assert cli.main(["weights", "list", "--search", "test_efficientnet.r160", "--json"]) == 0
    entry = json.loads(capsys.readouterr().out)["weights"][0]
    assert (entry["size"], entry["sha256"]) == (len(weights), sha256)
    publisher.asked.clear()
    backbone, report = build_backbone(NAME, "imagenet", size=96)  # there is no network now
    assert publisher.asked == []
    assert (report.missing, report.unused, report.reshaped) == ((), (), ())
    stem = next(value for key, value in backbone.state_dict().items() if key.endswith("conv_stem.weight"))
    torch.manual_seed(1)
    import timm

    assert torch.equal(stem, timm.create_model("test_efficientnet").conv_stem.weight)


def test_a_broken_download_goes_on(
    publisher: Publisher, weights: bytes, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(publisher, weights)
    publisher.most = 100_000
    assert cli.main(["weights", "fetch", NAME, "--json"]) == 1
    error = failure(capsys)
    assert error["code"] == "model.download_failed"
    assert "What there is already is kept" in error["message"]
    assert error["path"] in error["message"]
    part = next(hub.rglob("*.part"))
    assert part.stat().st_size == 100_000
    publisher.most = 1 << 30
    assert cli.main(["weights", "fetch", NAME, "--json"]) == 0
    assert publisher.asked[-1] == ("/files/blob", "bytes=100000-")
    assert Path(error["path"]).read_bytes() == weights
    assert not part.exists()


@pytest.mark.parametrize("ended", [KeyboardInterrupt, MemoryError])
def test_a_whole_download_is_kept_where_the_check_is_interrupted(
    publisher: Publisher, hub: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch, ended: type[BaseException]
) -> None:
    publish(publisher, weights)

    def interrupted(content: bytes) -> object:
        raise ended

    with monkeypatch.context() as patched:
        patched.setattr(foreign_weights, "load_safetensors", interrupted)
        with pytest.raises(ended):
            fetch_weights(NAME)
    (kept,) = (path for path in hub.rglob("*") if path.is_file())
    assert kept.suffix == ".part"
    assert kept.read_bytes() == weights
    assert fetch_weights(NAME).read_bytes() == weights
    assert not kept.exists()


def test_a_damaged_download_is_refused(
    publisher: Publisher, weights: bytes, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(publisher, weights)
    publisher.content = weights[:-1] + bytes([weights[-1] ^ 1])
    assert cli.main(["weights", "fetch", NAME, "--json"]) == 1
    assert "was damaged on the way" in failure(capsys)["message"]
    assert [file for file in hub.rglob("*") if file.is_file()] == []


def test_what_is_no_weight_file_is_refused_even_without_a_checksum(
    publisher: Publisher, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("timm")
    publisher.content = b"<html>Please log in.</html>"
    assert cli.main(["weights", "fetch", NAME, "--json"]) == 1
    assert "is not a readable weight file" in failure(capsys)["message"]
    assert [file for file in hub.rglob("*") if file.is_file()] == []


def test_torchvision_weights_are_held_against_the_hash_in_their_name(
    publisher: Publisher, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher.content = b"something else"
    mirror = f"http://127.0.0.1:{publisher.server_port}/files/mobilenet"
    assert cli.main(["weights", "fetch", "mobilenet_v2", "--from", mirror, "--json"]) == 1
    assert "not b0353104. " in failure(capsys)["message"]


def test_without_a_network_the_place_is_named(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["weights", "fetch", "resnet18", "--from", "http://127.0.0.1:9/weights", "--json"]) == 1
    error = failure(capsys)
    assert str(hub / "resnet18-f37072fd.pth") in error["message"]
    assert error["url"] == "http://127.0.0.1:9/weights"


def test_a_file_of_ones_own_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = build_backbone("resnet18")[0].layers
    own = {
        key.replace("0.", "conv1.", 1) if key.startswith("0.") else key.replace("1.", "bn1.", 1): value
        for key, value in network.state_dict().items()
        if key[:2] in ("0.", "1.")
    }
    save_file(own, tmp_path / "part.safetensors")
    assert cli.main(["weights", "check", "resnet18", str(tmp_path / "part.safetensors"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["fits"], found["loaded"]) == (False, len(own))
    assert "tensors of the backbone are missing" in " ".join(found["sentences"])
    save_file(own | {"conv1.weight": torch.zeros(64, 1, 7, 7)}, tmp_path / "grey.safetensors")
    assert cli.main(["weights", "check", "resnet18", str(tmp_path / "grey.safetensors")]) == 0
    said = capsys.readouterr().out
    assert "conv1.weight (64 x 1 x 7 x 7 instead of 64 x 3 x 7 x 7)" in said
    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    assert cli.main(["weights", "check", "resnet18", str(tmp_path / "other.safetensors"), "--json"]) == 1
    assert "none of its 1 tensors belongs to this backbone" in failure(capsys)["message"]
