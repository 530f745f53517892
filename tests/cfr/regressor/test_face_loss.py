"""That every weight and every input reaches the loss it belongs to."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from cfr.camera import Camera, place
from cfr.identity_crops import aligned_crop, fixed_crop
from cfr.lighting import shade
from cfr.morphable.model import MorphableModel
from cfr.normals import vertex_normals
from cfr.regressor import losses
from cfr.regressor.face_loss import SeenFaces, face_losses
from cfr.regressor.presets import (
    BASELINE,
    STAGE1,
    FaceWeights,
    point_weights,
    total,
    usable,
)
from cfr.render.shading import render
from cfr.types import Coefficients, FaceMesh

SIZE = 56
CAMERA = Camera().resized(SIZE)


def look(model: MorphableModel, coefficients: Coefficients) -> SeenFaces:
    """What a network that put these out would show, and random photos."""
    torch.manual_seed(3)
    batch = len(coefficients.rotation)
    shape = model.shape(coefficients)
    placed = place(shape, coefficients.rotation, coefficients.translation)
    albedo = model.albedo(coefficients)
    normals = vertex_normals(placed, model.triangles, model.incident)
    lit = shade(albedo, normals, coefficients.lighting)
    rendered = render(FaceMesh(placed, lit, model.triangles), CAMERA)
    points = CAMERA.project(placed)[:, model.landmarks, :2]
    return SeenFaces(
        coefficients=coefficients,
        points=points,
        albedo=albedo,
        lit=lit,
        rendered=rendered.image,
        coverage=rendered.coverage,
        photo=torch.rand(batch, 3, SIZE, SIZE),
        mask=torch.rand(batch, SIZE, SIZE) < 0.7,
        truth=points.detach() + torch.randn(batch, 68, 2),
        estimated=torch.tensor([True, False, False])[:batch],
    )


def drawn(model: MorphableModel, *, trained: bool = False) -> tuple[Tensor, Coefficients]:
    """Vectors near the mean face, and their coefficients."""
    torch.manual_seed(4)
    vectors = (0.1 * torch.randn(3, model.layout().size)).requires_grad_(trained)
    return vectors, model.layout().split(vectors)


@pytest.fixture(scope="module")
def recognizer() -> nn.Module:
    torch.manual_seed(5)
    layers = nn.Conv2d(3, 4, 7, stride=7), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16 * 16, 8)
    return nn.Sequential(*layers).requires_grad_(False).eval()


def test_all_losses_of_both_forms_reach_the_coefficients(
    small_model: MorphableModel, recognizer: nn.Module
) -> None:
    for preset in (BASELINE["paper"], STAGE1["release"]):
        vectors, coefficients = drawn(small_model, trained=True)
        terms = face_losses(
            look(small_model, coefficients), small_model.skin, preset.weights, recognizer
        )
        assert set(terms) == set(preset.weights.terms())
        assert all(0 < term < torch.inf for term in terms.values())
        total(terms, preset.weights).backward()
        assert vectors.grad is not None
        assert vectors.grad.isfinite().all()
        assert vectors.grad.all()


def test_deep3d_forms(small_model: MorphableModel, recognizer: nn.Module) -> None:
    seen = look(small_model, drawn(small_model)[1])
    weights = FaceWeights()
    terms = face_losses(seen, small_model.skin, weights, recognizer)
    both = seen.mask & seen.coverage
    expected = {
        "photometric": losses.photometric(seen.rendered, seen.photo, both),
        "landmarks": losses.landmarks(seen.points, seen.truth, point_weights("deep3d"), size=SIZE),
        "identity": losses.identity(
            aligned_crop(seen.rendered, seen.points),
            aligned_crop(seen.photo, seen.truth),
            recognizer,
        ),
        "prior": losses.prior(seen.coefficients, weights),
        "reflectance": losses.reflectance(seen.albedo, small_model.skin),
        "gamma": losses.gamma(seen.coefficients.lighting),
    }
    torch.testing.assert_close(terms, expected)


def test_released_forms(small_model: MorphableModel, recognizer: nn.Module) -> None:
    seen = look(small_model, drawn(small_model)[1])
    weights = STAGE1["release"].weights
    terms = face_losses(seen, small_model.skin, weights, recognizer)
    composite = seen.coverage[:, None] * seen.rendered + ~seen.coverage[:, None] * seen.photo
    expected = {
        "photometric": losses.reconstruction(seen.rendered, seen.photo, seen.mask, seen.coverage),
        "landmarks": losses.landmarks(
            seen.points,
            seen.truth,
            point_weights("stage1-release"),
            size=SIZE,
            estimated=seen.estimated,
            trust=0.7,
        ),
        "identity": losses.identity(fixed_crop(composite), fixed_crop(seen.photo), recognizer),
        "prior": losses.coefficient_norms(seen.coefficients, weights),
        "reflectance": losses.reflectance(seen.lit, small_model.skin),
        "gamma": losses.gamma(seen.coefficients.lighting),
    }
    torch.testing.assert_close(terms, expected)


def test_a_photos_estimated_points_are_weighted_down_in_stage_1(
    small_model: MorphableModel,
) -> None:
    seen = look(small_model, drawn(small_model)[1])
    for choice in ("paper", "release"):
        weights, _ = usable(STAGE1[choice].weights, recognizer=False, texture=True)
        values = []
        for estimated in (True, False):
            asked = replace(seen, estimated=torch.full((3,), estimated))
            terms = face_losses(asked, small_model.skin, weights)
            values.append(terms["landmarks"].item())
        assert values[0] == pytest.approx(0.7 * values[1])


def test_photos_without_points_and_renders_without_photos(
    small_model: MorphableModel, recognizer: nn.Module
) -> None:
    vectors, coefficients = drawn(small_model, trained=True)
    seen = look(small_model, coefficients)
    seen.truth[0] = torch.nan
    seen = replace(
        seen,
        compared=torch.tensor([True, True, False]),
        marked=torch.tensor([False, True, True]),
    )
    terms = face_losses(seen, small_model.skin, FaceWeights(), recognizer)
    both = seen.mask & seen.coverage
    pixels = losses.photometric(seen.rendered[:2], seen.photo[:2], both[:2])
    points = losses.landmarks(seen.points[1:], seen.truth[1:], point_weights("deep3d"), size=SIZE)
    crops = (
        aligned_crop(seen.rendered[:2], seen.points[:2]),
        aligned_crop(seen.photo[:2], torch.stack((seen.points[0], seen.truth[1]))),
    )
    assert terms["photometric"].item() == pytest.approx(pixels.item())
    assert terms["landmarks"].item() == pytest.approx(points.item())
    identity = losses.identity(*crops, recognizer)
    assert terms["identity"].item() == pytest.approx(identity.item(), rel=1e-4)
    (terms["landmarks"] + terms["identity"]).backward()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


def test_what_weighs_nothing_is_not_computed(small_model: MorphableModel) -> None:
    seen = look(small_model, drawn(small_model)[1])
    weights = FaceWeights(photometric=0.0, identity=0.0, gamma=0.0)
    terms = face_losses(seen, small_model.skin, weights)
    assert set(terms) == {"landmarks", "prior", "reflectance"}
    assert total(terms, weights) > 0


def test_identity_without_a_recognizer_is_an_error(small_model: MorphableModel) -> None:
    seen = look(small_model, drawn(small_model)[1])
    with pytest.raises(ValueError, match="expected a recognizer"):
        face_losses(seen, small_model.skin, FaceWeights())
