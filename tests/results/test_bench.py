"""The stopwatch, not the speed: no test asserts a time."""

from results.bench.subjects import SUBJECTS
from results.bench.timing import python_process, time_pairs


def test_pairs_alternate_after_a_warm_up() -> None:
    calls = []
    timing = time_pairs("a", lambda: calls.append("a"), "b", lambda: calls.append("b"), repeats=3)
    assert calls == ["a", "b"] * 4
    assert timing.repeats == 3
    assert timing.seconds >= 0
    assert timing.ratio > 0


def test_a_process_runs_in_the_checkout() -> None:
    python_process("-c", "import pathlib; assert pathlib.Path('pyproject.toml').is_file()")()


def test_the_bootstrap_subject_runs() -> None:
    (timing,) = SUBJECTS["bootstrap"](None, 1)
    assert timing.reference == "scipy.stats.bootstrap"
