"""The stopwatch, not the speed: no test asserts a time."""

import pytest

from results.bench import rasterizing
from results.bench.rasterizing import peak_memory_apart
from results.bench.subjects import SUBJECTS
from results.bench.timing import Timing, python_process, time_pairs


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
    assert isinstance(timing, Timing)
    assert timing.reference == "scipy.stats.bootstrap"


def test_an_image_takes_little_memory() -> None:
    """The bar is 60 MB an image at 224²: 71,442 small triangles, or 300 that fill the image."""
    risen = peak_memory_apart(4)
    if risen is None:
        pytest.skip("this system does not tell a process's peak memory")
    assert 0 < risen / 4 < 60
    large = peak_memory_apart(1, screens=300)
    assert large is not None
    assert large < 60


def test_the_render_subject_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small mesh and against the oracle, so that it takes a moment."""
    monkeypatch.setattr(rasterizing.pytorch3d, "available", lambda: False)
    alone, batch, backward, *_ = rasterizing.time_rasterizer(1, side=20)
    assert "PyTorch3D is not installed" in alone.reference
    assert alone.note.startswith("same triangle at 100.000 % of the pixels; ")
    assert 0 < batch.ratio < 1
    assert backward.seconds > 0
