"""Pairs of photos on disk: the same bytes however often a run is interrupted, and nothing else."""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from cfr.morphable.sources import load_model
from cfr.pairs.folder import PairFolder
from cfr.pairs.live import LivePairs
from cfr.pairs.pictures import pictures_of
from cfr.pairs.shards import shard_name
from cfr.regressor.network import MINI, build
from cfr.regressor.weights import save
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.images import save_image
from results import making_pairs
from results.export.work import no_bar
from results.faces_to_pair import ShardReport
from results.figures.stages import draw_stages
from results.making_pairs import MadePairs, MakePairs, make_pairs_of
from results.pair_orders import PairOrder, PhotoBlock
from results.pair_renders import RENDERED

GOOD, SIZE, EACH = 4, 64, 2
"""Photos with a face, beside one without and one with points of no face; pixels; rotations."""
NONE, STRANGE = "b-none.png", "z-strange.png"


@dataclass(frozen=True)
class World:
    """A folder of photos with their points, and pairs that were made without an interruption."""

    photos: Path
    points: Path
    config: MakePairs
    made: MadePairs


@pytest.fixture(autouse=True)
def two_photos_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_pairs, "PHOTOS_A_SHARD", 2)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("pairs")
    photos, points = root / "photos", root / "points.csv"
    write_photos(photos, points)
    config = MakePairs(
        photos,
        root / "whole",
        size=SIZE,
        each=EACH,
        seed=5,
        jobs=1,
        device="cpu",
        landmarks="sidecar",
        landmarks_root=points,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making_pairs, "PHOTOS_A_SHARD", 2)
        yield World(photos, points, config, make_pairs_of(config, no_bar))


def write_photos(folder: Path, points: Path) -> None:
    model = load_model("builtin")
    sampler = IdentitySampler(model)
    people = [sampler.draw(seed) for seed in range(GOOD)]
    scenes = draw_scenes(model, people, list(range(GOOD)), SceneSettings(size=112))
    (folder / "deep").mkdir(parents=True)
    with points.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", *(f"{axis}{i}" for i in range(1, 69) for axis in "xy")])
        for index, scene in enumerate(scenes):
            name = f"deep/p{index}.png" if index % 2 else f"p{index}.png"
            save_image(folder / name, scene.photo)
            rows.writerow([name, *scene.points.ravel().tolist()])
        save_image(folder / NONE, scenes[0].photo)
        save_image(folder / STRANGE, scenes[0].photo)
        mixed = np.random.default_rng(0).permutation(scenes[0].points)
        rows.writerow([STRANGE, *mixed.ravel().tolist()])


def contents(out: Path) -> dict[str, bytes]:
    files = (one for one in out.rglob("*") if one.is_file() and one.name != ".lock")
    return {one.relative_to(out).as_posix(): one.read_bytes() for one in files}


def test_pairs_are_made_and_what_is_left_out_is_counted(world: World) -> None:
    made, found = world.made, PairFolder(world.config.out)
    assert (made.pairs, made.photos, len(found)) == (GOOD * EACH, GOOD + 2, GOOD * EACH)
    assert made.left_out[NONE] == "no face was found"
    assert "the fit misses the points by" in made.left_out[STRANGE]
    assert found.about.left_out == made.left_out
    assert any("4 photos; 2 left out" in line for line in made.sentences())
    # Sorted part by part: b-none, deep/p1, deep/p3, p0, p2, z-strange.
    assert found.sources.tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    photos = [found.record(index).photo for index in range(0, len(found), EACH)]
    assert photos == ["deep/p1.png", "deep/p3.png", "p0.png", "p2.png"]
    assert found.record(0).rotation_degrees != found.record(1).rotation_degrees
    one = found.read(0)
    assert (one.face & (one.mask > 0)).any()
    assert not one.mask[~one.face].any()
    with Image.open(made.stages) as picture:
        assert picture.width > picture.height


def test_occluders_and_made_up_people_are_the_same_in_any_number_of_processes(
    world: World, tmp_path: Path
) -> None:
    config = replace(
        world.config, out=tmp_path / "one", occluded=0.7, occluders=("hand", "mask"), renders=2
    )
    made = make_pairs_of(config, no_bar)
    assert (made.pairs, made.photos) == ((GOOD + 2) * EACH, GOOD + 4)
    again = replace(config, out=tmp_path / "two", jobs=2)
    make_pairs_of(again, no_bar)
    assert contents(config.out) == contents(again.out)
    plain, found = PairFolder(world.config.out), PairFolder(config.out)
    assert found.about.settings.added == {
        "occluders": "0.7 of pairs: hand, mask",
        "renders": f"2 people, {RENDERED!r}",
    }
    layout = load_model("builtin").layout()
    own, clean = (layout.join(one.coefficients(layout)) for one in (found, plain))
    changed = []
    for index in range(len(plain)):
        one, other = found.read(index), plain.read(index)
        assert np.array_equal(one.photo, other.photo)
        changed.append(not np.array_equal(one.damaged, other.damaged))
        assert torch.equal(own[index], clean[index]) != changed[-1]  # fitted anew behind it
    assert 0 < sum(changed) < len(plain)
    assert found.record(len(found) - 1).photo == "renders/000001"
    with pytest.raises(BadInput, match="pairs without drawn occluders"):
        LivePairs(found, load_model("builtin"))
    with pytest.raises(BadInput, match="added, occluders"):
        make_pairs_of(replace(config, occluded=0.5), no_bar)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"occluded": 1.5}, "--occluded 1.5: expected 0 to 1"),
        ({"occluders": ("hand", "moon")}, "--occluders hand moon: expected some of hand mask"),
        ({"occluders": ("cutout",)}, "--occluders cutout: expected some of"),
        ({"occluded": 0.1, "coefficients": "x"}, "--occluded 0.1: expected --coefficients fit"),
        ({"renders": -1}, "--renders -1: expected at least 0"),
        ({"renders": 1_000_001}, "--renders 1000001: expected at most 1,000,000"),
    ],
)
def test_occluders_that_no_run_could_draw_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadOption) as caught:
        MakePairs(Path("photos"), Path("out"), **options)
    assert str(caught.value).startswith(told)


def test_the_picture_shows_what_was_written(world: World) -> None:
    """What was drawn for the pairs is drawn again, and recorded in degrees."""
    live = LivePairs(PairFolder(world.config.out), load_model("builtin"))
    assert len(draw_stages(live, rows=2).axes) == 18
    stages = live.as_written(range(len(live)))
    degrees = [live.folder.record(at).rotation_degrees for at in range(len(live))]
    assert np.allclose(np.degrees(stages.rotation.numpy()), degrees, atol=1e-3)
    again = pictures_of(stages)
    apart = [
        np.abs(one.damaged.astype(int) - live.folder.read(at).damaged) > 2
        for at, one in enumerate(again)
    ]
    assert np.mean(apart) < 0.01


def test_pairs_by_rotate_and_render(world: World, tmp_path: Path) -> None:
    """The same format, other content: the guide is the estimated face, the mask what was lost."""
    from cfr.pairs.live import LivePairs

    config = replace(world.config, preset="rotate-and-render", out=tmp_path / "one")
    made = make_pairs_of(config, no_bar)
    assert (made.pairs, made.left_out) == (GOOD * EACH, world.made.left_out)
    found, other = PairFolder(config.out), PairFolder(world.config.out)
    assert found.about.settings.preset == "rotate-and-render"
    for index in range(len(found)):
        one, swapped = found.read(index), other.read(index)
        assert np.array_equal(one.photo, swapped.photo)
        assert not np.array_equal(one.damaged, swapped.damaged)
        assert set(np.unique(one.mask).tolist()) == {0, 255}
        assert not one.mask[~one.face].any()
        assert not one.damaged[~one.face].any()
    live = LivePairs(found, load_model("builtin"))
    for index, one in enumerate(pictures_of(live.as_written(range(len(found))))):
        apart = np.abs(one.damaged.astype(int) - found.read(index).damaged) > 2
        assert apart.mean() < 0.01
    assert not np.array_equal(live.read(0, 1).damaged, live.read(0, 2).damaged)
    assert len(draw_stages(live, rows=2).axes) == 12
    again = replace(config, out=tmp_path / "two")
    make_pairs_of(again, no_bar)
    assert contents(again.out) == contents(config.out)
    with pytest.raises(BadInput, match="preset rotate-and-render before, release now"):
        make_pairs_of(replace(config, preset="release"), no_bar)
    for options in ({"swap": False}, {"parser": "bisenet:x"}, {"occluded": 0.5}):
        with pytest.raises(BadOption, match="with --preset rotate-and-render: expected none"):
            replace(config, **options)


class Killed(BaseException):
    """What no code catches."""


def test_a_killed_run_goes_on_to_the_same_bytes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(world.config, out=tmp_path / "pairs")
    whole = making_pairs.make_pairs_of

    def killed(out: Path, order: PairOrder, block: PhotoBlock) -> ShardReport:
        if block.number == 1:
            (out / ".shard-00001.abc.part").mkdir()
            raise Killed
        return make_shard(out, order, block)

    from results import pair_shards

    make_shard = pair_shards.make_shard
    monkeypatch.setattr(pair_shards, "make_shard", killed)
    with pytest.raises(Killed):
        whole(config, no_bar)
    assert (config.out / shard_name(0)).is_dir()
    with pytest.raises(BadInput, match="an unfinished run"):
        PairFolder(config.out)
    monkeypatch.setattr(pair_shards, "make_shard", make_shard)
    made = whole(replace(config, jobs=2), no_bar)
    assert (made.pairs, made.made) == (GOOD * EACH, (GOOD - 1) * EACH)  # the first shard is kept
    assert contents(config.out) == contents(world.config.out)


def test_a_finished_run_makes_nothing_again(world: World) -> None:
    before = contents(world.config.out)
    made = make_pairs_of(world.config, no_bar)
    assert (made.made, made.pairs) == (0, GOOD * EACH)
    assert contents(world.config.out) == before


def test_changed_options_are_refused_and_named(world: World, tmp_path: Path) -> None:
    config = world.config
    for changed, told in (
        ({"seed": 6}, "seed 5 before, 6 now"),
        ({"swap": False, "each": 1}, "swap True before, False now; each 2 before, 1 now"),
        ({"preset": "paper"}, "preset release before, paper now"),
        ({"landmarks_root": None}, r"landmarks, points.csv [0-9a-f]{64} before, \(absent\) now"),
    ):
        with pytest.raises(BadInput, match=f"begun with .*found {told}"):
            make_pairs_of(replace(config, **changed), no_bar)
    (tmp_path / "list.txt").write_text("p0.png\n")
    with pytest.raises(BadInput, match=r"photos [0-9a-f]{64} before"):
        make_pairs_of(replace(config, list=tmp_path / "list.txt"), no_bar)


def test_other_folders_are_left_alone(world: World, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    config = replace(world.config, out=tmp_path)
    with pytest.raises(BadInput, match=r"expected an empty folder, or pairs, found thesis\.txt"):
        make_pairs_of(config, no_bar)
    assert not (tmp_path / "pairs.json").exists()
    within = replace(world.config, out=world.photos / "deep" / "pairs")
    with pytest.raises(BadOption, match="expected a folder that is not below the photos"):
        make_pairs_of(within, no_bar)
    with FileLock(tmp_path / ".lock"), pytest.raises(BadInput, match="no other run writes to"):
        make_pairs_of(config, no_bar)


def test_without_any_face_nothing_is_finished(world: World, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{NONE}\n")
    config = replace(world.config, out=tmp_path / "pairs", list=tmp_path / "list.txt")
    with pytest.raises(BadInput, match="photos with faces, found none of 1; b-none"):
        make_pairs_of(config, no_bar)
    with pytest.raises(BadInput, match="an unfinished run"):
        PairFolder(config.out)


def test_a_damaged_photo_is_named(world: World, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(world.photos, photos)
    (photos / "p0.png").write_bytes((photos / "p0.png").read_bytes()[:500])
    config = replace(world.config, photos=photos, out=tmp_path / "pairs")
    with pytest.raises(BadInput, match=r"p0\.png: expected a whole picture"):
        make_pairs_of(config, no_bar)


def test_a_regressor_gives_the_coefficients(world: World, tmp_path: Path) -> None:
    """An untrained one says the mean face, whatever the points are: nothing is left out by them."""
    layout = load_model("builtin").layout()
    save(tmp_path / "mean.safetensors", build(MINI, layout, size=SIZE), {})
    config = replace(
        world.config,
        out=tmp_path / "pairs",
        coefficients=str(tmp_path / "mean.safetensors"),
        swap=False,
        preset="paper",
        each=1,
    )
    made = make_pairs_of(config, no_bar)
    assert list(made.left_out) == [NONE]
    found = PairFolder(config.out)
    assert not layout.join(found.coefficients(layout)).any()
    assert set(np.unique(found.read(0).mask)) <= {0, 255}
    assert found.about.settings.coefficients["by"] == "regressor"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size": 20}, "--size 20: expected 32 to 1024 pixels"),
        ({"each": 0}, "--each 0: expected at least 1"),
        ({"seed": -1}, "--seed -1: expected at least 0"),
        ({"jobs": -1}, "--jobs -1: expected at least 0"),
    ],
)
def test_options_that_no_run_could_use(options: dict, told: str) -> None:
    with pytest.raises(BadOption, match=told):
        MakePairs(Path(), Path(), **options)


def test_what_is_absent_is_told_before_any_work(world: World, tmp_path: Path) -> None:
    config = replace(world.config, out=tmp_path / "pairs")
    for changed, kind in (
        ({"photos": tmp_path / "none"}, DatasetUnavailable),
        ({"coefficients": "none.safetensors"}, DatasetUnavailable),
        ({"parser": "bisenet:none.pth"}, DatasetUnavailable),
        ({"parser": "eyes"}, BadOption),
        ({"model": "eyes"}, BadOption),
    ):
        with pytest.raises(kind):
            make_pairs_of(replace(config, **changed), no_bar)
    assert not config.out.exists()
