"""Painting into the photo: where, how much, and that the rest of it stays as it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.align import Alignment, align_deep3d, five_from_68
from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.frontalizers.deocclusion import blend, soft_share
from cfr.gan.generator import Generator, GeneratorSize, Painted
from cfr.synthetic.scene import Scene


class Flat(Generator):
    """Paints everything in one colour, and calls one rectangle hidden."""

    def __init__(self, rows: slice, sure: float = 1.0) -> None:
        super().__init__(GeneratorSize(1, 0))
        self.rows, self.sure, self.seen = rows, sure, torch.zeros(0)

    def forward(self, damaged: Tensor, guide: Tensor) -> Painted:
        self.seen = damaged
        mask = torch.zeros_like(damaged[:, :1])
        mask[:, :, self.rows] = self.sure
        return Painted(torch.ones_like(damaged) * torch.tensor([1.0, 0, 0])[:, None, None], mask)


def painting(ours: CfrGanFrontalizer, net: Generator) -> CfrGanFrontalizer:
    return replace(ours, painter=replace(ours.painter, net=net))


def test_nothing_outside_the_mask_changes(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    """Byte for byte; within it, the middle is the generator's and the edge is mixed."""
    scene = faces[0]
    before = scene.photo.copy()
    found = painting(ours, Flat(slice(30, 50))).deocclude(scene.photo, scene.points)
    assert np.array_equal(scene.photo, before)
    assert found.photo.shape == scene.photo.shape
    assert np.array_equal(found.photo[~found.mask], scene.photo[~found.mask])
    assert 0.02 < found.mask.mean() < 0.5
    whole = found.share == 1
    assert whole.any()
    assert (found.photo[whole] == (255, 0, 0)).all()
    part = found.mask & ~whole
    expected = found.share[part, None] * (255, 0, 0) + (1 - found.share[part, None]) * before[part]
    assert np.abs(found.photo[part] - expected).max() <= 0.5 + 1e-3
    # Rows 30 to 50 of 64 of the crop are what is hidden.
    alignment = align_deep3d(five_from_68(scene.points), 64)
    rows = alignment.to_crop(np.argwhere(found.share > 0.9)[:, ::-1].astype(float))[:, 1]
    assert 26 < rows.min() < 33
    assert 47 < rows.max() < 53


def test_a_clear_face_is_left_alone(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    for net in (Flat(slice(0, 0)), Flat(slice(None), sure=0.49)):
        found = painting(ours, net).deocclude(faces[0].photo, faces[0].points)
        assert not found.mask.any()
        assert np.array_equal(found.photo, faces[0].photo)


def test_a_hidden_face_is_painted_and_its_background_is_not(
    ours: CfrGanFrontalizer, faces: list[Scene]
) -> None:
    scene = faces[1]
    found = painting(ours, Flat(slice(None))).deocclude(scene.photo, scene.points)
    at = np.round(scene.points[[30, 33, 51, 62]]).astype(int)
    assert (found.photo[at[:, 1], at[:, 0]] == (255, 0, 0)).all()
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert not found.mask[corner]


def test_the_pose_is_the_photos_own(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    """Whatever pose results are wanted in: R_p lies where the face is in the crop."""
    net = Flat(slice(0, 0))
    scene = faces[2]
    posed = replace(painting(ours, net), yaw=1.0, pitch=-0.4)
    posed.deocclude(scene.photo, scene.points)
    projected = (255 * net.seen[0]).permute(1, 2, 0).numpy()
    crop = align_deep3d(five_from_68(scene.points), 64).crop(scene.photo)
    shown = projected.any(2)
    assert 0.1 < shown.mean() < 0.7
    inner = shown.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        inner &= np.roll(shown, step, axis)
    assert np.abs(projected - crop)[inner].mean() < 6


def test_both_at_once_are_both(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    look, found = ours.look_and_deocclude(faces[0].photo, faces[0].points)
    apart = ours.deocclude(faces[0].photo, faces[0].points)
    assert np.array_equal(found.photo, apart.photo)
    alone = ours.restore(faces[0].photo, faces[0].points)
    assert np.array_equal(look.restored.image, alone.image)


def test_a_share_has_soft_edges_within_the_face() -> None:
    face = np.zeros((112, 112), bool)
    face[10:100, 20:90] = True
    hidden = np.zeros_like(face)
    hidden[50:110, 40:70] = True
    share = soft_share(hidden, face)
    assert not share[~face].any()
    assert (share[60:90, 40:70] == 255).all()
    row = share[70].astype(int)
    assert 0 < row[38] < 255
    assert not row[30:35].any()
    assert (np.diff(row[30:55]) >= 0).all()
    column = share[:, 55].astype(int)
    assert 0 < column[98] < 255
    assert (np.diff(column[80:]) <= 0).all()
    assert not soft_share(np.zeros_like(face), face).any()


@pytest.mark.parametrize("share", [0, 255])
def test_masks_of_nothing_and_of_everything(share: int) -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (50, 60, 3), np.uint8)
    painted = rng.integers(0, 256, (20, 20, 3), np.uint8)
    alignment = Alignment(np.array([[1.0, 0, -12], [0, 1.0, -7]]), 20)
    found = blend(photo, painted, np.full((20, 20), share, np.uint8), alignment)
    expected = photo.copy()
    if share:
        expected[7:27, 12:32] = painted
    assert np.array_equal(found.photo, expected)
    assert found.mask.sum() == (400 if share else 0)


def test_a_crop_may_reach_out_of_the_photo() -> None:
    photo, painted = np.zeros((20, 20, 3), np.uint8), np.full((16, 16, 3), 200, np.uint8)
    for shift in (10.0, -14.0, 40.0):
        alignment = Alignment(np.array([[1.0, 0, shift], [0, 1.0, shift]]), 16)
        found = blend(photo, painted, np.full((16, 16), 255, np.uint8), alignment)
        assert found.photo.shape == photo.shape
        assert (found.photo[found.mask] == 200).all()
        assert found.mask.sum() == max(0, 16 - abs(shift) if shift > 0 else 20 + shift) ** 2
