"""Benchmark of OMP_WAIT_POLICY: should waiting threads of a training spin or sleep, next to an event loop?

Run with ``python benchmarks/wait_policy.py [--seconds 20] [--rounds 3]``. A training runs on every core, at the priority of the
window's trainings, with each policy in turn. Printed are steps per second and the delays of a 5 ms timer in this process.
"""

import argparse
import os
import subprocess
import sys
import time

STEP = """
import sys, time
import torch
from torchvision.models import mobilenet_v2
network = mobilenet_v2().to(memory_format=torch.channels_last)
images = torch.randn(8, 3, 224, 224).contiguous(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
print("ready", flush=True)
while True:
    optimizer.zero_grad()
    network(images).square().mean().backward()
    optimizer.step()
    print("step", flush=True)
"""


def measure(policy: str | None, seconds: float) -> tuple[float, float, float]:
    """Return steps per second, and the 99th percentile and maximum of the gaps between ticks, in ms."""
    environment = {key: value for key, value in os.environ.items() if key not in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")}
    if policy is not None:
        environment["OMP_WAIT_POLICY"] = policy
    process = subprocess.Popen([sys.executable, "-c", STEP], env=environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        os.setpriority(os.PRIO_PROCESS, process.pid, 10)  # inherited by its threads, which the first step starts
        process.stdout.readline()
        os.set_blocking(process.stdout.fileno(), False)
        gaps, told, last = [], 0, time.perf_counter()
        end = last + seconds
        while last < end:
            time.sleep(0.005)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now
            told += (process.stdout.read() or b"").count(b"step")
        gaps.sort()
        return told / seconds, 1000 * gaps[int(0.99 * len(gaps))], 1000 * gaps[-1]
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for number in range(options.rounds):
        for policy in (None, "PASSIVE"):
            steps, late, latest = measure(policy, options.seconds)
            ticks = f"tick p99 {late:6.1f} ms  max {latest:6.1f} ms"
            print(f"round {number + 1}  {policy or 'default':8} {steps:5.2f} steps/s  {ticks}", flush=True)


if __name__ == "__main__":
    main()
