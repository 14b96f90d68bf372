"""The import boundaries between packages hold at run time."""

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from s3n_core.system.resources import resource

CHECKOUT = Path(__file__).resolve().parents[2]

# Modules (packages with all their contents) that the window and fast commands import: they never load torch.
TORCH_FREE = [
    "s3n_core",
    "s3n_core.errors",
    "s3n_core.system.atomic_files",
    "s3n_core.system.seeding",
    "s3n_core.system.resources",
    "s3n_core.models.device_names",
    "s3n_core.datasets.*",
    "s3n_core.runs.*",
    "s3n_core.method.alignment",
    "s3n_core.method.backbone_sizes",
    "s3n_core.method.configuration",
    "s3n_core.training.recipes",
    "s3n_core.training.events",
    "s3n_core.training.balance",
    "s3n_core.training.extension",
    "s3n_core.training.health_warnings",
    "s3n_core.training.single_images",
    "s3n_core.inspection.inspection",
    "s3n_core.inspection.map_display",
    "s3n_core.inspection.placed_contributions",
    "s3n_core.inspection.summary",
    "s3n_core.export.file_request",
    "s3n_core.server.process",
    "s3n_core.server.codec",
    "s3n_core.server.messages",
    "s3n_core.server.requests",
    "s3n_core.evaluation.result",
    "s3n_core.evaluation.accuracy",
    "s3n_core.parts.atlas.atlas",
    "s3n_core.parts.comparison.comparison",
    "s3n_core.parts.truth.intervention_result",
    "s3n_core.prediction.rows",
    "s3n_core.prediction.tables",
    "s3n_core.system.line_files",
    "s3n_core.prediction.resuming",
    "s3n_core.cli",
    "s3n_gui.*",
]

# Imports the modules of each group in turn and prints which of them loaded something forbidden. What an offender loaded
# is removed again, so that the next group is not blamed for it.
IMPORT_AND_LOOK = """
import importlib, json, sys
forbidden, groups = json.loads(sys.argv[1])
culprits = {}
for group, modules in groups.items():
    culprits[group] = []
    for module in modules:
        before = set(sys.modules)
        importlib.import_module(module)
        found = [name for name in forbidden if name in sys.modules]
        if found:
            culprits[group].append(f"{module} loads {', '.join(found)}")
            for name in set(sys.modules) - before:
                del sys.modules[name]
            break
print(json.dumps(culprits))
"""


def modules_of(package: str) -> list[str]:
    """Return every module of a package, found by its files (`a.b.*` is the package a.b with all its contents)."""
    folder = CHECKOUT.joinpath(*package.split("."))
    parts = [path.relative_to(CHECKOUT).with_suffix("").parts for path in sorted(folder.rglob("*.py"))]
    names = {".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts}
    return sorted(name for name in names if not name.endswith("__main__"))


def import_and_look(forbidden: list[str], groups: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return for each group which of its modules load forbidden ones, determined in one fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_AND_LOOK, json.dumps([forbidden, groups])],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    culprits: dict[str, list[str]] = json.loads(done.stdout)
    return culprits


@pytest.fixture(scope="module")
def torch_loaded_by() -> dict[str, list[str]]:
    groups = {name: modules_of(name[:-2]) if name.endswith(".*") else [name] for name in TORCH_FREE}
    assert all(groups.values())
    return import_and_look(["torch", "torchvision"], groups)


@pytest.mark.parametrize("name", TORCH_FREE)
def test_torch_free(torch_loaded_by: dict[str, list[str]], name: str) -> None:
    assert torch_loaded_by[name] == []


def test_who_loads_what_it_must_not_is_named() -> None:
    groups = {
        "light": ["s3n_core.errors"],
        "heavy": ["s3n_core.runs", "s3n_core.datasets.decoding"],
        "after": ["s3n_core.runs"],
    }
    culprits = {"light": [], "heavy": ["s3n_core.datasets.decoding loads PIL"], "after": []}
    assert import_and_look(["PIL"], groups) == culprits


def test_the_engine_never_loads_qt() -> None:
    forbidden = ["PySide6", "shiboken6", "pyqtgraph", "s3n_gui"]
    assert import_and_look(forbidden, {"the engine": modules_of("s3n_core")}) == {"the engine": []}


# Each takes as long to load as torch, or is needed only by other commands.
NOT_FOR_A_PREDICTION = [
    "torch._dynamo",
    "torch._inductor",
    "sympy",
    "numpy.ma",
    "scipy",
    "sklearn",
    "matplotlib",
    "PySide6",
]

PREDICT_AND_LOOK = """
import json, sys
from s3n_core.cli import main
forbidden, model, image, out = json.loads(sys.argv[1])
code = main(["predict", model, image, "--out", out])
from s3n_core.method.configuration import BACKBONES, NetworkConfig
from s3n_core.models.stored_networks import empty_network
for name in BACKBONES:
    empty_network(NetworkConfig(num_classes=3, backbone=name))
empty_network(NetworkConfig(num_classes=3, backbone="resnet18", form="release", batch_norm="separate"))
print(json.dumps([code, [name for name in forbidden if name in sys.modules]]))
"""


def test_a_prediction_loads_neither_compiler_nor_drawing(tmp_path: Path) -> None:
    """Nor does opening a model file of any backbone."""
    model = resource("demo/model.safetensors")
    image = next(resource("demo/images").rglob("*.jpg"))
    arguments = json.dumps([NOT_FOR_A_PREDICTION, str(model), str(image), str(tmp_path / "table.csv")])
    done = subprocess.run(
        [sys.executable, "-c", PREDICT_AND_LOOK, arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


@pytest.mark.parametrize("package", sorted({*CHECKOUT.glob("s3n_*/**/__init__.py")}), ids=lambda path: path.parent.name)
def test_packages_are_light(package: Path) -> None:
    """An `__init__` contains only a docstring, so that importing a module never loads its siblings."""
    body = ast.parse(package.read_text(encoding="utf-8")).body
    assert ast.get_docstring(ast.Module(body, [])), "no docstring"
    if package.parent == CHECKOUT / "s3n_core":
        return  # the public API: tests/core/test_api.py
    rest = [ast.unparse(statement).split(" =")[0] for statement in body[1:]]
    assert rest == []


def test_import_contracts() -> None:
    if importlib.util.find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed (it comes with the extra 'dev')")
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", lint],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
