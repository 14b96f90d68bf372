"""The tests' replacement of the engine command behaves like the command itself (`engine_popen`)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from engine_popen import EnginePopen, UsualPopen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the engine is always started by its command")

RESUME = [sys.executable, "-m", "s3n_core", "runs", "resume", "ähnlich", "--json"]


def test_it_ends_and_says_what_the_command_does(tmp_path: Path) -> None:
    environment = {**os.environ, "S3N_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])}
    told = []
    for popen in (UsualPopen, EnginePopen):
        with popen(RESUME, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            out, error = process.communicate()
            told.append((process.returncode, out, error))
    assert told[0] == told[1]
    assert told[0][0] == 1
    assert str(tmp_path) in told[0][2].decode()


def test_it_is_a_child_that_can_be_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "s3n_core.server.process"]
    with EnginePopen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        child = psutil.Process(process.pid)
        assert child in psutil.Process().children()
        assert child.cwd() == str(tmp_path)
        assert os.getsid(process.pid) == process.pid
        process.kill()
    assert process.returncode == -signal.SIGKILL
    with EnginePopen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert os.getsid(process.pid) == os.getsid(0)
        process.communicate()  # closing its input ends it
    assert process.returncode == 0
