"""The same bytes whoever draws them, whatever stopped a run; and what is refused."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protocols.errors import BadInput, BadOption
from results.alone import alone
from results.export.work import no_bar
from results.synthetic import casia
from results.synthetic.making import make_synthetic
from results.synthetic.options import MakeSynthetic

pytestmark = pytest.mark.usefixtures("smaller")


class Stopped(Exception):
    pass


@contextmanager
def stopping(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that ends the run once a block is done."""

    def advance(count: int) -> None:
        if count:
            raise Stopped

    yield advance


def tree(root: Path) -> dict[str, str]:
    """Every file's digest."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_a_stopped_run_goes_on_and_two_processes_do_the_same(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    config = MakeSynthetic(out, sets=("lfw",), jobs=1)
    with pytest.raises(Stopped):
        make_synthetic(config, stopping)
    root = out / "lfw"
    done = {path: path.stat().st_mtime_ns for path in root.rglob("*.jpg")}
    assert len(done) == 32
    assert not (root / "pairs.txt").exists()
    (root / ".work" / "000009.npz.part").write_bytes(b"half")
    (root / "lfw-deepfunneled" / "Made_Up_00019" / "Made_Up_00019_0002.jpg").write_bytes(b"half")
    (made,) = make_synthetic(MakeSynthetic(out, sets=("lfw",), jobs=2), no_bar)
    assert (made.photos, made.people) == (40, 20)
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    assert tree(root) == tree(world / "lfw")
    (again,) = make_synthetic(config, no_bar)
    assert again.seconds is None


def test_two_processes_draw_the_same_bytes(world: Path, tmp_path: Path) -> None:
    config = MakeSynthetic(tmp_path / "two", sets=("aflw2000", "casia"), jobs=2)
    make_synthetic(config, no_bar)
    for name in config.sets:
        assert tree(config.out / name) == tree(world / name)


def test_a_run_that_was_stopped_while_packing_goes_on(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = MakeSynthetic(tmp_path / "out", sets=("casia",), jobs=1)

    def fail(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(casia, "write_counts", fail)
        with pytest.raises(Stopped):
            make_synthetic(config, no_bar)
    assert (config.out / "casia" / "train.rec").is_file()
    make_synthetic(config, no_bar)
    assert tree(config.out / "casia") == tree(world / "casia")


def test_another_seed_is_another_world(world: Path, tmp_path: Path) -> None:
    make_synthetic(MakeSynthetic(tmp_path / "out", sets=("casia",), seed=1, jobs=1), no_bar)
    ours, theirs = tree(tmp_path / "out" / "casia"), tree(world / "casia")
    pictures = [name for name in ours if name.endswith(".jpg")]
    assert pictures
    assert not any(ours[name] == theirs[name] for name in pictures)


def test_other_options_in_the_same_folder_are_refused(world: Path, tmp_path: Path) -> None:
    before = tree(world)
    with pytest.raises(BadInput, match=r"synthetic\.json.*seed"):
        make_synthetic(MakeSynthetic(world, seed=5), no_bar)
    with pytest.raises(BadInput, match=r"synthetic\.json.*scale"):
        make_synthetic(MakeSynthetic(world, scale="mini"), no_bar)
    assert tree(world) == before
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"an empty folder.*mine\.txt"):
        make_synthetic(MakeSynthetic(tmp_path), no_bar)


@pytest.mark.parametrize("text", ["", "[]", '{"seed": 1}', "\x00"])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "synthetic.json").write_text(text)
    with pytest.raises(BadInput, match="JSON as make_synthetic"):
        make_synthetic(MakeSynthetic(tmp_path), no_bar)


def test_two_runs_at_a_time_are_refused(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(BadInput, match="no other run"):
        make_synthetic(MakeSynthetic(tmp_path), no_bar)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"seed": -1}, "--seed -1: expected at least 0"),
        ({"jobs": -2}, "--jobs -2"),
        ({"sets": ()}, "--sets"),
        ({"sets": ("lfw", "lfw")}, "--sets lfw lfw"),
    ],
)
def test_bad_options_are_refused(tmp_path: Path, options: dict, told: str) -> None:
    with pytest.raises(BadOption, match=told):
        MakeSynthetic(tmp_path, **options)
