"""68 points: known faces come back, and what cannot be fitted is said."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cfr.camera import Camera, rotation_matrix
from cfr.fit import FitSettings, fit, fit_points
from cfr.morphable.model import MorphableModel
from cfr.types import Coefficients
from results.bench.faces import projected_points, random_faces

TRUSTING = FitSettings(point_noise=0.01, point_steps=25, distance=5.0)


def turned_by(found: Coefficients, true: Coefficients) -> torch.Tensor:
    """Degrees between rotations."""
    a, b = (rotation_matrix(one.rotation.double()) for one in (found, true))
    cosine = ((a * b).sum((1, 2)) - 1) / 2
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


def test_exact_points_give_the_coefficients_back(
    model: MorphableModel, faces: Coefficients
) -> None:
    found = fit_points(model, projected_points(model, faces), settings=TRUSTING)
    assert turned_by(found, faces).max() < 0.05
    torch.testing.assert_close(found.translation, faces.translation, atol=0.02, rtol=0)
    torch.testing.assert_close(found.identity, faces.identity, atol=0.1, rtol=0)
    torch.testing.assert_close(found.expression, faces.expression, atol=0.1, rtol=0)
    assert found.model == model.digest
    assert not found.texture.any()
    assert found.lighting.shape == (12, 27)
    assert not found.lighting.any()


def test_noise_turns_little(model: MorphableModel) -> None:
    generator = torch.Generator().manual_seed(5)
    faces = random_faces(model, 100, generator, yaw_degrees=90.0)
    points = projected_points(model, faces)
    found = fit_points(model, points + torch.randn(points.shape, generator=generator))
    assert turned_by(found, faces).median() < 1.5
    assert turned_by(found, faces).max() < 10


def test_the_prior_beats_the_noise(model: MorphableModel, faces: Coefficients) -> None:
    """With hopeless points the face is the mean one; a tighter prior is nearer to it."""
    points = projected_points(model, faces)
    loose = fit_points(model, points)
    hopeless = fit_points(model, points, settings=FitSettings(point_noise=1e4))
    tight = fit_points(model, points, settings=FitSettings(identity=0.1))
    assert hopeless.identity.abs().max() < 0.01
    assert (tight.identity.norm(dim=1) < loose.identity.norm(dim=1)).all()


def test_a_batch_equals_its_faces_and_a_rerun(model: MorphableModel, faces: Coefficients) -> None:
    points = projected_points(model, faces)
    settings = FitSettings(contour="sliding")
    for chosen in (FitSettings(), settings):
        together = fit_points(model, points, settings=chosen)
        again = fit_points(model, points, settings=chosen)
        alone = [fit_points(model, one[None], settings=chosen) for one in points]
        for name, part in together.parts().items():
            assert torch.equal(part, again.parts()[name])
            each = torch.cat([one.parts()[name] for one in alone])
            torch.testing.assert_close(part, each, atol=1e-4, rtol=1e-4)


def test_a_point_without_weight_does_not_count(model: MorphableModel, faces: Coefficients) -> None:
    points = projected_points(model, faces)
    weights = torch.ones(12, 68)
    weights[:, [3, 40]] = 0
    broken = points.clone()
    broken[:, 3], broken[:, 40] = torch.nan, 1e6
    found = fit_points(model, broken, weights=weights)
    expected = fit_points(model, points, weights=weights)
    for name, part in found.parts().items():
        assert torch.equal(part, expected.parts()[name])


def test_another_size_of_crop_is_the_same_face(model: MorphableModel, faces: Coefficients) -> None:
    small, large = Camera(), Camera().resized(448)
    a = fit_points(model, projected_points(model, faces, small), small)
    b = fit_points(model, projected_points(model, faces, large), large)
    torch.testing.assert_close(a.rotation, b.rotation, atol=1e-3, rtol=0)


def test_what_cannot_be_fitted_is_said(model: MorphableModel, faces: Coefficients) -> None:
    points = projected_points(model, faces)[:2]
    broken = points.clone()
    broken[1, 7, 0] = torch.nan
    with pytest.raises(ValueError, match="face 1, 7"):
        fit_points(model, broken)
    weights = torch.zeros(2, 68)
    weights[:, :7] = 1
    with pytest.raises(ValueError, match="at least 8 that count, found 7"):
        fit_points(model, points, weights=weights)
    with pytest.raises(ValueError, match="none negative"):
        fit_points(model, points, weights=-torch.ones(2, 68))
    with pytest.raises(ValueError, match="within a pixel"):
        fit_points(model, torch.full((1, 68, 2), 100.0))
    with pytest.raises(ValueError, match="point_noise: expected a positive number"):
        FitSettings(point_noise=0.0)


def test_no_face_is_no_error(model: MorphableModel) -> None:
    found = fit_points(model, torch.zeros(0, 68, 2))
    assert found.identity.shape == (0, 6)


def test_without_a_photo_only_points_speak(model: MorphableModel, faces: Coefficients) -> None:
    points = projected_points(model, faces)
    assert torch.equal(fit(model, points).identity, fit_points(model, points).identity)


@pytest.mark.parametrize("contour", ["fixed", "sliding"])
def test_wild_points_stay_finite(model: MorphableModel, contour) -> None:
    points = torch.rand(20, 68, 2, generator=torch.Generator().manual_seed(1)) * 224
    found = fit_points(model, points, settings=FitSettings(contour=contour))
    assert all(part.isfinite().all() for part in found.parts().values())


def test_blendshapes_stay_within_their_range(shared: Path) -> None:
    from cfr.morphable.ict import load

    ict = load(shared / "face_models" / "ict_facekit")
    generator = torch.Generator().manual_seed(0)
    faces = random_faces(ict, 20, generator)
    points = projected_points(ict, faces)
    points = points + torch.randn(points.shape, generator=generator)
    found = fit_points(ict, points)
    assert found.expression.min() >= 0
    assert found.expression.max() <= 1
    assert (found.expression > 0.01).any()
    yaw = (found.rotation - faces.rotation)[:, 1]
    assert torch.rad2deg(yaw.abs().median()) < 1.5
    # Loose enough, they press against both bounds and still stay.
    found = fit_points(ict, points, settings=replace(FitSettings(), blendshape=20.0))
    assert found.expression.min() == 0
    assert found.expression.max() <= 1
