"""Fetching a public data set: from a folder, a file, a mirror; stopped, damaged, and where a link is gone."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from s3n_core import cli
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.public import catalogue, fetching
from s3n_core.datasets.public.catalogue import CATALOGUE, PublicDataSet, Source, write_flower_lists
from s3n_core.datasets.public.fetching import DOWNLOADS, UNFINISHED, fetch
from s3n_core.errors import DataSetError, DataSetNotFound, OutputError

ENTRIES = {
    "images.txt": "1 001.Crow/a.jpg\n2 001.Crow/b.jpg\n3 002.Jay/c.jpg\n",
    "classes.txt": "1 001.Crow\n2 002.Jay\n",
    "image_class_labels.txt": "1 1\n2 1\n3 2\n",
    "train_test_split.txt": "1 1\n2 0\n3 1\n",
}


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(shade).integers(0, 255, (60, 80, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def packed(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def birds_archive(**more: bytes) -> bytes:
    entries = {f"CUB_200_2011/{name}": text.encode() for name, text in ENTRIES.items()}
    for number, name in enumerate(("001.Crow/a.jpg", "001.Crow/b.jpg", "002.Jay/c.jpg")):
        entries[f"CUB_200_2011/images/{name}"] = picture(number)
    return packed(entries | more)


def small(content: bytes, base: str = "https://owners.invalid", **changes: object) -> PublicDataSet:
    """CUB-200-2011 with three images."""
    source = Source(f"{base}/CUB_200_2011.tgz", hashlib.md5(content).hexdigest())
    counts = {"images": 3, "classes": 2, "splits": {"train": 2, "test": 1}}
    return replace(CATALOGUE["cub200"], sources=(source,), **(counts | changes))


class Server(ThreadingHTTPServer):
    """Serves ``files``; answers with at most ``most`` bytes at a time, and counts what it sent."""

    files: dict[str, bytes]
    most: int = 1 << 30
    ranges: bool = True
    sent: int = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        content = self.server.files.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        begin = 0
        asked = self.headers.get("Range")
        if asked and self.server.ranges:
            begin = int(asked.removeprefix("bytes=").split("-")[0])
            if begin >= len(content):
                self.send_error(416)
                return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        body = content[begin : begin + self.server.most]
        self.server.sent += len(body)
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def serving(**files: bytes) -> Iterator[tuple[Server, str]]:
    server = Server(("127.0.0.1", 0), Handler)
    server.files = {name.replace("__", "."): content for name, content in files.items()}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_from_a_folder_with_the_archive(tmp_path):
    content = birds_archive()
    (tmp_path / "have").mkdir()
    archive = tmp_path / "have" / "CUB_200_2011.tgz"
    archive.write_bytes(content)
    out = tmp_path / "birds"
    steps = []
    found = fetch(small(content), out, source=str(archive.parent), unpacking=lambda *step: steps.append(step))
    assert [record.name for record in found.records] == [
        f"images/{n}" for n in ("001.Crow/a.jpg", "001.Crow/b.jpg", "002.Jay/c.jpg")
    ]
    assert sorted(entry.name for entry in out.iterdir()) == ["CUB_200_2011"]
    assert archive.read_bytes() == content, "what a person has is left as it is"
    assert steps[-1] == (len(content), len(content), "CUB_200_2011.tgz")
    before = sorted(path.stat().st_mtime_ns for path in out.rglob("*"))
    assert len(fetch(small(content), out).records) == 3, "a finished folder is only checked"
    assert sorted(path.stat().st_mtime_ns for path in out.rglob("*")) == before
    assert len(fetch(small(content), tmp_path / "again", source=str(archive)).records) == 3


def test_a_download_that_broke_off_goes_on_where_it_stopped(tmp_path):
    content = birds_archive()
    with serving(CUB_200_2011__tgz=content) as (server, base):
        data_set, out, steps = small(content, base), tmp_path / "birds", []
        server.most = 1000
        with pytest.raises(DataSetNotFound, match="run the same command again") as caught:
            fetch(data_set, out)
        assert caught.value.path == out / DOWNLOADS / "CUB_200_2011.tgz"
        assert (out / DOWNLOADS / "CUB_200_2011.tgz.part").stat().st_size == 1000
        assert (out / UNFINISHED).is_file()
        server.most = 1 << 30
        found = fetch(data_set, out, downloading=lambda *step: steps.append(step))
        assert server.sent == len(content), "no byte twice"
    assert steps[-1] == (len(content), len(content), "CUB_200_2011.tgz")
    assert len(found.records) == 3
    assert sorted(entry.name for entry in out.iterdir()) == ["CUB_200_2011"]


def test_a_server_that_cannot_go_on_sends_all_again(tmp_path):
    content = birds_archive()
    with serving(CUB_200_2011__tgz=content) as (server, base):
        server.ranges, server.most = False, 1000
        with pytest.raises(DataSetNotFound):
            fetch(small(content, base), tmp_path / "birds")
        server.most = 1 << 30
        assert len(fetch(small(content, base), tmp_path / "birds").records) == 3


def test_a_part_that_is_already_whole_is_not_downloaded_again(tmp_path):
    content = birds_archive()
    with serving(CUB_200_2011__tgz=content) as (server, base):
        server.most = 1000
        with pytest.raises(DataSetNotFound):
            fetch(small(content, base), tmp_path / "birds")
        (tmp_path / "birds" / DOWNLOADS / "CUB_200_2011.tgz.part").write_bytes(content)
        assert len(fetch(small(content, base), tmp_path / "birds").records) == 3
        assert server.sent == 1000


def test_a_gone_link_says_what_to_get_by_hand_and_takes_it_from_there(tmp_path):
    content = birds_archive()
    with serving() as (_, base):
        data_set = small(content, base, by_hand="Ask a colleague.")
        with pytest.raises(DataSetNotFound) as caught:
            fetch(data_set, tmp_path / "birds")
    said = str(caught.value)
    for part in ("404", "Ask a colleague.", "--from", "CUB_200_2011.tgz", data_set.sources[0].md5, data_set.page):
        assert part in said
    caught.value.path.write_bytes(content)  # where the error says that it belongs
    assert len(fetch(data_set, tmp_path / "birds").records) == 3


def test_another_file_of_that_name_is_refused(tmp_path):
    content = birds_archive()
    (tmp_path / "have").mkdir()
    (tmp_path / "have" / "CUB_200_2011.tgz").write_bytes(b"<html>moved</html>")
    with pytest.raises(DataSetError, match="MD5"):
        fetch(small(content), tmp_path / "birds", source=str(tmp_path / "have"))
    with serving(CUB_200_2011__tgz=b"<html>moved</html>") as (_, base):
        with pytest.raises(DataSetError, match="MD5"):
            fetch(small(content, base), tmp_path / "mirrored")
        assert not list((tmp_path / "mirrored" / DOWNLOADS).iterdir()), "what is wrong is not continued"
    with pytest.raises(DataSetNotFound, match="has no file CUB_200_2011"):
        fetch(small(content), tmp_path / "birds", source=str(tmp_path))


def test_an_archive_never_writes_outside(tmp_path):
    content = birds_archive(**{"../outside.txt": b"x"})
    (tmp_path / "CUB_200_2011.tgz").write_bytes(content)
    with pytest.raises(DataSetError, match="cannot be unpacked"):
        fetch(small(content), tmp_path / "in" / "birds", source=str(tmp_path))
    assert not (tmp_path / "in" / "outside.txt").exists()
    assert not (tmp_path / "in" / "birds" / "outside.txt").exists()


def test_an_incomplete_archive_is_named_with_its_numbers(tmp_path):
    content = birds_archive()
    (tmp_path / "CUB_200_2011.tgz").write_bytes(content)
    with pytest.raises(DataSetError, match="3 images instead of 11,788, 2 classes instead of 200"):
        fetch(small(content, images=11_788, classes=200), tmp_path / "birds", source=str(tmp_path))
    cut = content[: len(content) // 2]
    (tmp_path / "CUB_200_2011.tgz").write_bytes(cut)
    with pytest.raises(DataSetError, match=r"ends too early|cannot be unpacked"):
        fetch(small(cut), tmp_path / "cut", source=str(tmp_path))


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    content = birds_archive()
    (tmp_path / "CUB_200_2011.tgz").write_bytes(content)
    out = tmp_path / "mine"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="new or empty"):
        fetch(small(content), out, source=str(tmp_path))
    assert [entry.name for entry in out.iterdir()] == ["letter.txt"]
    with pytest.raises(OutputError, match="is a file"):
        fetch(small(content), out / "letter.txt", source=str(tmp_path))


def test_flowers_get_the_lists_of_the_official_split(tmp_path):
    (tmp_path / "jpg").mkdir()
    for number in (1, 2, 80, 81, 1360):
        (tmp_path / "jpg" / f"image_{number:04d}.jpg").write_bytes(picture(number))
    savemat(tmp_path / "datasplits.mat", {"trn1": [[1, 81, 1360]], "val1": [[2]], "tst1": [[80]], "trn2": [[5]]})
    write_flower_lists(tmp_path)
    found = open_data_set(tmp_path)
    where = {record.name: (record.split, found.classes[record.label or 0]) for record in found.records}
    assert where == {
        "jpg/image_0001.jpg": ("train", "daffodil"),
        "jpg/image_0081.jpg": ("train", "snowdrop"),
        "jpg/image_1360.jpg": ("train", "pansy"),
        "jpg/image_0002.jpg": ("val", "daffodil"),
        "jpg/image_0080.jpg": ("test", "daffodil"),
    }
    savemat(tmp_path / "datasplits.mat", {"trn1": [[1, 9999]], "val1": [[2]], "tst1": [[80]]})
    with pytest.raises(DataSetError, match="does not exist"):
        write_flower_lists(tmp_path)


def test_the_catalogue_agrees_with_itself():
    for key, data_set in CATALOGUE.items():
        assert key == data_set.key
        assert sum(data_set.splits.values()) == data_set.images
        for source in data_set.sources:
            assert source.url.startswith("https://")
            assert len(bytes.fromhex(source.md5)) == 16


def test_the_command(tmp_path, monkeypatch, capsys):
    content = birds_archive()
    (tmp_path / "CUB_200_2011.tgz").write_bytes(content)
    monkeypatch.setattr(catalogue, "CATALOGUE", {"cub200": small(content)})
    out = tmp_path / "birds"
    assert cli.main(["data", "cub200", str(out), "--from", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(out)
    assert "3 images of 2 classes (2 train, 1 test)." in said.err
    assert "non-commercial" in said.err
    assert cli.main(["data"]) == 0
    assert "CUB-200-2011, 3 images" in capsys.readouterr().out
    assert cli.main(["data", "cub2000", str(out)]) == 2
    assert "choose one of cub200" in capsys.readouterr().err
    assert cli.main(["data", "cub200"]) == 2


def test_a_kill_while_unpacking_is_repaired_by_the_same_call(tmp_path, monkeypatch):
    content = birds_archive()
    (tmp_path / "CUB_200_2011.tgz").write_bytes(content)

    def killed(done: int, total: int, name: str) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "birds"
    with pytest.raises(KeyboardInterrupt):
        fetch(small(content), out, source=str(tmp_path), unpacking=killed)
    assert (out / UNFINISHED).is_file()
    assert not (out / "CUB_200_2011").exists(), "nothing half is at its final place"
    with pytest.raises(OutputError, match="another data set"):
        fetch(replace(small(content), key="cars"), out, source=str(tmp_path))
    with monkeypatch.context() as full:
        full.setattr(
            fetching.tarfile.TarFile,
            "extract",
            lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        )
        with pytest.raises(OutputError):
            fetch(small(content), out, source=str(tmp_path))
    assert len(fetch(small(content), out, source=str(tmp_path)).records) == 3
