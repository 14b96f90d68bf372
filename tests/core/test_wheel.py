"""The wheel, installed in a fresh environment, runs from another folder without the checkout."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from s3n_core.version import __version__

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed (it comes with the extra 'test')")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=CHECKOUT)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of an environment with the wheel, and all other packages from the running interpreter."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    paths = sysconfig.get_paths("venv", vars={"base": str(home), "platbase": str(home)})
    python = Path(paths["scripts"]) / Path(sys.executable).name
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=home)
    # A folder added by a .pth file comes after the environment's own, and .pth files inside it (an editable install of
    # the checkout) are not read: `import s3n_core` finds the wheel's.
    borrowed = Path(paths["purelib"]) / "borrowed.pth"
    borrowed.write_text(f"{sysconfig.get_paths()['purelib']}\n{sysconfig.get_paths()['platlib']}\n", encoding="utf-8")
    return python.parent


def test_the_wheel_holds_the_packages_and_their_resources(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"s3n_core", "s3n_gui"}
    files = [path.relative_to(CHECKOUT / "resources") for path in (CHECKOUT / "resources").rglob("*") if path.is_file()]
    owners = {"backbones": "s3n_core", "demo": "s3n_core", "lettering": "s3n_core", "report": "s3n_core"}
    expected = {f"{owners.get(file.parts[0], 's3n_gui')}/resources/{file.as_posix()}" for file in files}
    assert {name for name in names if "/resources/" in name} == expected, "pyproject.toml maps resources/ by folder"


def test_resources_of_the_installation(programs: Path, tmp_path: Path) -> None:
    ask = "import s3n_core.system.resources as r; print(r.__file__); print(r.resource('demo'))"
    module, demo = run(programs / Path(sys.executable).name, "-c", ask, cwd=tmp_path).splitlines()
    assert Path(module).is_relative_to(programs.parent)
    assert Path(demo) == Path(module).parents[1] / "resources" / "demo"


@pytest.mark.parametrize("program", ["s3n", "s3n-gui"])
def test_programs_of_the_installation(programs: Path, tmp_path: Path, program: str) -> None:
    if program == "s3n-gui" and os.name == "nt":
        pytest.skip("a window's program writes to no console on Windows")
    assert __version__ in run(programs / program, "--version", cwd=tmp_path)


def test_every_page_shows_its_demo_without_a_display(programs: Path, tmp_path: Path) -> None:
    pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    from s3n_gui.frame.pages import PAGES

    python = programs / Path(sys.executable).name
    ask = "import sys, s3n_core, s3n_gui; print(s3n_core.__file__, s3n_gui.__file__, *sys.path, sep=chr(10))"
    engine, window, *search = (Path(line) for line in run(python, "-c", ask, cwd=tmp_path).splitlines())
    assert engine.is_relative_to(programs.parent)
    assert window.is_relative_to(programs.parent)
    assert CHECKOUT not in search
    out = tmp_path / "bilder ä"
    said = run(programs / "s3n-gui", "--screenshot", out, cwd=tmp_path, QT_QPA_PLATFORM="")
    assert "Qt:" not in said
    for page in PAGES:
        for mode in ("light", "dark"):
            for width, height in ((1280, 720), (1920, 1080)):
                with Image.open(out / f"{page.name}-{mode}-{width}x{height}.png") as picture:
                    assert picture.size == (width, height)
                    below_the_strip = picture.convert("RGB").crop((width // 8, height // 8, width, height))
                    colours = below_the_strip.getcolors(maxcolors=width * height)
                assert colours is not None
                # Images have tens of thousands of colours, an empty page about a thousand; tables and forms contain only text.
                least = 500 if page.name in ("predict", "parts") else 5000
                assert len(colours) > least, f"{page.name} shows next to nothing ({len(colours)} colours)"
