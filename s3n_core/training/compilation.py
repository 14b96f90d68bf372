"""Compiling the backbone's passes with torch.compile, where the recipe asks for it and where it pays.

The three passes (O, D, C) of the updates run compiled, at the size of a full micro-batch. All else runs as usual: smaller
micro-batches, validation, recalibration, the sampler and the heads. So there is one compilation per micro-batch size, and what a
batch is computed with depends on its size alone, not on what came before it: a resumed run repeats it.

The first full micro-batch is computed for trial, and what came of it is thrown away. With ``auto`` its times decide. A run keeps
the outcome, so that it is not measured again on resuming on the same device.
"""

from __future__ import annotations

import logging
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from s3n_core.method.backbones import Backbone
from s3n_core.models.device_memory import is_device_failure, is_out_of_memory, return_unused_memory
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import Team
from s3n_core.training.learner import Learner
from s3n_core.training.recipe import Recipe

_log = logging.getLogger(__name__)

BACKEND = "inductor"
CHOSEN_ON = ("cuda",)
"""Devices on which ``auto`` tries it; on a processor, compiling costs much and saves little."""
PAYS = 0.95
"""Share of the usual time that a compiled micro-batch may take at most to be chosen by ``auto``."""
LEAST_SECONDS = 900.0
"""Seconds of updates below which ``auto`` does not compile: compiling takes minutes, and saves a fifth of the time or less."""
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial, as ``compilation`` in ``run.json``.

    Attributes:
        compiled: Whether the updates run compiled.
        micro_batch: The micro-batch size per process.
        device: Display name of the device.
        torch: Version of torch.
        backend: The compiler.
        why: Why they do not run compiled, as a clause; empty if they do.
        seconds: Seconds that compiling took, with the first compiled micro-batch; None if it was not done.
        ratio: Time of a compiled micro-batch over that of a usual one; None if it was not measured.
    """

    compiled: bool
    micro_batch: int
    device: str
    torch: str
    backend: str
    why: str = ""
    seconds: float | None = None
    ratio: float | None = None

    @property
    def sentence(self) -> str:
        """The outcome as a message for the user."""
        if not self.compiled:
            return f"The backbone is not compiled: {self.why}."
        images = "1 image" if self.micro_batch == 1 else f"{self.micro_batch} images"
        speed = "" if self.ratio is None else f"; a step takes {self.ratio:.2f} times as long as without"
        return f"The backbone is compiled ({self.backend}) for {images} at once, in {self.seconds or 0:.0f} s{speed}."


class Compilation:
    """Decides by trial whether a training's passes run compiled.

    Args:
        run: The run; its lock is held.
        recipe: Its recipe.
        learner: The network.
        team: The processes that train together.
        device: Display name of the device.

    Attributes:
        outcome: Of the last trial, also by an earlier process on this device; None where nothing is to be compiled.
    """

    def __init__(self, run: RunDirectory, recipe: Recipe, learner: Learner, team: Team, device: str) -> None:
        self._run, self._learner, self._team, self._device = run, learner, team, device
        self._wanted = recipe.compile
        if self._wanted == "auto" and learner.device not in CHOSEN_ON:
            self._wanted = "off"
        self._refusal = self._refused(recipe)
        self._passes: CompiledPasses | None = None
        self._tried = 0
        self.outcome = None if self._wanted == "off" else self._kept()

    def due(self, micro: int) -> bool:
        """Return whether a micro-batch size still needs its trial; the same for all processes."""
        return self._wanted != "off" and self._tried != micro

    def warnings(self) -> tuple[str, ...]:
        """Return a sentence if compiling was asked for and not done; else empty."""
        missed = self._wanted == "on" and self.outcome is not None and not self.outcome.compiled
        return (self.outcome.sentence,) if missed and self.outcome is not None else ()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Run the backbone compiled inside the block if that was chosen, where a compilation fits the images."""
        if self._passes is None:
            yield
            return
        with self._passes.used():
            yield

    def choose(self, work: Callable[[], None], micro: int, left: int) -> None:
        """Choose for a micro-batch size, and store the outcome in the run (collective).

        Args:
            work: Computes a full micro-batch forward and backward, in `used`; can be repeated.
            micro: The micro-batch size per process.
            left: How many such micro-batches are left to train.

        Raises:
            OutputError: If the run's file cannot be written.
        """
        self._passes, self._tried = None, micro
        earlier = self._kept()
        if earlier is not None and earlier.micro_batch != micro:
            earlier = None
        if earlier is not None and not earlier.compiled and self._wanted == "auto":
            own = earlier
        else:
            own = self._trial(work, micro, left, earlier)
        every = self._team.gather(own)
        self.outcome = next((one for one in every if not one.compiled), every[0])
        if not self.outcome.compiled:
            self._passes = None
        _log.info("%s", self.outcome.sentence)
        if self._team.leads and self.outcome != earlier:
            self._run.write_run({**self._run.read_run(), "compilation": asdict(self.outcome)})

    def _refused(self, recipe: Recipe) -> str:
        if self._team.size > 1 and self._learner.statistics.learned:
            return "several processes share the statistics of BatchNorm, which sends messages between its layers"
        if recipe.freeze_backbone and recipe.network.branches == "O":
            return "the backbone is frozen, and only the head of O is trained"
        return ""

    def _trial(self, work: Callable[[], None], micro: int, left: int, earlier: Outcome | None) -> Outcome:
        if self._refusal:
            return self._not(micro, self._refusal)
        measuring = self._wanted == "auto" and earlier is None
        try:
            if measuring:
                work()  # chooses the algorithms of the convolutions
                expected = left * self._seconds(work)
                if expected < LEAST_SECONDS:
                    return self._not(micro, f"the updates take about {expected / 60:.0f} min, too little for it to pay")
            torch.compiler.reset()  # of earlier sizes, which count towards the compiler's limit for a function
            passes = CompiledPasses(self._learner.network.backbone)

            def compiled() -> None:
                self._passes = passes
                try:
                    work()
                finally:
                    self._passes = None

            with passes.compiling():
                seconds = self._seconds(compiled)
            ratio = None if earlier is None else earlier.ratio
            if measuring:
                pairs = [(self._seconds(compiled), self._seconds(work)) for _ in range(_ROUNDS)]
                ratio = statistics.median(one / other for one, other in pairs)
                if ratio > PAYS:
                    torch.compiler.reset()  # frees what was compiled
                    return self._not(micro, f"compiled, a micro-batch takes {ratio:.2f} times as long", seconds, ratio)
        except Exception as error:  # compilers raise errors of many kinds
            if is_device_failure(error):
                raise
            why = "memory ran out" if is_out_of_memory(error) else _reason(error)
            _log.info("torch.compile failed", exc_info=error)
        else:
            self._passes = passes
            return self._told(micro, compiled=True, seconds=seconds, ratio=ratio)
        # Outside the handler: its exception would keep the tensors alive.
        return_unused_memory()
        return self._not(micro, why)

    def _not(self, micro: int, why: str, seconds: float | None = None, ratio: float | None = None) -> Outcome:
        return self._told(micro, compiled=False, why=why, seconds=seconds, ratio=ratio)

    def _told(self, micro: int, **fields: Any) -> Outcome:
        return Outcome(micro_batch=micro, device=self._device, torch=torch.__version__, backend=BACKEND, **fields)

    def _kept(self) -> Outcome | None:
        """Return the outcome that the run has kept, if it is of this device, compiler and version of torch."""
        try:
            kept = Outcome(**self._run.read_run().get("compilation") or {})
        except TypeError:  # none, or of another version of this program
            return None
        here = self._told(kept.micro_batch, compiled=kept.compiled)
        same = (kept.device, kept.torch, kept.backend) == (here.device, here.torch, here.backend)
        return kept if same else None

    def _seconds(self, work: Callable[[], None]) -> float:
        _wait(self._learner.device)
        began = time.perf_counter()
        work()
        _wait(self._learner.device)
        return time.perf_counter() - began


class CompiledPasses:
    """Compiled forms of a backbone's two functions, beside the backbone: its parameters keep their names.

    Args:
        backbone: The backbone, on its device.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        # Fixed sizes: they are faster than variable ones, and there is only one.
        self._forward = torch.compile(backbone.forward, backend=BACKEND, dynamic=False)
        self._with_stage = torch.compile(backbone.with_stage, backend=BACKEND, dynamic=False)
        self._compiling = False

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Compile what comes inside the block; elsewhere only what has been compiled is used."""
        self._compiling = True
        try:
            yield
        finally:
            self._compiling = False

    @contextmanager
    def used(self) -> Iterator[None]:
        """Put the compiled functions in the place of the backbone's own while the block runs."""
        backbone = self._backbone
        backbone.forward, backbone.with_stage = self._forward, self._with_stage  # type: ignore[method-assign]
        try:
            with torch.compiler.set_stance("default" if self._compiling else "eager_on_recompile"):
                yield
        finally:
            del backbone.forward, backbone.with_stage


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _reason(error: Exception) -> str:
    """Return the first line of a compiler's error that says something, as a clause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in lines if not line.endswith(("raised:", ":"))), type(error).__name__)
    return f"torch.compile failed ({re.sub(r'^[A-Z][A-Za-z]+: ', '', said)[:200].rstrip('.')})"
