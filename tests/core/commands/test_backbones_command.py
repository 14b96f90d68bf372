"""`s3n backbones`: what there is, what it weighs, and where its weights are; nothing is downloaded."""

import json
from pathlib import Path

import pytest
import torch

from s3n_core import cli
from s3n_core.method.backbone_sizes import PATCH_TOKENS
from s3n_core.method.configuration import BACKBONES


@pytest.fixture(autouse=True)
def _empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_own_backbones_are_listed_with_their_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hub" / "checkpoints" / "mobilenet_v2-b0353104.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 1_500_000)
    assert cli.main(["backbones"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(BACKBONES)
    assert f"1.5 MB in {file}" in next(line for line in lines if line.startswith("mobilenet_v2"))
    assert "not here; from https://download.pytorch.org/" in next(line for line in lines if line.startswith("resnet50"))


def test_one_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["backbones", "mobilenet_v2", "--size", "96", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {key: found[key] for key in ("parameters", "channels", "stride", "cells", "sha256")} == {
        "parameters": 2_223_872,
        "channels": 1280,
        "stride": 32,
        "cells": 3,
        "sha256": "",
    }


def test_those_of_timm_are_found_by_words(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("timm")
    assert cli.main(["backbones", "--search", "mobilenetv3 small_050"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("timm:mobilenetv3_small_050.lamb_in1k  apache-2.0") for line in lines)
    assert cli.main(["backbones", "timm:mobilenetv3_small_050.lamb_in1k", "--size", "96"]) == 0
    said = capsys.readouterr().out
    assert "3 x 3 cells of 32 pixels at 96 pixels" in said
    assert "have the licence apache-2.0." in said
    assert "patch tokens" not in said
    assert cli.main(["backbones", "--search", "no such words"]) == 0
    assert "No backbone's name holds" in capsys.readouterr().out


def test_cells_that_are_patch_tokens_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("timm")
    assert cli.main(["backbones", "timm:test_vit", "--size", "64"]) == 0
    said = capsys.readouterr().out
    assert (
        "4 x 4 cells of 16 pixels at 64 pixels\nThe cells of test_vit are patch tokens. Pooling and linear heads"
        in said
    )
    assert cli.main(["backbones", "--search", "timm:test_vit"]) == 0
    head, *rows, _, note = capsys.readouterr().out.splitlines()
    assert "  cells  " in head
    assert rows
    assert all("  patch tokens  " in row for row in rows)
    assert note == PATCH_TOKENS
    assert cli.main(["backbones", "--search", "timm:test_resnet", "--json"]) == 0
    assert [entry["tokens"] for entry in json.loads(capsys.readouterr().out)] == [False]
