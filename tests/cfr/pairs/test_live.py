"""Pairs on the fly: of the stored photos and coefficients, with rotations of the seed."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cfr.camera import Camera
from cfr.coefficients import WrongFaceModel
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.pairs.folder import PairFolder
from cfr.pairs.live import LivePairs
from cfr.pairs.making import pair_rng
from cfr.pairs.pictures import pictures_of
from cfr.pairs.shards import MadePair
from cfr.pairs.swap import SwapPairs, draw_rotations, make_pairs
from cfr.pairs.types import PairPictures, PairSource
from cfr.parsing.from_model import ModelParser
from cfr.pictures import to_float, to_uint8
from cfr.render.shading import render
from protocols.errors import BadInput

SIZE = 64
PARTS = ("damaged", "guide", "photo", "mask", "face")


class Blind(ModelParser):
    """The same labels under another name."""

    @property
    def name(self) -> str:
        return "blind"


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory,
    model: MorphableModel,
    write_folder: Callable[..., Path],
) -> Path:
    """Two people before grey, one with a blue patch on the cheek, as pairs."""
    faces = model.layout().zeros(2)
    faces.identity[1, :5] = 1.0
    faces.rotation[1, 1] = 0.3
    image, covered = render(reconstruct(model, faces), Camera().resized(SIZE))
    photo = torch.where(covered[:, None], image.clamp(0, 1), 0.5)
    photo[0, :, 32:48, 20:32] = torch.tensor([0.1, 0.2, 0.9]).view(3, 1, 1)
    crops = to_float(to_uint8(photo))
    rotation = draw_rotations(faces.rotation, [pair_rng(0, source, 0) for source in (0, 1)])
    made = pictures_of(make_pairs(model, crops, faces, rotation))
    degrees = rotation.double().rad2deg().tolist()
    pairs = [
        MadePair(one, f"{at:05d}", at, f"{at}.png", "0" * 64, (turn[0], turn[1], turn[2]))
        for at, (one, turn) in enumerate(zip(made, degrees, strict=True))
    ]
    return write_folder(tmp_path_factory.mktemp("live") / "pairs", model, [(pairs, faces)])


@pytest.fixture(scope="module")
def live(written: Path, model: MorphableModel) -> LivePairs:
    return LivePairs(PairFolder(written), model)


def same(one: PairPictures, other: PairPictures) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in PARTS)


def test_the_same_seed_is_the_same_pair(live: LivePairs) -> None:
    assert isinstance(live, PairSource)
    assert (len(live), live.size, live.sources.tolist()) == (2, SIZE, [0, 1])
    first = live.read(0, 7)
    assert same(first, live.read(0, 7))
    other = live.read(0, 8)
    assert not np.array_equal(first.damaged, other.damaged)
    assert np.array_equal(first.photo, other.photo)
    assert np.array_equal(first.photo, live.folder.read(0).photo)


def test_in_another_process_it_is_the_same(live: LivePairs) -> None:
    again = pickle.loads(pickle.dumps(live))
    assert same(again.read(1, 3), live.read(1, 3))
    assert again.digest == live.digest != live.folder.digest


def test_each_index_has_a_rotation_of_its_own(live: LivePairs) -> None:
    rotation = live.make([0, 1, 0], [5, 5, 5]).rotation
    assert torch.equal(rotation[0], rotation[2])
    assert (rotation[0] - rotation[1]).abs().min() > 0


def test_the_stored_pairs_are_made_again(live: LivePairs) -> None:
    found = pictures_of(live.as_written([0, 1]))
    for index, one in enumerate(found):
        assert same(one, live.folder.read(index))


def test_together_they_are_as_alone(live: LivePairs) -> None:
    together = pictures_of(live.make([1, 0], [4, 9]))
    for index, seed, one in zip((1, 0), (4, 9), together, strict=True):
        alone = live.read(index, seed)
        apart = np.abs(one.damaged.astype(int) - alone.damaged)
        assert (apart > 1).mean() < 1e-3


def test_the_settings_of_the_folder_count(written: Path, model: MorphableModel) -> None:
    folder = PairFolder(written)
    settings = replace(folder.about.settings, swap=False, preset="paper")
    folder.about = replace(folder.about, settings=settings)
    plain = LivePairs(folder, model).make([0], [1])
    assert isinstance(plain, SwapPairs)
    assert torch.equal(plain.guide, plain.estimated)
    assert set(plain.target.unique().tolist()) <= {0.0, 1.0}


def test_another_model_or_parser_is_refused(
    written: Path, model: MorphableModel, small_model: MorphableModel
) -> None:
    folder = PairFolder(written)
    with pytest.raises(WrongFaceModel, match="made with face model"):
        LivePairs(folder, small_model)
    with pytest.raises(BadInput, match=r"parser: expected the parser at hand \(method blind\)"):
        LivePairs(folder, model, Blind())
