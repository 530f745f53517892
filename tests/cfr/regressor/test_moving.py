"""A moved face's numbers: projected anew, its landmarks lie where the picture's points went."""

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from torch import Tensor

from cfr.align import Alignment
from cfr.camera import Camera
from cfr.fit.parts import cut
from cfr.morphable.model import MorphableModel
from cfr.regressor.landmarks import project_landmarks
from cfr.regressor.moving import Move, aligned_translation, move_coefficients
from cfr.regressor.samples import Frame

FRAME = Frame(crop=112, wide=144)
MIDDLE = (FRAME.wide - 1) / 2, (FRAME.crop - 1) / 2
B = 6


@pytest.fixture(scope="module")
def vector(small_model: MorphableModel) -> Tensor:
    """Faces in all poses, off the middle."""
    rng = np.random.default_rng(4)
    layout = small_model.layout()
    found = layout.zeros(B).parts()
    for name, size in (("identity", 1.0), ("expression", 1.0), ("texture", 1.0), ("lighting", 0.3)):
        found[name] = torch.from_numpy(rng.normal(0, size, found[name].shape)).float()
    angles = rng.uniform(-1, 1, (B, 3)) * np.radians((25, 80, 30))
    found["rotation"] = torch.from_numpy(angles).float()
    place = rng.uniform(-1, 1, (B, 3)) * (0.1, 0.1, 0.8)
    found["translation"] = torch.from_numpy(place).float()
    return torch.cat(list(found.values()), dim=1)


def moved(model: MorphableModel, vector: Tensor, moves: list[Move]) -> Tensor:
    return move_coefficients(
        vector,
        torch.tensor([one.tilt for one in moves], dtype=vector.dtype),
        torch.from_numpy(np.stack([one.matrix(FRAME) for one in moves])).to(vector.dtype),
        model.layout(),
        cut(model, model.landmarks),
        FRAME,
    )


def seen(model: MorphableModel, vector: Tensor, camera: Camera) -> np.ndarray:
    return project_landmarks(model, model.layout().split(vector), camera).double().numpy()


def gaps(model: MorphableModel, vector: Tensor, moves: list[Move]) -> np.ndarray:
    """Pixels between the moved face's landmarks and where the matrix takes them."""
    wide = seen(model, vector, FRAME.wide_camera)
    matrices = np.stack([one.matrix(FRAME) for one in moves])
    wanted = np.einsum("bij,bnj->bni", matrices[:, :, :2], wide) + matrices[:, None, :, 2]
    found = seen(model, moved(model, vector, moves), FRAME.camera)
    return np.linalg.norm(found - wanted, axis=2)


def test_standing_still_is_cutting_the_middle(small_model: MorphableModel, vector: Tensor) -> None:
    same = moved(small_model, vector, [Move()] * B)
    torch.testing.assert_close(same, vector, atol=2e-4, rtol=0)
    margin = (FRAME.wide - FRAME.crop) / 2
    np.testing.assert_allclose(Move().matrix(FRAME), [[1, 0, -margin], [0, 1, -margin]])


def test_a_turn_about_the_middle_is_exact(small_model: MorphableModel, vector: Tensor) -> None:
    moves = [Move(tilt=tilt) for tilt in np.radians((10, -25, 45, -60, 3, 170)).tolist()]
    assert gaps(small_model, vector, moves).max() < 1e-3
    layout = small_model.layout()
    before = layout.split(vector)
    after = layout.split(moved(small_model, vector, moves))
    for name in ("identity", "expression", "texture", "lighting"):
        assert torch.equal(getattr(after, name), getattr(before, name))
    # The axis is the camera's: what lies beside it goes round, at the same depth.
    x, y, z = before.translation.double().numpy().T
    tilt = np.array([one.tilt for one in moves])
    round_axis = x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt), z
    np.testing.assert_allclose(after.translation.numpy(), np.stack(round_axis, 1), atol=2e-4)
    rolled = before.rotation.double().numpy()
    rolled[:, 2] += tilt
    np.testing.assert_allclose(after.rotation.numpy(), rolled, atol=1e-6)


def test_a_scale_and_a_shift_are_answered_within_a_pixel(
    small_model: MorphableModel, vector: Tensor
) -> None:
    rng = np.random.default_rng(9)
    drawn = rng.uniform((-0.6, 0.9, -6, -6), (0.6, 1.1, 6, 6), (B, 4)).tolist()
    moves = [Move(tilt, scale, (across, down)) for tilt, scale, across, down in drawn]
    found = gaps(small_model, vector, moves)
    assert found.max() < 1.0
    assert found.mean() < 0.25
    # Without the answer they would lie pixels off.
    still = [Move(tilt=one.tilt) for one in moves]
    turned = seen(small_model, moved(small_model, vector, still), FRAME.camera)
    answered = seen(small_model, moved(small_model, vector, moves), FRAME.camera)
    assert (np.linalg.norm(turned - answered, axis=2).mean(1) > 2).all()


def test_a_larger_face_is_nearer_and_a_shifted_one_beside(
    small_model: MorphableModel, vector: Tensor
) -> None:
    layout = small_model.layout()
    moves = [Move(scale=1.1), Move(scale=0.9), Move(shift=(5.0, 0.0)), Move(shift=(0.0, 5.0))]
    still = vector[:4]
    change = layout.split(moved(small_model, still, moves)).translation
    change = (change - layout.split(still).translation).numpy()
    assert 0.7 < change[0, 2] < 1.2  # a tenth of ten decimetres
    assert -1.3 < change[1, 2] < -0.8
    decimetre = FRAME.camera.focal / 10
    assert change[2, 0] == pytest.approx(5 / decimetre, rel=0.15)
    assert change[3, 1] == pytest.approx(-5 / decimetre, rel=0.15)  # down
    assert np.abs(change[2, 1:]).max() < 0.05


def test_a_positive_tilt_turns_anticlockwise_in_the_picture() -> None:
    """A quarter: what was right of the middle is above it, what was above is left of it."""
    wide, crop = MIDDLE
    matrix = Move(tilt=np.pi / 2).matrix(FRAME)
    right, above = np.array([wide + 20, wide, 1]), np.array([wide, wide - 20, 1])
    np.testing.assert_allclose(matrix @ right, (crop, crop - 20), atol=1e-9)
    np.testing.assert_allclose(matrix @ above, (crop - 20, crop), atol=1e-9)
    small = Move(tilt=0.1).matrix(FRAME)
    assert (small @ right)[1] < crop  # rows count downwards


def test_the_head_rolls_the_way_the_picture_turns(small_model: MorphableModel) -> None:
    """The line from the lowest point to the highest, as angles of a drawing have it, y upwards."""
    layout, tilt = small_model.layout(), 0.4
    upright = layout.join(layout.zeros(1))
    other = moved(small_model, upright, [Move(tilt=tilt)])
    before, after = (
        seen(small_model, one, camera)[0]
        for one, camera in ((upright, FRAME.wide_camera), (other, FRAME.camera))
    )
    highest, lowest = before[:, 1].argmin(), before[:, 1].argmax()

    def angle(points: np.ndarray) -> float:
        across, down = points[highest] - points[lowest]
        return float(np.arctan2(-down, across))

    assert angle(after) - angle(before) == pytest.approx(tilt, abs=1e-4)


@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-9), (torch.float32, 3e-4)])
def test_a_known_translation_is_found(dtype: torch.dtype, near: float) -> None:
    rng = np.random.default_rng(2)
    turned = torch.from_numpy(rng.normal(0, 0.5, (5, 68, 3))).to(dtype)
    known = torch.from_numpy(rng.uniform(-1, 1, (5, 3)) * (0.5, 0.5, 2.0)).to(dtype)
    for camera in (Camera(), FRAME.camera, FRAME.wide_camera):
        points = camera.project(turned + known[:, None])[..., :2]
        found = aligned_translation(turned, points, camera)
        assert found.dtype == dtype
        assert (found - known).abs().max() < near


def test_the_nearest_translation_where_none_fits() -> None:
    """Against a search for the smallest distances in the picture."""
    rng = np.random.default_rng(3)
    camera = FRAME.camera
    turned = rng.normal(0, 0.5, (68, 3))
    points = 55.5 + 507.5 * (turned[:, :2] * (1, -1)) / (10 - turned[:, 2:])
    points = 1.07 * (points - 55.5) + 55.5 + (4, -3) + rng.normal(0, 1, (68, 2))

    def apart(translation: np.ndarray) -> np.ndarray:
        placed = turned + translation
        shown = 55.5 + 507.5 * (placed[:, :2] * (1, -1)) / (10 - placed[:, 2:])
        return (shown - points).ravel()

    best = least_squares(apart, np.zeros(3), xtol=1e-12, ftol=1e-12)
    found = aligned_translation(
        torch.from_numpy(turned)[None], torch.from_numpy(points)[None], camera
    )[0].numpy()
    # Its distances are weighted by depth, which differs by a tenth of the whole at most.
    np.testing.assert_allclose(found, best.x, atol=0.02)
    assert np.square(apart(found)).sum() < 1.01 * 2 * best.cost


def test_a_picture_goes_where_its_points_go() -> None:
    """A bright pixel is found at its point's place, by the centre of its light."""
    for move, at in (
        (Move(), (80, 64)),
        (Move(tilt=0.5), (90, 60)),
        (Move(tilt=-0.5, scale=1.1), (60, 85)),
        (Move(tilt=0.2, scale=0.92, shift=(7.0, -4.0)), (85, 90)),
    ):
        picture = np.zeros((FRAME.wide, FRAME.wide, 3), np.uint8)
        picture[at[1] - 2 : at[1] + 3, at[0] - 2 : at[0] + 3] = 255
        matrix = move.matrix(FRAME)
        crop = Alignment(matrix, FRAME.crop, antialias=False).crop(picture)[..., 0].astype(float)
        rows, columns = np.mgrid[: FRAME.crop, : FRAME.crop]
        centre = [(crop * one).sum() / crop.sum() for one in (columns, rows)]
        np.testing.assert_allclose(centre, matrix @ (*at, 1), atol=0.1)
