"""A network on the CPU reuses memory that the process has freed."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from torch import nn
from s3n_core.models.devices import place
torch.set_num_threads(1)
network = nn.Sequential(*(nn.Conv2d(8, 8, 1, bias=False) for _ in range(4))).eval()
if sys.argv[1] == "placed":
    place(network, "cpu")
images = torch.zeros(1, 8, 1200, 1200)
with torch.inference_mode():
    for _ in range(4):
        network(images)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    network(images)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep what they keep")
def test_a_later_pass_needs_no_new_pages() -> None:
    faults = {how: int(subprocess.check_output([sys.executable, "-c", FAULTS, how])) for how in ("as it is", "placed")}
    layer = 8 * 1200 * 1200 * 4 // 4096  # memory pages of one layer's output
    assert faults["as it is"] > layer
    assert faults["placed"] < layer // 4
