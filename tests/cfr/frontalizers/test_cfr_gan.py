"""What stands between a photo and the generator, and between it and the result.

The generator is never trained here: either its weights are random, or a stub takes its place.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.align import align_deep3d, five_from_68
from cfr.camera import Camera, place
from cfr.fit import FitSettings
from cfr.frontalizers.cfr_gan import PITCH, CfrGanFrontalizer
from cfr.frontalizers.coefficients import ByFit, ByRegressor
from cfr.frontalizers.regions import hidden_regions
from cfr.frontalizers.render import RenderFrontalizer
from cfr.frontalizers.types import Frontalizer, Recoverer
from cfr.gan.generator import Generator, GeneratorSize, Painted
from cfr.gan.sources import Painter
from cfr.morphable.model import MorphableModel
from cfr.regressor.network import MINI, build
from cfr.synthetic.scene import Scene


class Copier(Generator):
    """Shows what a generator is given: R_p or R_e, and a mask of the left half."""

    def __init__(self, which: int = 0) -> None:
        super().__init__(GeneratorSize(1, 0))
        self.which = which

    def forward(self, damaged: Tensor, guide: Tensor) -> Painted:
        mask = torch.zeros_like(damaged[:, :1])
        mask[..., : mask.shape[-1] // 2] = 0.8
        mask[..., mask.shape[-1] // 2 :] = 0.2
        return Painted((damaged, guide)[self.which], mask)


def copying(ours: CfrGanFrontalizer, which: int = 0) -> CfrGanFrontalizer:
    return replace(ours, painter=replace(ours.painter, net=Copier(which)))


def nose(points: np.ndarray) -> np.ndarray:
    """Where the nose's tip is, seen from between the eyes, in distances of the eyes."""
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    return (points[30] - (left + right) / 2) / np.linalg.norm(right - left)


def test_it_is_a_frontalizer(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    assert isinstance(ours, Frontalizer)
    assert ours.name == "cfr-gan"
    found = ours.restore(faces[0].photo, faces[0].points)
    assert found.image.shape == (64, 64, 3)
    assert found.covered is not None
    assert found.occlusion is not None
    assert found.covered.shape == found.occlusion.shape == (64, 64)
    assert not (found.occlusion & ~found.covered).any()


def test_the_generator_gets_both_renders_in_the_wanted_pose(
    ours: CfrGanFrontalizer, faces: list[Scene], builtin: MorphableModel
) -> None:
    """The same as the network-free frontalizer draws there."""
    render = RenderFrontalizer(builtin, yaw=0.3, pitch=-0.1, size=64)
    expected = render(faces[0].photo, faces[0].points)
    posed = replace(ours, yaw=0.3, pitch=-0.1)
    for which, picture in ((0, expected.projected), (1, expected.estimated)):
        look = copying(posed, which).look(faces[0].photo, faces[0].points)
        difference = np.abs(look.restored.image.astype(int) - picture)
        assert difference.max() <= 1
        assert np.array_equal(look.crop, expected.crop)
        assert np.abs(look.restored.points - expected.points).max() < 1e-3
        assert np.array_equal(look.restored.covered, expected.coverage)  # type: ignore[arg-type]
    look = posed.look(faces[0].photo, faces[0].points)
    assert np.abs(look.projected.astype(int) - expected.projected).max() <= 1
    assert np.abs(look.estimated.astype(int) - expected.estimated).max() <= 1


def test_in_place_the_renders_lie_on_the_photo(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    assert isinstance(ours, Recoverer)
    photos, points = [one.photo for one in faces[:2]], [one.points for one in faces[:2]]
    for which, look in ((0, copying(ours)), (1, copying(ours, 1))):
        for one in look.in_place(photos, points):
            assert np.array_equal(one.painted, (one.projected, one.estimated)[which])
            apart = np.abs(one.projected.astype(int) - one.crop).mean(-1)
            assert apart[one.face].mean() < 3  # R_p in its own pose is the photo
            assert one.face.mean() > 0.2
            assert one.occlusion is not None
            middle = one.face.shape[1] // 2
            assert np.array_equal(one.occlusion[:, : middle - 3], one.face[:, : middle - 3])
            assert not one.occlusion[:, middle + 3 :].any()


def test_without_an_occlusion_path_there_is_no_mask(
    ours: CfrGanFrontalizer, faces: list[Scene]
) -> None:
    plain = Generator(GeneratorSize(1, 0, occlusion_path=False)).eval()
    look = replace(ours, painter=replace(ours.painter, net=plain))
    assert look.in_place([faces[0].photo], [faces[0].points])[0].occlusion is None
    done = look.deocclude(faces[0].photo, faces[0].points)
    assert np.array_equal(done.photo, faces[0].photo)
    with pytest.raises(ValueError, match="1 photos"):
        look.in_place([faces[0].photo], [])


def test_the_generators_picture_is_the_result(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    look = ours.look(faces[1].photo, faces[1].points)
    with torch.no_grad():
        painted = ours.painter.net(*(_batch(one) for one in (look.projected, look.estimated)))
    expected = (255 * painted.image[0]).round().permute(1, 2, 0).numpy()
    # The renders were rounded on the way here.
    assert np.abs(look.restored.image - expected).mean() < 1
    assert look.restored.covered is not None
    hidden = hidden_regions(painted.mask[0, 0].numpy(), look.restored.covered)
    assert (hidden != look.restored.occlusion).mean() < 0.02


def test_what_is_sure_counts_as_hidden(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    found = copying(ours).restore(faces[0].photo, faces[0].points)
    assert found.occlusion is not None
    assert found.covered is not None
    assert np.array_equal(found.occlusion[:, :29], found.covered[:, :29])
    assert not found.occlusion[:, 35:].any()


def test_a_batch_gives_what_single_faces_give(
    ours: CfrGanFrontalizer, faces: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the photos' sizes, and where a batch ends."""
    monkeypatch.setattr("cfr.frontalizers.painting._AT_ONCE", 2)
    photos = [faces[0].photo, np.pad(faces[1].photo, ((0, 30), (0, 0), (0, 0))), faces[2].photo]
    points = [one.points for one in faces]
    many = ours.restore_many(photos, points)
    assert len(many) == 3
    for photo, at, one in zip(photos, points, many, strict=True):
        alone = ours.restore(photo, at)
        assert np.abs(one.image.astype(int) - alone.image).max() <= 2
        assert np.abs(one.points - alone.points).max() < 1e-2
        assert (one.covered != alone.covered).mean() < 0.01
    assert ours.restore_many([], []) == []
    with pytest.raises(ValueError, match="3 photos, points of 2"):
        ours.restore_many(photos, points[:2])


def test_yaw_and_pitch_do_what_they_say(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    def found(yaw: float, pitch: float) -> np.ndarray:
        posed = replace(ours, yaw=np.radians(yaw), pitch=np.radians(pitch))
        return nose(posed.restore(faces[0].photo, faces[0].points).points)

    front = found(0, 0)
    assert abs(front[0]) < 0.1
    assert found(30, 0)[0] > front[0] + 0.2
    assert found(-30, 0)[0] < front[0] - 0.2
    assert found(0, 20)[1] > front[1] + 0.1
    default = nose(ours.restore(faces[0].photo, faces[0].points).points)
    assert np.allclose(default, found(0, 5), atol=1e-6)
    assert pytest.approx(np.radians(5)) == PITCH


def test_the_estimated_pitch_can_be_kept(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    keeping = replace(ours, keep_pitch=True)
    estimated = []
    for one in faces:
        look = keeping.look(one.photo, one.points)
        pitch = float(look.coefficients.rotation[0, 0])
        estimated.append(pitch)
        expected = replace(ours, pitch=pitch).restore(one.photo, one.points)
        assert np.allclose(look.restored.points, expected.points, atol=1e-3)
        assert abs(nose(look.restored.points)[0]) < 0.1
    assert np.ptp(estimated) > 0.05
    many = keeping.restore_many([one.photo for one in faces], [one.points for one in faces])
    alone = keeping.restore(faces[2].photo, faces[2].points)
    assert np.allclose(many[2].points, alone.points, atol=1e-2)


def test_points_lie_on_the_landmarks_at_any_size(
    ours: CfrGanFrontalizer, faces: list[Scene], builtin: MorphableModel
) -> None:
    """The generator works at its own size; the result is resized, with its points."""
    look = ours.look(faces[0].photo, faces[0].points)
    pose = torch.tensor([[PITCH, 0.0, 0.0]])
    shape = place(builtin.shape(look.coefficients), pose, torch.zeros(1, 3))
    for size in (48, 64, 150):
        found = replace(ours, size=size).restore(faces[0].photo, faces[0].points)
        assert found.image.shape == (size, size, 3)
        at = Camera().resized(size).project(shape[:, builtin.landmarks])[0, :, :2].numpy()
        assert np.abs(found.points - at).max() < 1e-2
        assert found.covered is not None
        assert found.occlusion is not None
        assert found.occlusion.shape == (size, size)
        for number in (36, 45, 30, 48, 54):
            column, row = np.round(found.points[number]).astype(int)
            assert found.covered[row, column]


def test_a_resized_picture_shows_the_same(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    small, large = (
        replace(copying(ours), size=size).restore(faces[0].photo, faces[0].points).image
        for size in (64, 128)
    )
    averaged = large.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(averaged - small).mean() < 2


def test_coefficients_by_the_regressor(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    """A network that says nothing gives the mean face; the points only place the crop."""
    net = build(MINI, ours.model.layout(), size=32).eval()
    asking = replace(ours, source=ByRegressor(net, "f" * 64))
    scene = faces[0]
    look = asking.look(scene.photo, scene.points)
    assert not look.coefficients.rotation.any()
    assert look.crop.shape == (64, 64, 3)
    net.heads["rotation"].bias.data[:] = torch.tensor([0.1, 0.2, 0.3])  # type: ignore[union-attr]
    look = asking.look(scene.photo, scene.points)
    assert torch.allclose(look.coefficients.rotation, torch.tensor([[0.1, 0.2, 0.3]]))
    seen = []
    net.register_forward_pre_hook(lambda _net, given: seen.append(given[0]))
    asking.look(scene.photo, scene.points)
    crop = align_deep3d(five_from_68(scene.points), 32).crop(scene.photo)
    assert torch.equal(seen[0], _batch(crop))
    net.offset = (0.5, -0.5)
    with pytest.raises(ValueError, match="a regressor with offset"):
        ByRegressor(net, "f" * 64)


def test_an_identity_names_everything_that_decides(ours: CfrGanFrontalizer, weights: Path) -> None:
    net = build(MINI, ours.model.layout(), size=32).eval()
    others = [
        replace(ours, yaw=0.1),
        replace(ours, pitch=0.1),
        replace(ours, keep_pitch=True),
        replace(ours, size=128),
        replace(ours, source=ByFit(FitSettings(contour="fixed"))),
        replace(ours, source=ByRegressor(net, "f" * 64)),
        replace(ours, source=ByRegressor(net, "e" * 64)),
        replace(ours, painter=replace(ours.painter, weights="a" * 64)),
        replace(ours, painter=replace(ours.painter, side=128)),
    ]
    told = [str(dict(one.identity)) for one in (ours, *others)]
    assert len(set(told)) == len(told)
    assert ours.identity["weights"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert ours.identity["model"] == ours.model.digest
    assert str(weights.parent) not in told[0]
    kept = replace(ours, keep_pitch=True)
    assert replace(kept, pitch=0.3).identity == kept.identity


def test_points_in_one_place_cannot_be_restored(ours: CfrGanFrontalizer) -> None:
    photo, nowhere = np.zeros((64, 64, 3), np.uint8), np.full((68, 2), 9.0)
    for run in (ours.restore, ours.look, ours.deocclude):
        with pytest.raises(ValueError, match="finite points apart"):
            run(photo, nowhere)


def test_what_restores_has_no_gradients(painter: Painter) -> None:
    assert not painter.net.training
    assert not any(one.requires_grad for one in painter.net.parameters())
    assert not any("parametrizations" in name for name in painter.net.state_dict())
    assert painter.side == 64


def _batch(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
