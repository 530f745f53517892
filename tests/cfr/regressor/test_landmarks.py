"""Points of a regressor: against the whole mesh, unclamped, and mapped back by formulas."""

import numpy as np
import pytest
import torch

from cfr.align import Alignment, align_deep3d
from cfr.camera import REGRESSOR_OFFSET, Camera
from cfr.coefficients import WrongFaceModel
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.regressor.landmarks import (
    points_in_crops,
    points_in_photos,
    project_landmarks,
    rescaled,
)
from cfr.regressor.network import MINI, RNet, build

SIZE = 96
FIVE = np.array([(120.0, 90), (180, 92), (150, 130), (128, 160), (173, 161)])


@pytest.fixture(scope="module")
def net(small_model: MorphableModel) -> RNet:
    """Random weights, with heads that turn and move the face."""
    torch.manual_seed(5)
    net = build(MINI, small_model.layout(), size=SIZE)
    for one in net.heads.parameters():
        torch.nn.init.normal_(one, 0, 0.05)
    return net.eval()


def crops(count: int, size: int = SIZE) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for _ in range(count)]


@torch.no_grad()
def by_the_mesh(net: RNet, model: MorphableModel, crop: np.ndarray) -> np.ndarray:
    """One crop at a time, all vertices, and the pinhole written out."""
    given = torch.from_numpy(crop.transpose(2, 0, 1).astype(np.float32) / 255)[None]
    mesh = reconstruct(model, net.layout.split(net(given)))
    x, y, z = mesh.vertices[0, model.landmarks].double().numpy().T
    focal, middle = 1015 * net.size / 224, net.size / 2 - 0.5
    return np.stack((middle + focal * x / (10 - z), middle - focal * y / (10 - z)), 1)


def test_points_are_the_meshs_vertices(net: RNet, small_model: MorphableModel) -> None:
    given = crops(3)
    found = points_in_crops(net, small_model, given)
    expected = np.stack([by_the_mesh(net, small_model, one) for one in given])
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.abs(expected[0] - expected[1]).max() > 0.05  # the photo matters


def test_published_points_are_moved_by_their_offset(small_model: MorphableModel) -> None:
    torch.manual_seed(5)
    net = build(MINI, small_model.layout(), size=SIZE).eval()
    own = points_in_crops(net, small_model, crops(1))
    net.offset = REGRESSOR_OFFSET
    np.testing.assert_allclose(
        points_in_crops(net, small_model, crops(1)) - own, [[[0.5, -0.5]] * 68]
    )


def test_nothing_is_clamped(small_model: MorphableModel) -> None:
    torch.manual_seed(5)
    net = build(MINI, small_model.layout(), size=SIZE).eval()
    with torch.no_grad():
        net.heads.get_parameter("shift.bias").copy_(torch.tensor([-3.0, 2.0]))
    found = points_in_crops(net, small_model, crops(1))[0]
    centred = Camera().resized(SIZE).project(small_model.mean_shape[small_model.landmarks][None])
    assert (found[:, 0] < 0).all()
    assert (found[:, 1] < 0).all()
    # A translation of −3 dm at this depth is −3 · f / (10 − z) pixels.
    depth = centred[0, :, 2].double().numpy()
    moved = centred[0, :, 0].double().numpy() - 3 * 1015 * SIZE / 224 / depth
    np.testing.assert_allclose(found[:, 0], moved, atol=1e-3)


def test_photos_give_what_their_crops_give(net: RNet, small_model: MorphableModel) -> None:
    """Photos of unlike sizes; each point is taken back by the crop's scale and shift."""
    rng = np.random.default_rng(3)
    photos = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((240, 300), (260, 250))]
    alignments = [align_deep3d(FIVE), align_deep3d(FIVE + 11)]
    found = points_in_photos(net, small_model, photos, alignments)
    for photo, five, points in zip(photos, (FIVE, FIVE + 11), found, strict=True):
        own = align_deep3d(five, SIZE)
        inside = by_the_mesh(net, small_model, own.crop(photo))
        zoom, shift = own.matrix[0, 0], own.matrix[:, 2]
        np.testing.assert_allclose(points, (inside - shift) / zoom, atol=5e-3)


@pytest.mark.parametrize("size", [56, 112, 224, 300])
def test_rescaled_is_the_same_part_of_the_photo(size: int) -> None:
    expected = align_deep3d(FIVE, size)
    found = rescaled(align_deep3d(FIVE), size)
    np.testing.assert_allclose(found.matrix, expected.matrix, atol=1e-9)
    assert found.size == size
    without = rescaled(Alignment(align_deep3d(FIVE).matrix, 224, antialias=False), size)
    assert not without.antialias


def test_gradients_reach_the_coefficients(small_model: MorphableModel) -> None:
    layout = small_model.layout()
    vector = torch.zeros(2, layout.size, requires_grad=True)
    project_landmarks(small_model, layout.split(vector)).sum().backward()
    assert vector.grad is not None
    for name, part in layout.split(vector.grad).parts().items():
        moves = name not in ("texture", "lighting")
        assert bool((part != 0).any()) == moves, name


def test_misuse_is_told(net: RNet, small_model: MorphableModel) -> None:
    assert points_in_crops(net, small_model, []).shape == (0, 68, 2)
    assert points_in_photos(net, small_model, [], []).shape == (0, 68, 2)
    with pytest.raises(ValueError, match=f"expected crops of {SIZE} pixels"):
        points_in_crops(net, small_model, crops(1, 64))
    with pytest.raises(ValueError, match="shorter"):
        points_in_photos(net, small_model, [crops(1)[0]], [])
    training = build(MINI, small_model.layout(), size=SIZE)
    with pytest.raises(ValueError, match="evaluation mode"):
        points_in_crops(training, small_model, crops(1))


def test_another_face_model_is_refused(net: RNet, small_arrays) -> None:
    other = MorphableModel("other", small_arrays, digest="0" * 64)
    with pytest.raises(WrongFaceModel, match="these coefficients"):
        points_in_crops(net, other, crops(1))
