"""Several processes at one job: who this one is among them, and what they tell one another.

`torchrun --nproc-per-node=N -m s3n_core ...` starts N equal processes, the members of a team. The first one leads: it alone
speaks to the person and writes files. Numbers on a card travel by NCCL, everything else by gloo. A process on its own is a
team of one, for which all of this costs nothing and torch.distributed is never loaded.
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
_PATIENCE = timedelta(seconds=10)  # to learn why another member ended, or that the leader has learned it


class Team:
    """The processes at one job.

    Attributes:
        rank: This one's number, from 0.
        size: How many there are.
        failure: What another member said as it ended, raised here; None while all are at work.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Any = None) -> None:
        self.rank, self.size = rank, size
        self.failure: S3NError | None = None
        self._store = store

    @property
    def leads(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """Return every member's value, by rank, to every member; all must ask at the same place.

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
        """Return the leader's value to every member; all must ask at the same place.

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
        """Add tensors up over all members, in place: one message for all of them.

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
        """Give every member the leader's weights and buffers.

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
        """Make sure that every member on this machine has a card of its own, where they compute on cards.

        Raises:
            DeviceError: If there are fewer cards than processes.
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
        """Exchange a message with the others.

        Raises:
            S3NError: If another member has ended: its own error, a `TeamError` where it said none.
        """
        try:
            message()
        except RuntimeError as error:  # what torch.distributed raises where a connection broke
            self.failure = self._why()
            raise self.failure from error

    def fail(self, error: S3NError) -> bool:
        """Tell the others why this member ends, and let go of them.

        Returns:
            Whether this member has to say it to the person: the leader, and who was not heard by it.
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
        """Let go of the others; those who still wait for a message get an error instead."""
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
        """Tell a member that failed that its error will be said, so that it may go."""
        with suppress(RuntimeError):
            self._store.set(_HEARD, "1")


ALONE = Team()


def join_team() -> Team:
    """Join the processes that torchrun started together with this one; alone where it did not."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "RANK" not in os.environ:
        return ALONE
    # Of a connection that breaks torch writes pages of its own frames; who reads them is told in a sentence.
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
