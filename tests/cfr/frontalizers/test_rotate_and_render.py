"""Rotate-and-Render at work: what its generator is given, and the pose that it turns to."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.camera import Camera
from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
from cfr.frontalizers.types import Frontalizer, Recoverer
from cfr.gan.painting import Painted
from cfr.gan.sizes import RotateSize
from cfr.gan.sources import Painter
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.render.shading import render
from cfr.rotate_and_render.generator import RotateGenerator
from cfr.synthetic.scene import Scene
from cfr.texture import sample_photo
from cfr.types import FaceMesh

SIDE = 64


class Copier(RotateGenerator):
    """Shows what a generator is given."""

    def __init__(self) -> None:
        super().__init__(RotateSize(1, 0, 1))

    def forward(self, damaged: Tensor, guide: Tensor) -> Painted:
        return Painted(damaged, torch.zeros_like(damaged[:, :1]))


@pytest.fixture(scope="module")
def ours(builtin: MorphableModel) -> RotateAndRenderFrontalizer:
    return RotateAndRenderFrontalizer(builtin, Painter(Copier(), SIDE, "f" * 64), size=SIDE)


def test_it_is_a_frontalizer_and_a_recoverer(
    ours: RotateAndRenderFrontalizer, faces: list[Scene]
) -> None:
    assert isinstance(ours, Frontalizer)
    assert isinstance(ours, Recoverer)
    assert ours.name == ours.identity["method"] == "rotate-and-render"
    found = ours.restore(faces[0].photo, faces[0].points)
    assert found.occlusion is None
    assert found.covered is not None
    for number in (36, 45, 30, 48, 54):
        column, row = np.round(found.points[number]).astype(int)
        assert found.covered[row, column]
    told = [
        str(dict(one.identity))
        for one in (
            ours,
            replace(ours, pitch=0.0),
            replace(ours, yaw=0.1),
            replace(ours, keep_pitch=True),
        )
    ]
    assert len(set(told)) == 4


def test_the_face_keeps_its_middle_and_loses_its_edge(
    ours: RotateAndRenderFrontalizer, faces: list[Scene], builtin: MorphableModel
) -> None:
    """In its own pose: R_p as it is drawn without erosion, but for one colour at the edge."""
    scene = faces[0]
    look = ours.look(scene.photo, scene.points)
    crop = torch.from_numpy(look.crop).permute(2, 0, 1)[None].float() / 255
    mesh = reconstruct(builtin, look.coefficients)
    camera = Camera().resized(SIDE)
    colors = sample_photo(crop, camera.project(mesh.vertices), "nearest")
    whole, covered = render(FaceMesh(mesh.vertices, colors, mesh.triangles), camera)
    expected = (255 * whole[0].permute(1, 2, 0).clamp(0, 1)).numpy()
    one = ours.in_place([scene.photo], [scene.points])[0]
    assert one.occlusion is None
    assert np.array_equal(one.painted, one.projected)
    assert np.array_equal(one.face, covered[0].numpy())
    apart = np.abs(one.painted - expected).max(-1)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    at = one.alignment.to_crop(scene.points)
    nose = np.hypot(columns - at[30, 0], rows - at[30, 1]) < 6
    assert np.median(apart[nose]) < 4
    lower = one.face & (rows > 0.5 * SIDE) & (rows < SIDE - 6)
    edge = lower & (~np.roll(one.face, 1, 1) | ~np.roll(one.face, -1, 1))
    assert spread(one.painted[edge]) < 0.5 * spread(expected[edge])


def spread(colors: np.ndarray) -> float:
    """How far most colours are apart, in levels."""
    low, high = np.percentile(colors.astype(float), (10, 90), axis=0)
    return float((high - low).max())


def test_who_looks_up_is_turned_level_and_who_looks_down_keeps_the_pitch(
    ours: RotateAndRenderFrontalizer,
) -> None:
    own = torch.tensor([-0.3, 0.2])
    assert ours._pitches(own).tolist() == pytest.approx([0.0, 0.2])
    assert replace(ours, pitch=-0.1)._pitches(own).tolist() == pytest.approx([-0.1, -0.1])


def test_poses_reach_the_result(ours: RotateAndRenderFrontalizer, faces: list[Scene]) -> None:
    scene = faces[1]

    def points(**pose: float) -> np.ndarray:
        return replace(ours, **pose).restore(scene.photo, scene.points).points

    pitch = float(ours.look(scene.photo, scene.points).coefficients.rotation[0, 0])
    assert np.allclose(points(), points(pitch=max(0.0, pitch)), atol=1e-3)
    assert np.allclose(points(keep_pitch=True), points(pitch=pitch), atol=1e-3)
    assert points(yaw=0.5)[30, 0] > points()[30, 0] + 2
    many = ours.restore_many([one.photo for one in faces], [one.points for one in faces])
    assert np.allclose(many[1].points, points(), atol=1e-2)
