import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cfr.morphable.sculpt.landmarks import PARTNER
from cfr.morphable.sculpt.motion import Motion, frame_of, solve_motion
from cfr.morphable.sculpt.people import learn_people


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Points of 150 people, two photos each: true shapes, yaws, points, names."""
    rng = np.random.default_rng(5)
    from cfr.morphable.sculpt.motion import _first_guess

    mean = _first_guess()
    modes = rng.normal(0, 0.03, (4, 68, 3))
    modes = (modes + modes[:, PARTNER] * (-1, 1, 1)) / 2  # symmetric people
    persons = rng.normal(size=(150, 2)).repeat(2, axis=0)
    moments = rng.normal(size=(300, 2))
    shapes = mean + np.tensordot(np.hstack((persons, moments)), modes, 1)
    angles = rng.normal(0, (5, 20, 5), (300, 3))
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    scale = rng.uniform(40, 70, 300)
    pixels = scale[:, None, None] * (shapes @ turn.transpose(0, 2, 1))[..., :2] * (1, -1)
    pixels += rng.uniform(80, 160, (300, 1, 2)) + rng.normal(0, 0.15, (300, 68, 2))
    names = [f"person {number // 2}" for number in range(300)]
    return shapes, np.radians(angles[:, 1]), pixels, names


@pytest.fixture(scope="module")
def motion(world) -> Motion:
    return solve_motion(frame_of(world[2]).normalise(world[2]), modes=4, rounds=12)


def test_poses_come_back(world, motion: Motion) -> None:
    error = np.abs(motion.yaw[:300] - world[1])
    assert np.degrees(np.median(error)) < 1.5
    assert np.corrcoef(motion.yaw[:300], world[1])[0, 1] > 0.99


def test_shapes_in_space_come_back_from_flat_photos(world, motion: Motion) -> None:
    true, found = world[0], motion.shapes[:300]
    inner = slice(17, 68)
    errors, spreads = [], []
    for one, other in zip(true[:, inner], found[:, inner], strict=True):
        one, other = one - one.mean(0), other - other.mean(0)
        turn, _ = Rotation.align_vectors(one, other)[:2]
        other = turn.apply(other)
        other *= (one * other).sum() / np.square(other).sum()
        errors.append(np.abs(one - other).mean())
        spreads.append(np.abs(one).mean())
    assert np.mean(errors) < 0.06 * np.mean(spreads)


def test_the_mean_is_symmetric_and_pixels_come_back(world, motion: Motion) -> None:
    np.testing.assert_allclose(motion.mean, motion.mean[PARTNER] * (-1, 1, 1), atol=1e-12)
    frame = frame_of(world[2])
    up = frame.normalise(world[2])
    np.testing.assert_allclose(frame.to_pixels(up[7], 7), world[2][7], atol=1e-9)


def test_people_differ_more_between_than_within(world, motion: Motion) -> None:
    people = learn_people(motion, world[3])
    with_moments = np.linalg.norm(people.within) / np.linalg.norm(people.between)
    strangers = learn_people(motion, [f"{number % 150}" for number in range(300)])
    shuffled = np.linalg.norm(strangers.within) / np.linalg.norm(strangers.between)
    assert with_moments < 0.8 * shuffled
    total = np.cov(motion.weights.T)
    everything = np.einsum("kl,kjd,ljd->", total, motion.modes, motion.modes) * people.size**2
    apart = np.square(people.between).sum() + np.square(people.within).sum()
    assert apart == pytest.approx(everything, rel=0.2)
    back = people.from_model(people.to_model(motion.shapes[:3]))
    np.testing.assert_allclose(back, motion.shapes[:3], atol=1e-12)


def test_somebody_must_have_two_photos(motion: Motion) -> None:
    with pytest.raises(ValueError, match="two photos"):
        learn_people(motion, [str(number) for number in range(300)])
