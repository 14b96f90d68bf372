from collections.abc import Callable, Iterable, Iterator

import pytest

from s3n_core.evaluation.precision_verdict import (
    ROUNDS,
    TimeComparison,
    compare_times,
    few_images_text,
    least_images,
    tuning_text,
    verdict,
    verdict_line,
)
from s3n_core.models.tuned_precisions import TunedPrecision


class Work:
    """Seconds that pass on its clock while a precision runs: for float32 one an image, for the other these, in turn."""

    def __init__(self, mixed: Iterable[float]) -> None:
        self.now = 0.0
        self.mixed: Iterator[float] = iter(mixed)
        self.images: list[int] = []
        self.order: list[str] = []

    def compare(self, images: int = 8, progress: Callable[[int, int], None] | None = None) -> TimeComparison:
        return compare_times(self._run, images, clock=lambda: self.now, progress=progress)

    def _run(self, precision: str, images: int) -> None:
        self.now += images * (1.0 if precision == "float32" else next(self.mixed))
        self.order.append(precision)
        if precision != "float32":
            self.images.append(images)


def tuned(*, faster: bool, mixed: float = 0.5, same: int = 0, images: int = 0) -> TunedPrecision:
    return TunedPrecision(
        precision=verdict(faster, same, images),
        model="0123456789abcdef",
        name="birds-1",
        processor="a processor",
        torch="2.15.0",
        date="2026-11-29",
        float32_seconds=1.0,
        mixed_seconds=mixed,
        rounds=ROUNDS,
        faster=faster,
        split="all",
        images=images,
        same=same,
    )


def test_nine_times_slower_is_known_from_one_image_and_one_counted_round() -> None:
    work = Work([5.5, 9.0])
    assert work.compare() == TimeComparison(1.0, 9.0, faster=False, rounds=1)
    assert work.images == [1, 1]


def test_far_slower_is_known_from_the_very_first_round() -> None:
    work = Work([6.0])
    assert work.compare() == TimeComparison(1.0, 6.0, faster=False, rounds=1)
    assert work.images == [1]


def test_twice_slower_is_known_from_two_counted_rounds_of_one_image() -> None:
    work = Work([5.5, 2.0, 2.0])
    assert work.compare() == TimeComparison(1.0, 2.0, faster=False, rounds=2)
    assert work.images == [1, 1, 1]


def test_a_little_slower_is_known_after_three_rounds_of_the_batch() -> None:
    work = Work([1.25] * 7)
    assert work.compare() == TimeComparison(1.0, 1.25, faster=False, rounds=3)
    assert work.images == [1, 1, 1, 8, 8, 8, 8]


def test_faster_needs_all_but_one_of_the_rounds_beyond_the_margin() -> None:
    first = [0.75] * 4
    assert Work([*first, *[0.75] * 8, 1.4]).compare() == TimeComparison(1.0, 0.75, faster=True, rounds=ROUNDS)
    assert not Work([*first, *[0.75] * 7, 1.4, 1.0]).compare().faster
    assert not Work([*first, *[0.96] * 9]).compare().faster


def test_the_order_alternates_so_that_neither_is_always_first() -> None:
    work = Work([0.75] * 13)
    work.compare()
    firsts = work.order[::2]
    assert firsts[::2] == ["float32+bfloat16"] * 7
    assert firsts[1::2] == ["float32"] * 6


@pytest.mark.parametrize("mixed", [[9.0] * 2, [0.75] * 13])
def test_progress_ends_at_its_total(mixed: list[float]) -> None:
    said: list[tuple[int, int]] = []
    Work(mixed).compare(progress=lambda done, total: said.append((done, total)))
    assert [done for done, _ in said] == sorted(done for done, _ in said)
    assert said[-1] == (13, 13)


def test_it_is_chosen_only_if_it_is_faster_and_surely_agrees() -> None:
    assert least_images() == 765
    assert verdict(True, 765, 765) == "float32+bfloat16"
    assert verdict(True, 764, 764) == "float32"
    assert verdict(True, 764, 765) == "float32"
    assert verdict(False, 5000, 5000) == "float32"
    assert verdict(True, 0, 0) == "float32"


def test_too_few_images_are_named_with_the_number_that_is_needed() -> None:
    assert "at least 765" in few_images_text(764)
    assert few_images_text(765) == ""


def test_the_result_is_said_in_sentences() -> None:
    slower = tuning_text(tuned(faster=False, mixed=9.1))
    assert "9.10 times slower" in slower
    assert "auto now uses float32 for this model" in slower
    assert "not reliably faster" in tuning_text(tuned(faster=False, mixed=0.97))
    chosen = tuning_text(tuned(faster=True, same=5790, images=5794))
    assert "2.00 times as fast" in chosen
    assert "5,790 of 5,794 (99.9 %, 99.8 to 100.0) images" in chosen
    assert "auto now uses float32+bfloat16" in chosen
    assert "must reach 99.5 %" in tuning_text(tuned(faster=True, same=900, images=1000))
    assert "at least 765" in tuning_text(tuned(faster=True, same=30, images=30))
    assert verdict_line(tuned(faster=False, mixed=9.1)).startswith(
        "birds-1: float32. float32+bfloat16 is 9.10 times slower"
    )
