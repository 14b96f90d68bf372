"""Distributed jobs: rank, communication and error handling of several processes.

`torchrun --nproc-per-node=N -m s3n_core ...` starts N equal processes, the members of a team. Rank 0 is the leader:
only it prints output and writes files. CUDA tensors are communicated by NCCL, everything else by gloo. A single process
is a team of one; it has no overhead and never loads torch.distributed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from s3n_core.errors import DeviceError, S3NError, TeamError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

_FAILURE, _HEARD = "s3n/failure", "s3n/heard"
_PATIENCE = timedelta(seconds=10)  # time to wait for another member's error, or for the leader to read it


class Team:
    """The processes of one job.

    Attributes:
        rank: Rank of this process, from 0.
        size: Number of processes.
        failure: The error of another member that ended, which is raised here; None while all are running.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Any = None) -> None:
        self.rank, self.size = rank, size
        self.failure: S3NError | None = None
        self._store = store

    @property
    def leads(self) -> bool:
        """Whether this process prints output and writes files for the team."""
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """Return every member's value, by rank, to every member; all members must call this at the same point.

        Raises:
            S3NError: If another member has ended (see `talk`).
        """
        if self.size == 1:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.size
        self.talk(lambda: dist.all_gather_object(values, value))
        return values

    def lead(self, value: T) -> T:
        """Return the leader's value to every member; all members must call this at the same point.

        Raises:
            S3NError: If another member has ended (see `talk`).
        """
        if self.size == 1:
            return value
        import torch.distributed as dist

        values = [value]
        self.talk(lambda: dist.broadcast_object_list(values, src=0))
        return values[0]

    def add(self, tensors: Iterable[torch.Tensor]) -> None:
        """Sum tensors over all members, in place, in a single message.

        Raises:
            S3NError: If another member has ended (see `talk`).
        """
        if self.size == 1:
            return
        import torch
        import torch.distributed as dist

        parts = list(tensors)
        if not parts:
            return
        flat = torch.cat([part.flatten() for part in parts])
        self.talk(lambda: dist.all_reduce(flat))
        for part, total in zip(parts, torch.split(flat, [part.numel() for part in parts]), strict=True):
            part.copy_(total.view_as(part))

    def match(self, network: torch.nn.Module) -> None:
        """Copy the leader's weights and buffers to every member.

        Raises:
            S3NError: If another member has ended (see `talk`).
        """
        if self.size == 1:
            return
        import torch.distributed as dist

        for value in network.state_dict().values():
            whole = value.contiguous()
            self.talk(lambda whole=whole: dist.broadcast(whole, src=0))  # type: ignore[misc]
            value.copy_(whole)

    def require_cards(self, device: str) -> None:
        """Check that every member on this machine has its own GPU, if the device is a GPU.

        Raises:
            DeviceError: If there are fewer GPUs than processes.
        """
        if self.size == 1 or device != "cuda":
            return
        import torch

        here, cards = int(os.environ.get("LOCAL_WORLD_SIZE", self.size)), torch.cuda.device_count()
        if here > cards:
            raise DeviceError(
                f"There are {here} processes for {cards} {'card' if cards == 1 else 'cards'}: start one process per "
                "card (--nproc-per-node), or choose the device cpu."
            )

    def talk(self, message: Callable[[], object]) -> None:
        """Run a collective operation.

        Raises:
            S3NError: If another member has ended: that member's error, or a `TeamError` if it reported none.
        """
        try:
            message()
        except RuntimeError as error:  # raised by torch.distributed when a connection breaks
            self.failure = self._why()
            raise self.failure from error

    def fail(self, error: S3NError) -> bool:
        """Tell the others why this member ends, and leave the team.

        Returns:
            Whether this member must show the error to the user: the leader, and a member that the leader did not hear.
        """
        if self.size == 1:
            return True
        with suppress(RuntimeError):
            self._store.set(_FAILURE, json.dumps(error.to_dict()))
            if self.leads:
                self._store.set(_HEARD, "1")
        self.leave()
        if self.leads:
            return True
        try:
            self._store.wait([_HEARD], _PATIENCE)
        except RuntimeError:
            return True
        return False

    def leave(self) -> None:
        """Leave the team; members that still wait for a message get an error."""
        if self.size > 1:
            import torch.distributed as dist

            if dist.is_initialized():
                dist.destroy_process_group()

    def _why(self) -> S3NError:
        try:
            self._store.wait([_FAILURE], _PATIENCE)
            return S3NError.from_dict(json.loads(self._store.get(_FAILURE)))
        except RuntimeError:
            return TeamError(
                f"One of the {self.size} processes crashed or was terminated, and the others ended with it. "
                "Everything up to the last checkpoint is kept."
            )

    def heard(self) -> None:
        """Confirm to a failed member that its error will be shown, so that it can exit."""
        with suppress(RuntimeError):
            self._store.set(_HEARD, "1")


ALONE = Team()


def join_team() -> Team:
    """Join the processes that torchrun started together with this one; without torchrun return a team of one."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "RANK" not in os.environ:
        return ALONE
    # When a connection breaks, torch logs pages of its own stack frames; the user gets one sentence instead.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    import torch
    import torch.distributed as dist
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    place = int(os.environ.get("LOCAL_RANK", "0"))
    if place < cards:
        torch.cuda.set_device(place)
    store, rank, size = next(rendezvous("env://"))
    backend = "cpu:gloo,cuda:nccl" if cards else "gloo"
    dist.init_process_group(backend, store=PrefixStore("s3n", store), rank=rank, world_size=size)
    return Team(rank, size, store)
