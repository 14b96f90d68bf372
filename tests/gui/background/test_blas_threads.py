"""The window's linear algebra uses one thread; child processes do not inherit that."""

from __future__ import annotations

import os

import pytest

from s3n_gui.background.blas_threads import lift_limit, limit_threads


def test_the_limit_is_the_windows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "S3N_WINDOW_SET_BLAS_THREADS"):
        monkeypatch.setenv(name, "")  # so that it is restored
        monkeypatch.delenv(name)
    limit_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    child = dict(os.environ)
    lift_limit(child)
    assert "OPENBLAS_NUM_THREADS" not in child


def test_what_the_person_has_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("S3N_WINDOW_SET_BLAS_THREADS", raising=False)  # a window of an earlier test may have set it
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    limit_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
    child = dict(os.environ)
    lift_limit(child)
    assert child["OPENBLAS_NUM_THREADS"] == "3"
