"""A training as one file for another machine, and its run back: the same training, and nothing lost or left half."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file
from tiny_training import CHECKOUT, assert_same_training, prepare, tiny_recipe, train
from torchvision.models import mobilenet_v2

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import without_left_out, write_left_out
from s3n_core.errors import (
    DataChanged,
    DataSetError,
    DataSetNotFound,
    DiskFull,
    JobFileError,
    ModelFileError,
    ModelNotFound,
    OutputError,
    RunBusy,
    RunError,
    RunHasMore,
)
from s3n_core.method import timm_backbones
from s3n_core.method.backbones import imagenet_place
from s3n_core.method.timm_backbones import build_timm, pretrained_facts
from s3n_core.models.model_files import load_model, save_model
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.runs.trash import list_trash
from s3n_core.system.distributed import ALONE
from s3n_core.system.locks import RunLock
from s3n_core.training.changed_data import require_same_data
from s3n_core.training.events import EpochDone
from s3n_core.training.jobs.job_file import open_job
from s3n_core.training.jobs.packing import pack_run
from s3n_core.training.jobs.unpacking import unpack_job
from s3n_core.training.learner import Learner
from s3n_core.training.preparing import prepare_run, read_plan
from s3n_core.training.trainer import Trainer


@dataclass(frozen=True)
class Machine:
    """A folder that stands for a machine.

    Attributes:
        runs: Its runs folder.
        data: Its copy of the data set, or a folder that holds it.
    """

    runs: Path
    data: Path


@pytest.fixture
def here(tmp_path: Path, few_pictures: Path) -> Machine:
    shutil.copytree(few_pictures, tmp_path / "here" / "birds")
    return Machine(tmp_path / "here" / "runs", tmp_path / "here" / "birds")


@pytest.fixture
def there(tmp_path: Path, few_pictures: Path) -> Machine:
    """Another machine, where the data set lies one folder deeper."""
    shutil.copytree(few_pictures, tmp_path / "there" / "data" / "copy of birds")
    return Machine(tmp_path / "there" / "runs", tmp_path / "there" / "data")


@pytest.fixture
def run(here: Machine) -> RunDirectory:
    """A run that was prepared but not trained."""
    return prepare(here.runs / "first", here.data, epochs=2, probes=1)


@pytest.fixture
def job(run: RunDirectory, tmp_path: Path) -> Path:
    pack_run(run, tmp_path / "first.zip")
    return tmp_path / "first.zip"


def begin(run: RunDirectory, step: int, lines: str = "") -> None:
    """Give a run what a training of some steps leaves: a checkpoint of noise, its pointer, and metrics."""
    name = f"step-{step:07d}"
    metrics = lines or "".join(f'{{"kind": "step", "step": {number}}}\n' for number in range(1, step + 1))
    run.metrics_jsonl.write_text(metrics)
    (run.checkpoints / f"{name}.safetensors").write_bytes(os.urandom(5000))
    (run.checkpoints / f"{name}.optimizer.safetensors").write_bytes(os.urandom(5000))
    progress = {"step": step, "epoch": 1, "recalibrated": False, "metrics_offset": len(metrics)}
    (run.checkpoints / f"{name}.json").write_text(json.dumps(progress))
    run.write_pointer("last", name)


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_untouched(runs: Path) -> bool:
    """Return whether a runs folder holds nothing, neither whole nor half."""
    return not runs.exists() or not any(runs.iterdir())


def test_a_run_that_was_trained_elsewhere_equals_one_trained_here(
    run: RunDirectory, job: Path, here: Machine, there: Machine, tmp_path: Path
) -> None:
    """Begun elsewhere, stopped there, brought back, finished here."""
    reference = prepare(tmp_path / "reference", here.data, epochs=2, probes=1)
    train(reference)
    elsewhere = unpack_job(job, there.runs, data=there.data)
    assert (elsewhere.path, elsewhere.root) == (there.runs / "first", there.data / "copy of birds")
    distant = RunDirectory(elsewhere.path)
    trainer = Trainer(distant.path, workers=0, prepared_earlier=True)
    for event in trainer.run():
        if isinstance(event, EpochDone):
            trainer.request_stop()
    pack_run(distant, tmp_path / "result.zip")
    shutil.rmtree(there.runs.parent)

    back = unpack_job(tmp_path / "result.zip", here.runs)
    assert (back.path, back.root) == (run.path, here.data)
    assert back.replaced is not None
    assert [entry.name for entry in list_trash(here.runs)] == ["first"]
    state = run.read_state()
    assert state is not None
    assert (state.status, state.epoch) == ("stopped", 1)
    train(run)
    assert_same_training(run, reference)
    assert sorted(path.name for path in here.runs.iterdir()) == [".trash", "first"]


def test_a_job_holds_what_a_training_wrote_and_nothing_of_the_machine(run: RunDirectory, tmp_path: Path) -> None:
    begin(run, 3)
    (run.checkpoints / "step-0000009.safetensors").write_bytes(b"half a checkpoint")
    for name in ("lock", "owner.json", "control.json", ".s3n-1-2.tmp", "my notes.txt"):
        (run.path / name).write_text("of this machine")
    pack_run(run, tmp_path / "job.zip")
    with zipfile.ZipFile(tmp_path / "job.zip") as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("job.json"))
        names = set(archive.namelist())
    assert (manifest["format"], manifest["format_version"], manifest["name"]) == ("s3n-job", 1, "first")
    checkpoint = [
        f"run/checkpoints/step-0000003{suffix}" for suffix in (".json", ".safetensors", ".optimizer.safetensors")
    ]
    expected = {"job.json", "run/run.json", "run/split.csv", "run/metrics.jsonl", "run/checkpoints/last", *checkpoint}
    assert names == expected
    for entry in manifest["files"]:
        content = (run.path / entry["path"].removeprefix("run/")).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("source", ["file", "imagenet"])
def test_weights_travel_with_a_run_that_has_not_begun(
    here: Machine, there: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "here" / "torch"))
    file = tmp_path / "here" / "own.pth" if source == "file" else imagenet_place("mobilenet_v2")[1]
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    state = mobilenet_v2(weights=None).state_dict()
    torch.save(state, file)
    run = prepare(here.runs / "first", here.data, weights=str(file) if source == "file" else source)
    pack_run(run, tmp_path / "job.zip")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "there" / "torch"))
    file.unlink()
    with pytest.raises(ModelNotFound, match=r"are not on this machine|There is no weight file"):
        pack_run(run, tmp_path / "another.zip")
    assert not (tmp_path / "another.zip").exists()
    distant = RunDirectory(unpack_job(tmp_path / "job.zip", there.runs, data=there.data).path)
    moved = RunDirectory(distant.path.rename(there.runs / "moved"))  # found wherever the run lies
    plan = read_plan(moved)
    assert plan.recipe.weights == (str(file) if source == "file" else "imagenet")
    network = Learner(plan, "cpu", "float32", ALONE).network
    assert torch.equal(network.state_dict()["backbone.layers.0.0.weight"], state["features.0.0.weight"])

    pack_run(moved, tmp_path / "again.zip")  # passed on as it came
    begin(moved, 2)
    pack_run(moved, tmp_path / "result.zip")  # a run that has begun needs them no more
    with zipfile.ZipFile(tmp_path / "again.zip") as again, zipfile.ZipFile(tmp_path / "result.zip") as result:
        assert f"weights/{file.name}" in again.namelist()
        assert not [name for name in result.namelist() if name.startswith("weights/")]
    brought = Path(plan.weights)
    data = bytearray(brought.read_bytes())
    data[len(data) // 2] ^= 1
    brought.write_bytes(data)
    with pytest.raises(ModelFileError, match="is damaged: its SHA-256"):
        Learner(read_plan(moved), "cpu", "float32", ALONE)


@pytest.mark.parametrize("source", ["file", "imagenet"])
def test_a_licence_that_only_the_first_machine_knows_travels_with_the_weights(
    here: Machine, there: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Elsewhere the file is one among others: its name and hash say nothing there."""
    name = "timm:test_vit.r160_in1k"
    facts = replace(pretrained_facts(name), licence="cc-by-nc-4.0")
    monkeypatch.setattr(timm_backbones, "pretrained_facts", lambda _: facts)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "here" / "torch"))
    cached = facts.file
    cached.parent.mkdir(parents=True)
    save_file(build_timm(name, 96).network.state_dict(), cached)
    file = tmp_path / "here" / "some.safetensors"
    shutil.copyfile(cached, file)
    choices = {"network.backbone": name, "network.input_size": 96, "network.source_size": 96}
    weights = str(file) if source == "file" else "imagenet"
    run = prepare(here.runs / "first", here.data, weights=weights, **choices)
    packed = pack_run(run, tmp_path / "job.zip")
    assert (packed.origin["licence"], packed.origin["tag"]) == ("cc-by-nc-4.0", "r160_in1k")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "there" / "torch"))
    monkeypatch.setattr(timm_backbones, "pretrained_facts", lambda _: replace(facts, licence="unknown"))
    file.unlink()
    done = unpack_job(tmp_path / "job.zip", there.runs, data=there.data)
    assert done.origin == packed.origin
    distant = RunDirectory(done.path)
    learner = Learner(read_plan(distant), "cpu", "float32", ALONE)
    assert learner.network.config.origin == packed.origin
    assert "does not allow commercial use" in learner.network.config.licence_notice
    assert pack_run(distant, tmp_path / "again.zip").origin == packed.origin
    content = distant.read_run()
    del content["weights"]["origin"]  # as a job of an earlier version
    distant.write_run(content)
    assert Learner(read_plan(distant), "cpu", "float32", ALONE).network.config.origin["licence"] == "unknown"


def test_a_trained_run_is_packed_with_the_licence_that_its_model_names(run: RunDirectory, tmp_path: Path) -> None:
    train(run)
    assert pack_run(run, tmp_path / "random.zip").origin == {"architecture": "mobilenet_v2"}
    file = run.checkpoints / f"{run.read_pointer('last')}.safetensors"
    network, header = load_model(file)
    own = {"architecture": "mobilenet_v2", "file": "theirs.pth", "licence": "cc-by-nc-4.0"}
    save_model(file, network, header.model_copy(update={"network": header.network.model_copy(update={"origin": own})}))
    assert pack_run(run, tmp_path / "job.zip").origin == own
    with open_job(tmp_path / "job.zip") as job:
        assert job.manifest.origin == own


def as_list_files(folder: Path, names: list[str]) -> None:
    (folder / "train.txt").write_text("".join(f"{name} {int(name[0] == 'b')}\n" for name in names))
    (folder / "classes.txt").write_text("0 wren\n1 lark\n")


def as_table(folder: Path, names: list[str]) -> None:
    rows = "".join(f"{name},{'wren' if name[0] == 'b' else 'lark'}\n" for name in names)
    (folder / "labels.csv").write_text(f"path,label\n{rows}")


def as_cub(folder: Path, names: list[str]) -> None:
    (folder / "images").mkdir()
    for letter in "ab":
        (folder / letter).rename(folder / "images" / letter)
    numbered = list(enumerate(names, 1))
    (folder / "images.txt").write_text("".join(f"{number} {name}\n" for number, name in numbered))
    (folder / "image_class_labels.txt").write_text("".join(f"{n} {1 + (name[0] == 'b')}\n" for n, name in numbered))
    (folder / "train_test_split.txt").write_text("".join(f"{number} {int(number > 1)}\n" for number, _ in numbered))
    (folder / "classes.txt").write_text("1 001.Wren\n2 002.Lark\n")


def as_aircraft(folder: Path, names: list[str]) -> None:
    """Its lists also say that a banner is cut off, which changes what is learned."""
    (folder / "images").mkdir()
    kinds = {"a": "Boeing 707", "b": "Boeing 727"}
    lines = []
    for name in names:
        stem = name.replace("/", "").removesuffix(".png")
        (folder / name).rename(folder / "images" / f"{stem}.jpg")
        lines.append(f"{stem} {kinds[name[0]]}\n")
    (folder / "images_variant_train.txt").write_text("".join(lines))


LAYOUTS: dict[str, Callable[[Path, list[str]], None]] = {
    "class-folders": lambda folder, names: None,
    "list-files": as_list_files,
    "label-table": as_table,
    "cub-200-2011": as_cub,
    "fgvc-aircraft-2013b": as_aircraft,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_travel_with_what_says_their_labels(
    tmp_path: Path, few_pictures: Path, layout: str, s3n_home: Path
) -> None:
    data = tmp_path / "birds"
    shutil.copytree(few_pictures, data)
    LAYOUTS[layout](data, [path.relative_to(data).as_posix() for path in sorted(data.rglob("*.png"))])
    assert open_data_set(data).format == layout
    (data / "secret.pdf").write_bytes(b"not of the data set")
    run = prepare(tmp_path / "runs" / "first", data, validation=0.3)
    pack_run(run, tmp_path / "job.zip", images=True)
    before = read_plan(run)
    shutil.move(data, tmp_path / "gone")

    done = unpack_job(tmp_path / "job.zip", tmp_path / "there")
    assert done.new_images == done.root == tmp_path / "first-images"
    assert not list(done.root.rglob("*.pdf"))
    distant = RunDirectory(done.path)
    assert require_same_data(distant, changed_data=False) == []
    plan = read_plan(distant)
    for one, other in ((plan.training, before.training), (plan.validation, before.validation)):
        assert [(s.name, s.label, s.banner) for s in one] == [(s.name, s.label, s.banner) for s in other]
        assert [s.path.read_bytes() for s in one] == [(tmp_path / "gone" / s.name).read_bytes() for s in other]
    again = unpack_job(tmp_path / "job.zip", tmp_path / "elsewhere", data=done.root)  # they are there already
    assert (again.root, again.new_images) == (done.root, None)


def test_only_images_of_the_split_travel_and_those_left_out_stay_left_out(
    tmp_path: Path, few_pictures: Path, there: Machine
) -> None:

    data = tmp_path / "birds"
    shutil.copytree(few_pictures, data)
    write_left_out(data, ["a/1.png"])
    (data / "b" / "broken.png").write_bytes(b"")
    run = prepare_run(tmp_path / "runs" / "first", without_left_out(open_data_set(data)), tiny_recipe(), device="cpu")
    pack_run(run, tmp_path / "images.zip", images=True)
    with zipfile.ZipFile(tmp_path / "images.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith("images/")]
    assert "images/a/1.png" not in names
    assert len([name for name in names if name.startswith("images/a/")]) == 2
    # The list of this machine does not exist there, but the image does: it is no addition.
    pack_run(run, tmp_path / "job.zip")
    (there.data / "copy of birds" / "b" / "broken.png").write_bytes(b"")
    distant = RunDirectory(unpack_job(tmp_path / "job.zip", there.runs, data=there.data).path)
    assert require_same_data(distant, changed_data=False) == []


def test_an_image_left_out_of_a_folder_named_from_another_place_is_no_addition(
    tmp_path: Path, here: Machine, there: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_left_out(here.data, ["a/1.png"])
    (tmp_path / "link").symlink_to(here.data)
    monkeypatch.chdir(here.data.parent)
    for number, root in enumerate((Path("birds"), tmp_path / "link")):
        run = prepare_run(here.runs / f"{number}", without_left_out(open_data_set(root)), tiny_recipe(), device="cpu")
        pack_run(run, tmp_path / "job.zip")
        # The list of this machine belongs to another folder.
        distant = RunDirectory(unpack_job(tmp_path / "job.zip", there.runs, data=there.data, name=f"{number}").path)
        assert require_same_data(distant, changed_data=False) == []


def test_runs_of_earlier_versions_have_the_paths_of_what_was_left_out(
    here: Machine, there: Machine, tmp_path: Path
) -> None:
    write_left_out(here.data, ["a/1.png"])
    run = prepare_run(here.runs / "first", without_left_out(open_data_set(here.data)), tiny_recipe(), device="cpu")
    content = run.read_run()
    content["data"]["left_out"] = [[str(here.data / "a" / "1.png"), "it was left out by hand"]]
    run.write_run(content)
    write_left_out(here.data, [])
    assert require_same_data(run, changed_data=False) == []
    pack_run(run, tmp_path / "job.zip")
    distant = RunDirectory(unpack_job(tmp_path / "job.zip", there.runs, data=there.data).path)
    assert require_same_data(distant, changed_data=False) == []


def test_a_class_that_was_left_out_as_a_whole_is_not_missed(tmp_path: Path, pictures: Path) -> None:
    data = tmp_path / "birds"
    shutil.copytree(pictures, data)
    write_left_out(data, [f"b/{number}.png" for number in range(8)])
    run = prepare_run(tmp_path / "runs" / "first", without_left_out(open_data_set(data)), tiny_recipe(), device="cpu")
    pack_run(run, tmp_path / "job.zip", images=True)
    done = unpack_job(tmp_path / "job.zip", tmp_path / "there")
    assert sorted(path.name for path in done.root.iterdir()) == ["a", "c"]
    plan = read_plan(RunDirectory(done.path))
    assert plan.classes == ("a", "b", "c")
    assert {sample.label for sample in plan.training} == {0, 2}


def test_images_of_a_job_that_is_refused_do_not_stay(run: RunDirectory, there: Machine, tmp_path: Path) -> None:
    content = run.read_run()
    run.write_run({**content, "data": {**content["data"], "used_fingerprint": "of other images"}})
    pack_run(run, tmp_path / "job.zip", images=True)
    with pytest.raises(DataChanged, match="changed in size"):
        unpack_job(tmp_path / "job.zip", there.runs)
    assert not (tmp_path / "first-images").exists()
    assert is_untouched(there.runs)


def lose_one(data: Path) -> None:
    (data / "a" / "0.png").unlink()


def change_one(data: Path) -> None:
    with open(data / "b" / "2.png", "ab") as file:
        file.write(b"x")


def test_images_of_a_run_with_a_name_that_leads_away_stay_beside_the_job(
    run: RunDirectory, there: Machine, tmp_path: Path
) -> None:
    inner = tmp_path / "deep" / "er"
    inner.mkdir(parents=True)
    pack_run(run, inner / "job.zip", images=True)

    def rename(entries: dict[str, bytes]) -> None:
        entries["job.json"] = json.dumps({**json.loads(entries["job.json"]), "name": "../../outside"}).encode()

    packed_again(inner / "job.zip", change=rename)
    with pytest.raises(JobFileError, match=r"'\.\./\.\./outside'; name a new folder for them"):
        unpack_job(inner / "job.zip", there.runs, name="fine")
    assert not (tmp_path / "outside-images").exists()
    done = unpack_job(inner / "job.zip", there.runs, name="fine", data=tmp_path / "new")
    assert done.new_images == tmp_path / "new"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file of which reading fails")
def test_a_file_that_cannot_be_read_is_named(run: RunDirectory, here: Machine, tmp_path: Path) -> None:
    (here.data / "a" / "0.png").unlink()
    (here.data / "a" / "0.png").symlink_to("/proc/self/mem")
    with pytest.raises(JobFileError, match=r"0\.png cannot be read"):
        pack_run(run, tmp_path / "job.zip", images=True)
    assert not (tmp_path / "job.zip").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lose_one, r"1 image missing \(a/0\.png\)"),
        (change_one, r"1 image of another size \(b/2\.png\)"),
        (lambda data: shutil.copy(data / "a" / "1.png", data / "a" / "new.png"), r"1 image added \(a/new\.png\)"),
    ],
)
def test_other_data_is_refused(job: Path, there: Machine, change: Callable[[Path], object], said: str) -> None:
    change(there.data / "copy of birds")
    with pytest.raises(DataChanged, match=said) as error:
        unpack_job(job, there.runs, data=there.data)
    assert "--data" in str(error.value)
    assert is_untouched(there.runs)


def test_a_folder_without_the_images_is_refused(job: Path, here: Machine, there: Machine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataSetNotFound, match="None of the 6 images"):
        unpack_job(job, there.runs, data=tmp_path / "empty")
    shared = unpack_job(job, tmp_path / "shared")  # a machine that sees the same folders needs no --data
    assert shared.root == here.data
    here.data.rename(tmp_path / "away")
    with pytest.raises(DataSetNotFound, match="is not on this one; name its folder with --data"):
        unpack_job(job, there.runs)
    assert is_untouched(there.runs)


def test_a_run_that_was_prepared_earlier_is_compared_with_its_data(run: RunDirectory, here: Machine) -> None:
    lose_one(here.data)
    with pytest.raises(DataChanged, match="1 image removed"):
        next(Trainer(run.path, workers=0, prepared_earlier=True).run())


def test_what_is_newer_here_is_kept(
    run: RunDirectory, here: Machine, there: Machine, job: Path, tmp_path: Path
) -> None:
    distant = RunDirectory(unpack_job(job, there.runs, data=there.data).path)
    begin(distant, 5)
    pack_run(distant, tmp_path / "result.zip")
    begin(run, 3, '{"kind": "step", "step": 3, "of": "another training"}\n')
    before = content_of(run.path)
    with pytest.raises(RunHasMore, match=r"--name NEW.*--replace"):
        unpack_job(tmp_path / "result.zip", here.runs)
    assert content_of(run.path) == before
    assert [path.name for path in here.runs.iterdir()] == ["first"]

    other = unpack_job(tmp_path / "result.zip", here.runs, name="second")
    assert (other.path.name, other.root, other.replaced) == ("second", here.data, None)
    assert content_of(run.path) == before
    shutil.rmtree(other.path)
    done = unpack_job(tmp_path / "result.zip", here.runs, replace=True)
    assert done.path == run.path
    assert run.read_pointer("last") == "step-0000005"
    (entry,) = list_trash(here.runs)
    assert content_of(entry.path) == before


def test_a_result_may_replace_only_what_it_continues(run: RunDirectory, here: Machine, tmp_path: Path) -> None:
    begin(run, 3)
    pack_run(run, tmp_path / "early.zip")
    assert unpack_job(tmp_path / "early.zip", here.runs).replaced is not None  # the same again
    begin(run, 5)
    with pytest.raises(RunError, match="has been trained or changed"):
        unpack_job(tmp_path / "early.zip", here.runs)
    pack_run(run, tmp_path / "late.zip")
    content = run.read_run()
    run.write_run({**content, "extensions": [{"from": 2, "to": 9, "done": 1, "at": 1.0}]})
    with pytest.raises(RunError, match="has been trained or changed"):
        unpack_job(tmp_path / "late.zip", here.runs)
    run.write_run(content)
    assert unpack_job(tmp_path / "late.zip", here.runs).path == run.path


@pytest.mark.parametrize("what", ["averaged", "recalibrated"])
@pytest.mark.parametrize("steps", [3, 5], ids=["stopped at once", "trained"])
def test_a_job_that_was_given_more_epochs_continues_a_completed_run(
    run: RunDirectory, here: Machine, tmp_path: Path, steps: int, what: str
) -> None:
    """More epochs take the mean of the weights or the recalibration back, with its line of the metrics."""
    content = run.read_run()
    begin(run, steps)
    pack_run(run, tmp_path / "plain.zip")
    run.write_run({**content, "extensions": [{"from": 2, "to": 9, "done": 1, "at": 1.0}]})
    pack_run(run, tmp_path / "longer.zip")
    run.write_run(content)
    begin(run, 3)
    with run.metrics_jsonl.open("a") as metrics:
        metrics.write(f'{{"kind": "epoch", "step": 3, "{what}": true}}\n')
    progress = {"step": 3, "epoch": 1, "recalibrated": False, "metrics_offset": run.metrics_jsonl.stat().st_size}
    (run.checkpoints / f"step-0000003-{what}.json").write_text(json.dumps({**progress, what: True}))
    run.write_pointer("last", f"step-0000003-{what}")
    with pytest.raises(RunHasMore):
        unpack_job(tmp_path / "plain.zip", here.runs)
    assert unpack_job(tmp_path / "longer.zip", here.runs).replaced is not None
    assert run.read_pointer("last") == f"step-{steps:07d}"


def test_a_result_finds_its_run_under_another_name(run: RunDirectory, here: Machine, job: Path) -> None:
    renamed = run.path.rename(here.runs / "renamed")
    assert unpack_job(job, here.runs).path == renamed
    other = prepare(here.runs / "first", here.data, seed=5)
    shutil.rmtree(renamed)
    with pytest.raises(RunError, match="which is not the one in"):
        unpack_job(job, here.runs)
    assert other.read_run()["seed"] == 5
    assert unpack_job(job, here.runs, name="free").path.name == "free"
    with pytest.raises(RunError, match="cannot be called"):
        unpack_job(job, here.runs, name="../out")


def test_a_run_that_is_trained_is_neither_packed_nor_replaced(
    run: RunDirectory, job: Path, here: Machine, tmp_path: Path
) -> None:
    with RunLock(run.path):
        with pytest.raises(RunBusy):
            unpack_job(job, here.runs)
        with pytest.raises(RunBusy):
            pack_run(run, tmp_path / "job.zip")
    assert not (tmp_path / "job.zip").exists()


def test_only_a_job_is_written_over(run: RunDirectory, tmp_path: Path) -> None:
    precious = tmp_path / "precious.zip"
    precious.write_bytes(b"precious")
    with pytest.raises(OutputError, match="is not a job of this program"):
        pack_run(run, precious)
    assert precious.read_bytes() == b"precious"
    pack_run(run, tmp_path / "job.zip")
    begin(run, 4)
    pack_run(run, tmp_path / "job.zip")
    with zipfile.ZipFile(tmp_path / "job.zip") as archive:
        assert "run/checkpoints/step-0000004.json" in archive.namelist()


def test_images_that_are_missing_cannot_be_packed(run: RunDirectory, here: Machine, tmp_path: Path) -> None:
    lose_one(here.data)
    with pytest.raises(DataSetError, match="1 of the 6 images of this run are missing"):
        pack_run(run, tmp_path / "job.zip", images=True)
    assert not (tmp_path / "job.zip").exists()


def test_images_whose_names_no_job_can_hold_are_not_packed(tmp_path: Path, few_pictures: Path) -> None:
    data = tmp_path / "birds"
    shutil.copytree(few_pictures, data)
    shutil.copy(data / "a" / "1.png", data / "a" / "x.png")
    shutil.copy(data / "a" / "2.png", data / "a" / "X.png")
    if len(list(data.glob("a/*"))) < 5:
        pytest.skip("this disk does not tell x.png from X.png")
    run = prepare(tmp_path / "runs" / "first", data)
    with pytest.raises(DataSetError, match=r"a/X\.png and a/x\.png in .* have names that are the same on some systems"):
        pack_run(run, tmp_path / "job.zip", images=True)
    assert not (tmp_path / "job.zip").exists()


def packed_again(job: Path, **changes: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(job) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    changes["change"](entries)
    with zipfile.ZipFile(job, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def with_entry(job: Path, name: str, data: bytes = b"x", mode: int = stat.S_IFREG | 0o644) -> None:
    """Add an entry that the list of contents knows, as somebody who means harm would."""

    def change(entries: dict[str, bytes]) -> None:
        manifest = json.loads(entries["job.json"])
        entry = {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        entries["job.json"] = json.dumps({**manifest, "files": [*manifest["files"], entry]}).encode()

    packed_again(job, change=change)
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(job, "a") as archive:
        archive.writestr(info, data)


@pytest.mark.parametrize(
    "name",
    [
        "../out.txt",
        "run/../../out.txt",
        "/tmp/out.txt",
        "run/checkpoints/../../../out",
        "images/../../out",
        "images/..",
        "run\\..\\out",
        "./run/log.txt",
        "run//log.txt",
        "run/evil.py",
        "other.txt",
        "run/lock",
        "weights/a/b",
        "images/",
    ],
)
def test_places_outside_are_refused(job: Path, there: Machine, tmp_path: Path, name: str) -> None:
    with_entry(job, name)
    outside = content_of(tmp_path)
    with pytest.raises(JobFileError, match="not safe"):
        unpack_job(job, there.runs, data=there.data)
    assert is_untouched(there.runs)
    assert content_of(tmp_path) == outside


def test_links_twins_and_bombs_are_refused(job: Path, there: Machine) -> None:
    good = job.read_bytes()
    with_entry(job, "run/log.txt", b"/etc/passwd", stat.S_IFLNK | 0o777)
    with pytest.raises(JobFileError, match="it is a link"):
        unpack_job(job, there.runs, data=there.data)
    job.write_bytes(good)
    with_entry(job, "images/a.png")
    with_entry(job, "images/A.png")
    with pytest.raises(JobFileError, match="two entries with this name"):
        unpack_job(job, there.runs, data=there.data)
    job.write_bytes(good)
    with_entry(job, "run/log.txt", bytes(30_000_000))
    with pytest.raises(JobFileError, match="would become 30,000,000"):
        unpack_job(job, there.runs, data=there.data)
    assert is_untouched(there.runs)


class DiskUsage(NamedTuple):
    total: int
    used: int
    free: int


def test_what_does_not_fit_is_refused_before_it_is_written(
    job: Path, there: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: DiskUsage(9, 9, 9))
    with pytest.raises(DiskFull, match="where 9 are free"):
        unpack_job(job, there.runs, data=there.data)
    assert is_untouched(there.runs)


def forget(entries: dict[str, bytes]) -> None:
    del entries["job.json"]


def exchange(entries: dict[str, bytes]) -> None:
    entries["run/split.csv"] = entries["run/split.csv"].replace(b"validation", b"train")


def of_tomorrow(entries: dict[str, bytes]) -> None:
    entries["job.json"] = entries["job.json"].replace(b'"format_version": 1', b'"format_version": 99')


def without_run(entries: dict[str, bytes]) -> None:
    manifest = json.loads(entries["job.json"])
    entries["job.json"] = json.dumps({**manifest, "files": []}).encode()
    for name in [name for name in entries if name != "job.json"]:
        del entries[name]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (forget, "is not a job of this program"),
        (lambda entries: entries.update({"job.json": b"[]"}), "is not a job of this program"),
        (lambda entries: entries.update({"job.json": b"{"}), "is not JSON"),
        (of_tomorrow, "newer version"),
        (without_run, "run.json is missing"),
        (exchange, "another size than its list"),
        (lambda entries: entries.update({"run/log.txt": b"more"}), "does not agree with its contents"),
        (
            lambda entries: entries.update({"job.json": entries["job.json"].replace(b'"name": "', b'"nome": "', 1)}),
            "not complete",
        ),
    ],
)
def test_foreign_and_damaged_lists_of_contents(
    job: Path, there: Machine, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    packed_again(job, change=change)
    with pytest.raises(JobFileError, match=said):
        unpack_job(job, there.runs, data=there.data)
    assert is_untouched(there.runs)


def test_damaged_and_cut_off_files(run: RunDirectory, there: Machine, tmp_path: Path) -> None:
    begin(run, 2)
    job = tmp_path / "job.zip"
    pack_run(run, job)
    whole = job.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        job.write_bytes(whole[:length])
        with pytest.raises(JobFileError, match="only the beginning of one"):
            unpack_job(job, there.runs, data=there.data)
    for place in range(60, len(whole), len(whole) // 12):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        job.write_bytes(damaged)
        try:
            done = unpack_job(job, there.runs, data=there.data)
        except JobFileError:
            assert is_untouched(there.runs)
        else:  # the byte says nothing, such as a date
            assert content_of(done.path).keys() >= {"run.json", "checkpoints/step-0000002.safetensors"}
            shutil.rmtree(done.path)
    for path, said in ((tmp_path / "none.zip", "There is no file"), (tmp_path, "is a folder")):
        with pytest.raises(JobFileError, match=said):
            unpack_job(path, there.runs)


KILLED = """
import os, signal, sys
from pathlib import Path
from s3n_core.training.jobs.unpacking import unpack_job
after = int(sys.argv[4])
def progress(done, total):
    if done >= after:
        os.kill(os.getpid(), signal.SIGKILL)
unpack_job(Path(sys.argv[1]), Path(sys.argv[2]), data=Path(sys.argv[3]), progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_kill_leaves_nothing_that_looks_whole(run: RunDirectory, there: Machine, tmp_path: Path) -> None:
    begin(run, 2)
    job = tmp_path / "job.zip"
    pack_run(run, job, images=True)
    total = sum(entry["bytes"] for entry in json.loads(zipfile.ZipFile(job).read("job.json"))["files"])
    images = tmp_path / "there" / "images"
    for after in (total // 2, total):
        arguments = [str(job), str(there.runs), str(images), str(after)]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, *arguments], env={**os.environ, "PYTHONPATH": str(CHECKOUT)}
        )
        assert killed.returncode == -signal.SIGKILL
        assert list_runs(there.runs) == []
        assert not images.exists()
    left = [path for path in there.runs.iterdir() if path.name.startswith(".s3n-unpack-")]
    assert left
    for path in left:
        os.utime(path, (0, 0))
    done = unpack_job(job, there.runs, data=images)
    assert done.new_images == images
    assert [path.name for path in there.runs.iterdir()] == ["first"]


def test_a_full_disk_is_said_and_leaves_nothing(run: RunDirectory, there: Machine, tmp_path: Path, small_disk) -> None:  # type: ignore[no-untyped-def]
    begin(run, 2)
    job = tmp_path / "job.zip"
    pack_run(run, job)
    runs = small_disk.path / "runs"
    with pytest.raises(DiskFull, match="The disk is full"):
        unpack_job(job, runs, data=there.data, progress=lambda done, total: small_disk.fill())
    assert is_untouched(runs)
    with pytest.raises(DiskFull):
        pack_run(run, small_disk.path / "job.zip")
    assert sorted(path.name for path in small_disk.path.iterdir()) == ["ballast", "runs"]
    small_disk.free()
    assert unpack_job(job, runs, data=there.data).path == runs / "first"
