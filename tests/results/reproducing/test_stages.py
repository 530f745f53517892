"""A stage is there wholly or not at all, and is made anew when anything that decides it changes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.errors import BadInput
from results.reproducing.stages import ABOUT, Given, Site, Stage


def write(site: Site) -> None:
    (site.folder / "made.txt").write_text("content")
    (site.folder / "below").mkdir(exist_ok=True)
    (site.folder / "below/more.txt").write_text("more")


STAGE = Stage(
    title="A stage: of Ours",
    config={"what": "test", "seed": 0},
    make=write,
    seconds=1.0,
    modules=("results.cache.canonical",),
    packages=("numpy",),
)


def made(stage: Stage, base: Path) -> Path:
    folder = stage.folder(base)
    folder.mkdir(parents=True)
    stage.make(Site(folder, (), lambda *_: pytest.fail("no bar"), 1))
    stage.finish(base)
    return folder


def test_it_is_there_when_it_is_finished(tmp_path: Path) -> None:
    assert not STAGE.is_made(tmp_path)
    folder = STAGE.folder(tmp_path)
    assert folder.name == f"a-stage-of-ours-{STAGE.key[:12]}"
    folder.mkdir()
    write(Site(folder, (), lambda *_: pytest.fail("no bar"), 1))
    assert not STAGE.is_made(tmp_path)  # half-made: all but the last word
    STAGE.finish(tmp_path)
    assert STAGE.is_made(tmp_path)
    about = json.loads((folder / ABOUT).read_bytes())
    assert about["files"] == {"below/more.txt": 4, "made.txt": 7}
    assert about["config"] == {"what": "test", "seed": 0}


def test_anything_that_decides_it_moves_the_key(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(b"one")
    others = [
        replace(STAGE, config={"what": "test", "seed": 1}),
        replace(STAGE, modules=("results.cache.durable",)),
        replace(STAGE, packages=("scipy",)),
        replace(STAGE, needs=(STAGE,)),
        replace(STAGE, needs=(replace(STAGE, config={"what": "other"}),)),
        replace(STAGE, files=(weights,)),
    ]
    keys = [one.key for one in others]
    weights.write_bytes(b"two")
    keys.append(replace(STAGE, files=(weights,)).key)
    assert len({STAGE.key, *keys}) == len(keys) + 1
    assert replace(STAGE, title="another", seconds=5.0).key == STAGE.key


@pytest.mark.parametrize("harm", ["cut", "removed", "added"])
def test_what_was_changed_since_is_told(tmp_path: Path, harm: str) -> None:
    folder = made(STAGE, tmp_path)
    if harm == "cut":
        (folder / "made.txt").write_text("cont")
    elif harm == "removed":
        (folder / "below/more.txt").unlink()
    else:
        (folder / "new.txt").write_text("x")
    told = {
        "cut": "made.txt: expected 7 bytes, as it was made, found 4 bytes",
        "removed": "below/more.txt: expected 4 bytes, as it was made, found no such file",
        "added": "new.txt: expected no such file, as it was made, found 1 bytes",
    }[harm]
    with pytest.raises(BadInput, match=told):
        STAGE.is_made(tmp_path)
    assert STAGE.set_aside(tmp_path).name.endswith(".damaged")
    assert not STAGE.is_made(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": "0", "files": {}}', '{"files": {}}'])
def test_a_broken_last_word_is_told(tmp_path: Path, text: str) -> None:
    folder = made(STAGE, tmp_path)
    (folder / ABOUT).write_text(text)
    with pytest.raises(BadInput, match=ABOUT):
        STAGE.is_made(tmp_path)


def test_what_is_set_aside_takes_nobodys_place(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        made(STAGE, tmp_path)
        names.append(STAGE.set_aside(tmp_path).name)
    assert len(set(names)) == 3


def test_given_data_are_known_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/pairs.txt").write_text("a b")
    key = Given(tmp_path).key
    assert Given(tmp_path).key == key
    assert Given(tmp_path).folder(Path("anywhere")) == tmp_path
    (tmp_path / "lists/pairs.txt").write_text("a b c")
    assert Given(tmp_path).key != key
