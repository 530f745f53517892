"""Stages are made in order, once, on several processes; what stops a run costs one stage."""

import io
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console

from protocols.errors import BadInput
from results.reproducing.stages import Site, Stage
from results.reproducing.workshop import Workshop, in_order


def write(name: str, site: Site) -> None:
    """What the stages it is made from hold, and its name; counts how often it was made."""
    parts = [(need / "text").read_text() for need in site.needs]
    with site.show("writing", 1) as advance:
        (site.folder / "text").write_text("+".join([*parts, name]))
        advance(1)
    tally = site.folder.parent.parent / "tally"
    with tally.open("a") as file:
        file.write(f"{name}\n")


def fail(site: Site) -> None:
    (site.folder / "half").write_text("half")
    raise BadInput(site.folder, "", "something", "nothing")


def stage(name: str, *needs: Stage, many: bool = False) -> Stage:
    return Stage(
        title=name,
        config={"name": name},
        make=partial(write, name),
        seconds=1.0,
        modules=("results.cache.canonical",),
        packages=(),
        needs=needs,
        many=many,
    )


SET = stage("set", many=True)
MORE = stage("more", SET, many=True)
TRAININGS = tuple(stage(f"training {number}", MORE) for number in range(3))


def shop(base: Path) -> tuple[Workshop, io.StringIO]:
    told = io.StringIO()
    return Workshop(base, 2, Console(file=told, width=200)), told


def test_what_is_needed_comes_first_and_once() -> None:
    assert in_order(TRAININGS) == [SET, MORE, *TRAININGS]


def test_all_are_made_once(tmp_path: Path) -> None:
    base = tmp_path / "stages"
    workshop, told = shop(base)
    assert workshop.make(TRAININGS) == 5
    for number, one in enumerate(TRAININGS):
        text = (one.folder(base) / "text").read_text()
        assert text == f"set+more+training {number}"
    assert workshop.make(TRAININGS) == 0
    assert len((tmp_path / "tally").read_text().splitlines()) == 5
    assert "5 of 5 stages are to be made" in told.getvalue()
    assert all(f"made training {number} in" in told.getvalue() for number in range(3))


def test_a_failure_leaves_what_was_finished(tmp_path: Path) -> None:
    base = tmp_path / "stages"
    workshop, _ = shop(base)
    broken = Stage(
        title="broken",
        config={},
        make=fail,
        seconds=1.0,
        modules=("results.cache.canonical",),
        packages=(),
        needs=(SET,),
    )
    with pytest.raises(BadInput, match="expected something"):
        workshop.make([broken])
    assert SET.is_made(base)
    assert not broken.is_made(base)
    assert workshop.make([SET]) == 0


def test_a_damaged_stage_is_told_and_made_anew(tmp_path: Path) -> None:
    base = tmp_path / "stages"
    workshop, told = shop(base)
    workshop.make([MORE])
    (SET.folder(base) / "text").write_text("spoilt")
    assert workshop.make([MORE]) == 1
    assert (SET.folder(base) / "text").read_text() == "set"
    assert "text: expected 3 bytes, as it was made, found 6 bytes" in told.getvalue()
    assert "set aside as set-" in told.getvalue()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    workshop, _ = shop(tmp_path)
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(BadInput, match="no other run writes to"),
    ):
        workshop.make([SET])
    assert workshop.make([SET]) == 1
