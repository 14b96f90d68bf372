"""The reader of .mat files, on files from SciPy, from MATLAB, and on damaged files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from s3n_core.datasets.readers import matlab_files
from s3n_core.datasets.readers.matlab_files import read_matlab
from s3n_core.errors import DataSetError

REAL = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"


def annotations(*rows: tuple[Any, ...]) -> np.ndarray:
    array = np.empty((1, len(rows)), dtype=[("fname", object), ("class", object), ("box", object)])
    array[0, :] = list(rows)
    return array


@pytest.mark.parametrize("compressed", [False, True])
def test_structs_cells_texts_and_numbers(tmp_path: Path, compressed: bool) -> None:
    names = np.empty((1, 2), dtype=object)
    names[0, :] = ["Škoda Octavia", ""]
    content = {
        "annotations": annotations(("a.jpg", np.uint8(7), [1, 2]), ("b.jpg", 1.5, np.int64(-(2**40)))),
        "class_names": names,
        "other": {"deep": {"deeper": np.arange(3)}},
    }
    scipy.io.savemat(tmp_path / "x.mat", content, do_compression=compressed)
    read = read_matlab(tmp_path / "x.mat", "annotations", "class_names")
    assert read == {
        "annotations": [
            {"fname": "a.jpg", "class": 7, "box": (1, 2)},
            {"fname": "b.jpg", "class": 1.5, "box": -(2**40)},
        ],
        "class_names": ["Škoda Octavia", ""],
    }
    assert read_matlab(tmp_path / "x.mat", "other") == {"other": [{"deep": [{"deeper": (0, 1, 2)}]}]}


@pytest.mark.skipif(not REAL.is_dir(), reason="this SciPy comes without the files of its tests")
@pytest.mark.parametrize(
    ("name", "variable", "expected"),
    [
        ("big_endian", "strings", ["hello", "world"]),
        ("testcell_6.1_SOL2", "testcell", None),
        ("testcellnest_6.5.1_GLNX86", "testcellnest", [1, [2, 3, [4, 5]]]),
        ("teststructarr_7.1_GLNX86", "teststructarr", [{"one": 1, "two": 2}, {"one": "number 1", "two": "number 2"}]),
        ("teststructnest_7.4_GLNX86", "teststructnest", [{"one": 1, "two": [{"three": "number 3"}]}]),
        ("testunicode_7.1_GLNX86", "testunicode", None),
        ("single_empty_string", "a", ""),
        ("testminus_7.4_GLNX86", "testminus", -1),
    ],
)
def test_files_of_matlab_itself(name: str, variable: str, expected: object) -> None:
    value = read_matlab(REAL / f"{name}.mat", variable)[variable]
    match name:
        case "testcell_6.1_SOL2":
            assert value[1:] == [1, (1, 2), (1, 2, 3)]
        case "testunicode_7.1_GLNX86":
            assert value == scipy.io.loadmat(REAL / f"{name}.mat")[variable].item()
        case _:
            assert value == expected


@pytest.mark.skipif(not REAL.is_dir(), reason="this SciPy comes without the files of its tests")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("corrupted_zlib_checksum", "incorrect data check"),
        ("corrupted_zlib_data", "it ends in the middle"),
        ("malformed1", "it ends in the middle"),
        ("testvec_4_GLNX86", "its header is not MATLAB's"),
        ("testhdf5_7.4_GLNX86", "MATLAB's format 7.3"),
    ],
)
def test_files_that_are_no_such_tables(name: str, reason: str) -> None:
    with pytest.raises(DataSetError, match=reason):
        read_matlab(REAL / f"{name}.mat", "x")


@pytest.mark.parametrize("kind", [complex(1, 2), scipy.sparse.eye(3)])
def test_kinds_that_such_tables_do_not_have(tmp_path: Path, kind: object) -> None:
    scipy.io.savemat(tmp_path / "x.mat", {"x": kind, "y": 1})
    with pytest.raises(DataSetError, match="which these tables do not have"):
        read_matlab(tmp_path / "x.mat", "x")
    assert read_matlab(tmp_path / "x.mat", "y") == {"y": 1}  # other variables do no harm


def test_sizes_that_are_not_there(tmp_path: Path) -> None:
    """A cell that declares two billion elements allocates no memory for them."""
    names = np.empty((1, 2), dtype=object)
    names[0, :] = ["a", "b"]
    scipy.io.savemat(tmp_path / "x.mat", {"x": names})
    data = bytearray((tmp_path / "x.mat").read_bytes())
    at = data.index(b"\x01\x00\x00\x00\x02\x00\x00\x00")  # the dimensions, 1 x 2
    data[at + 4 : at + 8] = b"\xff\xff\xff\x7f"
    (tmp_path / "x.mat").write_bytes(data)
    with pytest.raises(DataSetError, match=r"2147483647 elements in \d+ bytes"):
        read_matlab(tmp_path / "x.mat", "x")


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matlab_files, "_LARGEST", 1 << 20)
    scipy.io.savemat(tmp_path / "x.mat", {"x": np.zeros(200_000)}, do_compression=True)
    assert (tmp_path / "x.mat").stat().st_size < 1 << 16
    with pytest.raises(DataSetError, match="a variable is larger than 1 MiB"):
        read_matlab(tmp_path / "x.mat", "x")


def test_nested_without_end(tmp_path: Path) -> None:
    nested: object = 1
    for _ in range(12):
        outer = np.empty((1, 1), dtype=object)
        outer[0, 0] = nested
        nested = outer
    scipy.io.savemat(tmp_path / "x.mat", {"x": nested})
    with pytest.raises(DataSetError, match="nested too deeply"):
        read_matlab(tmp_path / "x.mat", "x")
