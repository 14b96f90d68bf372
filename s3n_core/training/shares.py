"""Which images a member of a team works on: every batch is cut into micro-batches, and each of those is shared out.

All members get the same number of pieces, some of which may be empty, so that they stay in step. For a process on its own the
pieces are the micro-batches themselves.
"""

from __future__ import annotations

from s3n_core.system.distributed import Team


def shares(start: int, stop: int, micro: int, team: Team) -> list[range]:
    """Cut ``start`` ... ``stop`` into pieces of at most ``micro`` images a member.

    Args:
        start: First place in a list of images.
        stop: The place behind the last.
        micro: Most images that a member holds at once.
        team: The processes at work.

    Returns:
        This member's places, a range for each micro-batch.
    """
    pieces: list[range] = []
    for begin in range(start, stop, micro * team.size):
        count = min(micro * team.size, stop - begin)
        first, last = (begin + count * rank // team.size for rank in (team.rank, team.rank + 1))
        pieces.append(range(first, last))
    return pieces
