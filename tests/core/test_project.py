"""Facts about the project that appear in several places agree."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from s3n_core.version import __version__
from s3n_gui.frame.display import DEBIAN_PACKAGES

CHECKOUT = Path(__file__).resolve().parents[2]
TEST_COMMAND = (
    'python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[test]" && .venv/bin/python -m pytest'
)


def text(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def constraints() -> dict[str, str]:
    lines = [line for line in text("constraints.txt").splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


@pytest.mark.parametrize("name", ["README.md", ".ci/run"])
def test_one_command_sets_up_and_tests(name: str) -> None:
    assert TEST_COMMAND in [line.strip() for line in text(name).splitlines()]


@pytest.mark.parametrize("name", ["docs/how-to/install.md", ".github/workflows/ci.yml"])
def test_one_list_of_debian_packages(name: str) -> None:
    assert DEBIAN_PACKAGES in text(name)


def test_the_citation_is_of_this_version() -> None:
    assert f"version: {__version__}\n" in text("CITATION.cff")


def test_the_constraints_fit_the_project() -> None:
    tested = constraints()
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(tested[canonicalize_name(requirement.name)]), requirement


def test_the_constraints_hold_on_every_system() -> None:
    for name, version in constraints().items():
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name}: no local build of {version}"
        assert not name.startswith(("nvidia-", "cuda-", "triton")), f"{name} exists on Linux only"
