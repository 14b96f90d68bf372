"""The processor of this machine: its name and its instruction sets."""

from __future__ import annotations

import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_BFLOAT16 = frozenset(("avx512_bf16", "amx_bf16", "bf16"))
"""Instruction sets with which torch multiplies in bfloat16: of Intel and AMD, and of ARM."""


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor.

    Attributes:
        name: Its model, such as "AMD EPYC 9354".
        flags: Its instruction sets, sorted, in one line; empty where the system does not list them.
    """

    name: str
    flags: str = ""

    @property
    def bfloat16(self) -> bool | None:
        """Whether it has units for bfloat16; None where the system does not list its instruction sets."""
        return None if not self.flags else not _BFLOAT16.isdisjoint(self.flags.split())


@cache
def this_processor() -> Processor:
    """Return the processor of this machine."""
    if sys.platform == "darwin":
        with suppress(OSError, subprocess.SubprocessError):
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return Processor(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    with suppress(OSError):
        return parse_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    return Processor(platform.processor() or platform.machine())


def parse_cpuinfo(text: str) -> Processor:
    """Read the first processor of Linux's ``/proc/cpuinfo``; ARM gives numbers for a name, and its flags as "Features"."""
    lines = [line.partition(":") for line in text.strip().split("\n\n")[0].splitlines()]
    fields = {name.strip(): value.strip() for name, _, value in lines}
    numbers = " ".join(fields[name] for name in ("CPU implementer", "CPU part") if name in fields)
    flags = fields.get("flags") or fields.get("Features", "")
    return Processor(fields.get("model name") or numbers or platform.machine(), " ".join(sorted(flags.split())))
