"""The stopwatch, not the speed: no test asserts a time."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cfr.gan.generator import Generator, GeneratorSize
from results.bench import rasterizing, restoring, scoring, synthesizing
from results.bench.augmenting import time_augmenting
from results.bench.loading import time_loading
from results.bench.pairing import time_making
from results.bench.rasterizing import peak_memory_apart
from results.bench.subjects import SUBJECTS
from results.bench.timing import Quality, Timing, python_process, time_pairs
from results.bench.worlds import Size, make_world

SMALL = Size("IJB-C", images=900, templates=120, gallery=30, pairs=1500, genuine=80)


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


def test_the_augment_subject_runs() -> None:
    """Its first way, on two pictures."""
    timing = next(time_augmenting(1, faces=2))
    assert timing.subject == "a version, render"
    assert timing.seconds > 0
    assert "a second of one core" in timing.note


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
    assert batch.ratio > 0
    assert backward.seconds > 0


def test_a_made_up_world_has_the_counts_that_were_asked_for() -> None:
    world = make_world(SMALL)
    assert (len(world.template), len(world.left)) == (SMALL.images, SMALL.pairs)
    assert world.genuine.sum() == SMALL.genuine
    assert set(world.template.tolist()) == set(range(SMALL.templates))
    assert len(set(zip(world.left.tolist(), world.right.tolist(), strict=True))) == SMALL.pairs
    assert world.left.max() < SMALL.gallery <= world.right.min()


def test_the_score_subject_agrees_with_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scores, rates and ranks as the loops, on a small world."""
    monkeypatch.setattr(scoring, "_SIZES", {"IJB-C": SMALL})
    monkeypatch.setattr(scoring, "_memory", lambda size: f"memory of {size}")
    pairs, search = scoring.time_scoring(1)
    assert pairs.reference == scoring.LOOP
    assert "TAR within 0e+00" in pairs.note
    assert "memory of IJB-C" in pairs.note
    assert float(pairs.note.split("scores within ")[1].split(",")[0]) < 1e-6
    assert search.note == "the same rank for 100.000 % of 90 probes"


def test_the_memory_of_scoring_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_SIZES", {"IJB-C": SMALL})
    found = scoring.peak_over_embeddings("IJB-C")
    if found is None:
        pytest.skip("this system does not tell a process's peak memory")
    assert found > 0


def test_the_restore_subject_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a small generator; it refuses to time a folded one that paints something else."""
    small, ratio = GeneratorSize(2, 1), "times as fast (bar 1.2), within"
    monkeypatch.setattr(restoring, "MINI", small)
    folded, fitted, asked, *_ = restoring.time_restoring(1, small, side=32)
    assert ratio in folded.note
    assert "ms an image (bar 100)" in fitted.note
    assert fitted.subject.endswith("by fit")
    assert asked.subject.endswith("by regressor")
    monkeypatch.setattr(restoring, "for_inference", lambda net: Generator(net.size).eval())
    with pytest.raises(RuntimeError, match="paints another picture"):
        next(restoring.time_restoring(1, small, side=32))


def test_the_load_subject_reads_what_it_wrote() -> None:
    (timing,) = time_loading(1, SMALL)
    assert timing.note.endswith("the same pairs: yes")
    assert timing.subject.startswith("metadata of IJB-C")


def test_the_pairs_subject_runs() -> None:
    """One photo, small; each row but the one on the fly tells how many pairs a second that is."""
    fitted, regressed, live, *_ = time_making(1, size=48, faces=1)
    assert fitted.note.endswith("bar: ≥ 5 a second on 2 cores")
    assert "pairs a second of one process" in regressed.note
    assert live.subject == "a pair on the fly"
    assert min(fitted.ratio, regressed.ratio, live.ratio) > 0


def test_the_synth_subject_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two photos, and a world too small to learn much from."""
    from results.export.work import no_bar
    from results.synthetic import rafdb
    from results.synthetic.making import make_synthetic
    from results.synthetic.options import MakeSynthetic

    monkeypatch.setattr(synthesizing, "BLOCK", 2)
    monkeypatch.setitem(rafdb.SIZES, "tiny", (12, 8))
    make_synthetic(MakeSynthetic(tmp_path / "world", sets=("rafdb",), jobs=1), no_bar)
    timing, learned, shuffled = SUBJECTS["synth"](tmp_path / "world", 1)
    assert isinstance(timing, Timing)
    assert "photos a second of one process" in timing.note
    for one in (learned, shuffled):
        assert isinstance(one, Quality)
        assert one.value is not None
        assert 0 <= one.value <= 100
        assert one.n == 8


def test_the_train_recognizer_subject_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from recognizers.training.presets import PRESETS, NetworkSize
    from results.bench import recognizer_training
    from results.bench.made_up_people import MadeUpPeople

    small = NetworkSize(width=2, size=32, dimension=8)
    for name in ("mini", "paper"):
        monkeypatch.setitem(PRESETS, name, replace(PRESETS[name], network=small))
    monkeypatch.setattr(recognizer_training, "_PEOPLE", MadeUpPeople(people=8, photos=4, size=32))
    monkeypatch.setattr(recognizer_training, "_CASIA", 10)
    monkeypatch.setattr(recognizer_training.os, "cpu_count", lambda: 1)
    rows = list(SUBJECTS["train-recognizer"](None, 1))
    count = 512 if torch.cuda.is_available() else 16
    assert [one.subject for one in rows] == [
        "mini: a step of 64",
        "mini: a batch of 64 drawn, 1 processes",
        f"paper: a step of {count}",
        f"paper: a batch of {count} drawn, 1 processes",
    ]
    for step, drawn in (rows[:2], rows[2:]):
        assert isinstance(drawn, Timing)
        assert drawn.reference_seconds == step.seconds  # type: ignore[union-attr]
        assert drawn.ratio == pytest.approx(drawn.seconds / drawn.reference_seconds)
        assert "photos/s from RecordIO" in drawn.note
