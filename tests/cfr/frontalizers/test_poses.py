"""A pose for each face: the same as one for all, face by face."""

from dataclasses import replace

import numpy as np
import pytest

from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.frontalizers.poses import Pose, Turner
from cfr.frontalizers.render import RenderFrontalizer
from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
from cfr.synthetic.scene import Scene

POSES = [Pose(0.4, -0.1), Pose(-0.3), Pose(0.0, 0.2)]


@pytest.fixture(params=["cfr-gan", "rotate-and-render", "render", "render-estimated"])
def turner(
    request: pytest.FixtureRequest, ours: CfrGanFrontalizer
) -> CfrGanFrontalizer | RotateAndRenderFrontalizer | RenderFrontalizer:
    """Whose own pitch is not 0, where it is a number."""
    if request.param == "cfr-gan":
        return ours
    if request.param == "rotate-and-render":
        return RotateAndRenderFrontalizer(ours.model, ours.painter, size=ours.size)
    texture = "photo" if request.param == "render" else "estimated"
    return RenderFrontalizer(ours.model, pitch=0.05, size=64, texture=texture)


def test_each_face_gets_its_pose(
    turner: CfrGanFrontalizer | RotateAndRenderFrontalizer | RenderFrontalizer,
    faces: list[Scene],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Across the ends of batches, and with the method's own pitch where none is asked for."""
    monkeypatch.setattr("cfr.frontalizers.painting._AT_ONCE", 2)
    monkeypatch.setattr("cfr.frontalizers.render._AT_ONCE", 2)
    assert isinstance(turner, Turner)
    photos, points = [one.photo for one in faces], [one.points for one in faces]
    found = turner.restore_many(photos, points, POSES)
    for face, pose, one in zip(faces, POSES, found, strict=True):
        pitch = turner.pitch if pose.pitch is None else pose.pitch
        posed = replace(turner, yaw=pose.yaw, pitch=pitch)  # type: ignore[arg-type]
        alone = posed.restore(face.photo, face.points)
        assert np.abs(one.points - alone.points).max() < 1e-2
        assert np.abs(one.image.astype(int) - alone.image).mean() < 0.1
        assert one.miss == pytest.approx(alone.miss, abs=1e-3)
    noses = [one.points[30, 0] - one.points[[36, 45], 0].mean() for one in found]
    assert noses[0] > noses[2] > noses[1]
    plain = turner.restore_many(photos, points)
    assert np.abs(plain[0].points - turner.restore(photos[0], points[0]).points).max() < 1e-2
    with pytest.raises(ValueError, match="3 photos, 2 poses"):
        turner.restore_many(photos, points, POSES[:2])
    with pytest.raises(ValueError, match="3 photos, points of 2"):
        turner.restore_many(photos, points[:2])


def test_points_that_are_of_no_face_are_missed(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    mixed = np.random.default_rng(0).permutation(faces[0].points)
    photos, points = [one.photo for one in faces[:2]], [faces[0].points, mixed]
    render = RenderFrontalizer(ours.model, size=64)
    for found in (
        ours.restore_many(photos, points),
        ours.deocclude_many(photos, points),
        render.restore_many(photos, points),
    ):
        good, bad = (one.miss for one in found)
        assert good is not None
        assert bad is not None
        assert good < 2 < 8 < bad


def test_many_are_deoccluded_as_one_is(ours: CfrGanFrontalizer, faces: list[Scene]) -> None:
    photos, points = [one.photo for one in faces], [one.points for one in faces]
    found = ours.deocclude_many(photos, points)
    for photo, at, one in zip(photos, points, found, strict=True):
        alone = ours.deocclude(photo, at)
        assert np.abs(one.photo.astype(int) - alone.photo).mean() < 0.1
        assert np.abs(one.share - alone.share).mean() < 0.01
