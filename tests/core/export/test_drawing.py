"""Files are drawn in other processes: in order, without torch, and neither a killed process nor a killed export harms."""

import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from drawn_inspection import drawn_inspection
from PIL import Image

from s3n_core.export.drawing import drawing_processes, drawn_in_order
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.image_files import ExportedImage, FileContents
from s3n_core.export.options import ExportOptions

PATIENCE = 60
STYLE = FigureStyle(dpi=40, panels=("peaks", "map_d"))
OPTIONS = ExportOptions(singles=False, report=True, style=STYLE)


def images(count: int) -> list[tuple[int, ExportedImage | None]]:
    """The third of them is none."""
    made = [ExportedImage(inspection=drawn_inspection(name=f"{number}.jpg")) for number in range(count)]
    return [(number, None if number == 2 else image) for number, image in enumerate(made)]


@dataclass(frozen=True)
class Witness:
    """Stands for the contents of files and tells who made them; may kill its process at one of the images."""

    parent: int
    killed_at: str = ""

    def of(self, image: ExportedImage) -> dict[str, bytes]:
        name = image.inspection.response.name
        if name == self.killed_at and os.getpid() != self.parent:
            os.kill(os.getpid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        return {
            "name": name.encode(),
            "process": str(os.getpid()).encode(),
            "torch": str("torch" in sys.modules).encode(),
            "threads": os.environ.get("OPENBLAS_NUM_THREADS", "").encode(),
        }


def test_the_files_of_other_processes_are_the_same_in_the_same_order() -> None:
    contents = FileContents(OPTIONS, "a model")
    here = list(drawn_in_order(contents, images(5), 0))
    assert [number for number, _ in here] == [0, 1, 2, 3, 4]
    assert here[2][1] == {}
    assert Image.open(io.BytesIO(here[0][1][".jpg"])).format == "JPEG"
    assert list(drawn_in_order(contents, images(5), 1)) == here


def test_other_processes_load_no_torch_and_use_one_core() -> None:
    (value, made), *_ = drawn_in_order(Witness(os.getpid()), images(1), 1)  # type: ignore[arg-type]
    assert value == 0
    assert int(made["process"]) != os.getpid()
    assert (made["torch"], made["threads"]) == (b"False", b"1")


def test_images_are_taken_no_faster_than_they_are_drawn() -> None:
    taken = []

    def counted():
        for number, image in images(16):
            taken.append(number)
            yield number, image

    drawn = drawn_in_order(FileContents(OPTIONS, "a model"), counted(), 1)
    for number, _ in drawn:
        assert len(taken) - number <= 4
        if number == 5:
            break
    drawn.close()
    assert len(taken) < 12


class Endless:
    """Draws for ever."""

    def of(self, image: ExportedImage) -> dict[str, bytes]:
        if image.inspection.response.name == "0.jpg":
            return {}
        while True:
            signal.pause()


@pytest.mark.skipif(sys.platform == "win32", reason="signal.pause is not known there")
def test_who_stops_does_not_wait_for_what_is_being_drawn() -> None:
    before = set(psutil.Process().children(recursive=True))
    drawn = drawn_in_order(Endless(), images(2), 1)  # type: ignore[arg-type]
    assert next(drawn)[0] == 0
    drawing = [process for process in psutil.Process().children(recursive=True) if process not in before]
    drawn.close()
    assert not any("spawn_main" in " ".join(one.cmdline()) for one in drawing if one.is_running())


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_if_a_process_is_killed_the_rest_is_drawn_here() -> None:
    made = list(drawn_in_order(Witness(os.getpid(), killed_at="3.jpg"), images(7), 1))  # type: ignore[arg-type]
    assert [number for number, _ in made] == list(range(7))
    assert [files.get("name", b"") for _, files in made] == [
        b"0.jpg",
        b"1.jpg",
        b"",
        *(b"%d.jpg" % n for n in range(3, 7)),
    ]
    assert int(made[-1][1]["process"]) == os.getpid()


def test_processes_are_started_for_many_images_on_several_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawing_processes(3) == 0
    for cores, processes in ((1, 0), (2, 0), (3, 3), (8, 8), (64, 16)):
        monkeypatch.setattr("s3n_core.export.drawing.usable_cores", lambda cores=cores: cores)
        assert drawing_processes(10_000) == processes


EXPORT = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[4].split("|")
from test_drawing import OPTIONS
from s3n_core.datasets.opening import open_images
from s3n_core.export.job import export
from s3n_core.models.opening import open_model
records = open_images(Path(sys.argv[2])).records
for step in export(open_model(Path(sys.argv[1]), device="cpu"), records, Path(sys.argv[3]), OPTIONS, processes=1):
    print(step.done, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_export_leaves_whole_files_and_no_process_and_can_go_on(tmp_path: Path) -> None:
    from tiny_models import drawn_picture, tiny_header, tiny_network

    from s3n_core.datasets.opening import open_images
    from s3n_core.export.job import export
    from s3n_core.models.model_files import save_model
    from s3n_core.models.opening import open_model

    header = tiny_header()
    path, photos, out = tmp_path / "tiny.safetensors", tmp_path / "photos", tmp_path / "out"
    save_model(path, tiny_network(header.network), header)
    photos.mkdir()
    for number in range(8):
        drawn_picture(number).save(photos / f"{number:02}.png")
    here = Path(__file__).parent
    folders = f"{here}|{here.parent}"
    command = [sys.executable, "-c", EXPORT, str(path), str(photos), str(out), folders]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "2":
                break
        drawing = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert drawing
    assert psutil.wait_procs(drawing, timeout=PATIENCE)[1] == []
    written = sorted(out.rglob("*.jpg"))
    assert 2 <= len(written) < 8
    for file in written:
        with Image.open(file) as image:
            image.load()
    model, records = open_model(path, device="cpu"), open_images(photos).records
    steps = list(export(model, records, out, OPTIONS))
    assert 2 <= steps[0].resumed < 8
    list(export(model, records, tmp_path / "whole", OPTIONS))
    files = [file.relative_to(tmp_path / "whole") for file in (tmp_path / "whole").rglob("*") if file.is_file()]
    assert len(files) == 10
    for file in files:
        assert (out / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file
