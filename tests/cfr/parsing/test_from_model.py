"""The drawn parts: of the built-in model with its regions, and of models that name none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from cfr.camera import Camera, place
from cfr.coefficients import WrongFaceModel
from cfr.morphable.model import REGIONS, ModelArrays, MorphableModel
from cfr.morphable.sources import load_model
from cfr.parsing.from_model import ModelParser, label_by_regions, label_pixels, parse_drawn
from cfr.parsing.types import FaceParser, FittedFaces, Label
from cfr.render.rasterizer import rasterize
from cfr.render.shading import interpolate
from cfr.types import Coefficients


@pytest.fixture(scope="module")
def builtin() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def unnamed(builtin: MorphableModel) -> MorphableModel:
    """The built-in face without its regions, its eyes and the inside of its mouth: with holes."""
    holes = torch.tensor([REGIONS.index(name) for name in ("eyes", "mouth", "teeth")])
    kept = ~torch.isin(builtin.regions, holes)[builtin.triangles].any(1)
    triangles = builtin.triangles[kept].numpy()
    count, sizes = len(builtin.mean_shape), builtin.layout()
    modes = builtin.modes("shape").view(-1, count, 3).numpy()
    arrays = ModelArrays(
        mean_shape=builtin.mean_shape.numpy(),
        identity=modes[: sizes.identity],
        expression=modes[sizes.identity :],
        mean_texture=builtin.mean_texture.numpy(),
        texture=np.zeros((0, count, 3), np.float32),
        triangles=triangles,
        landmarks=builtin.landmarks.numpy(),
        skin=builtin.skin.numpy(),
    )
    return MorphableModel("unnamed", arrays, expression_names=builtin.expression_names)


def faces(model: MorphableModel, yaws: list[float], **expressions: float) -> FittedFaces:
    """Mean faces, turned (degrees)."""
    sizes, count = model.layout(), len(yaws)
    expression = torch.zeros(count, sizes.expression)
    for name, weight in expressions.items():
        expression[:, model.expression_names.index(name)] = weight
    rotation = torch.zeros(count, 3)
    rotation[:, 1] = torch.tensor(yaws).deg2rad()
    coefficients = Coefficients(
        identity=torch.zeros(count, sizes.identity),
        expression=expression,
        texture=torch.zeros(count, sizes.texture),
        rotation=rotation,
        lighting=torch.zeros(count, 27),
        translation=torch.zeros(count, 3),
        model=model.digest,
    )
    return FittedFaces(model, coefficients, Camera())


def parse(fitted: FittedFaces, size: int = 224) -> Tensor:
    return ModelParser().parse(torch.rand(len(fitted.coefficients.rotation), 3, size, size), fitted)


def landmarks(fitted: FittedFaces, image: int = 0) -> np.ndarray:
    """``(68, 2)`` projected points, in pixels of 224."""
    at, model = fitted.coefficients, fitted.model
    placed = place(model.shape(at), at.rotation, at.translation)
    return fitted.camera.project(placed)[image, model.landmarks, :2].numpy()


def middle(labels: Tensor, label: Label) -> np.ndarray:
    """Mean x, y of a label's pixels."""
    return (labels == label).nonzero().float().mean(0).flip(0).numpy()


POINTS = {
    Label.RIGHT_EYE: range(36, 42),
    Label.LEFT_EYE: range(42, 48),
    Label.RIGHT_BROW: range(17, 22),
    Label.LEFT_BROW: range(22, 27),
}


@pytest.mark.parametrize("name", ["builtin", "unnamed"])
@pytest.mark.parametrize("yaw", [0.0, 25.0])
def test_parts_lie_at_their_landmarks(request, name: str, yaw: float) -> None:
    fitted = faces(request.getfixturevalue(name), [yaw])
    found, points = parse(fitted)[0], landmarks(fitted)
    for label, indices in POINTS.items():
        expected = points[list(indices)].mean(0)  # the eyes' outer corners are 89 pixels apart
        assert np.linalg.norm(middle(found, label) - expected) < 4, label
    upper, lower = (middle(found, one) for one in (Label.UPPER_LIP, Label.LOWER_LIP))
    assert upper[1] < points[[60, 64], 1].mean() < lower[1]
    assert abs(upper[0] - points[48:60, 0].mean()) < 4
    nose = middle(found, Label.NOSE)
    assert points[27, 1] < nose[1] < points[33, 1] + 1


@pytest.mark.parametrize("name", ["builtin", "unnamed"])
def test_finds_is_what_it_finds(request, name: str) -> None:
    parser = ModelParser()
    assert isinstance(parser, FaceParser)
    model = request.getfixturevalue(name)
    opened = faces(model, [0.0, 30.0], **{model.expression_names[_jaw(model)]: _much(model)})
    assert set(parse(opened).unique().tolist()) == set(parser.finds)


def _jaw(model: MorphableModel) -> int:
    """The expression that parts the lips furthest."""
    modes = model.modes("expression").view(len(model.expression_names), -1, 3)
    return int((modes[:, model.landmarks[62], 1] - modes[:, model.landmarks[66], 1]).abs().argmax())


def _much(model: MorphableModel) -> float:
    """A weight of that expression that opens the mouth by 0.2 decimetres."""
    mode = model.modes("expression").view(len(model.expression_names), -1, 3)[_jaw(model)]
    return 0.2 / (mode[model.landmarks[62], 1] - mode[model.landmarks[66], 1]).item()


@pytest.mark.parametrize("name", ["builtin", "unnamed"])
def test_an_open_mouth_is_inner_mouth_where_its_points_enclose_it(request, name: str) -> None:
    from matplotlib.path import Path as Outline

    model = request.getfixturevalue(name)
    fitted = faces(model, [0.0], **{model.expression_names[_jaw(model)]: _much(model)})
    found, points = parse(fitted)[0].numpy(), landmarks(fitted)
    pixels = np.indices((224, 224))[::-1].reshape(2, -1).T
    expected = Outline(points[60:68]).contains_points(pixels).reshape(224, 224)
    assert expected.sum() > 300
    mouth = found == Label.INNER_MOUTH
    assert (mouth & expected).sum() / (mouth | expected).sum() > 0.8


def test_pixels_are_the_heaviest_of_blended_labels(builtin: MorphableModel) -> None:
    fitted = faces(builtin, [-40.0, 10.0])
    at, camera = fitted.coefficients, Camera().resized(96)
    points = camera.project(place(builtin.shape(at), at.rotation, at.translation))
    fragments = rasterize(points, builtin.triangles, 96, 96)
    labels = label_by_regions(builtin)
    each = torch.nn.functional.one_hot(labels, len(Label)).float().expand(2, -1, -1)
    blended = interpolate(fragments, builtin.triangles, each)
    found = parse(fitted, 96)
    first, second = blended.topk(2, dim=1).values.unbind(1)
    clear = (first - second > 1e-5) | ~fragments.coverage
    torch.testing.assert_close(found[clear], blended.argmax(1)[clear])
    assert ((found > 0) == fragments.coverage).all()
    assert clear.float().mean() > 0.99


def test_weights_add_up_over_corners_of_one_label() -> None:
    points = torch.tensor([[[0.0, 0, 1], [0, 9, 1], [9, 0, 1]]])
    triangles = torch.tensor([[0, 1, 2]])
    fragments = rasterize(points, triangles, 4, 4)
    labels = torch.tensor([[5, 7, 7]])
    found = label_pixels(fragments, triangles, labels)
    # At (2, 2) the first corner weighs 5/9, the others 2/9 each; at (3, 3) 3/9 against 6/9.
    assert found[0, 2, 2] == 5
    assert found[0, 3, 3] == 7


@pytest.mark.parametrize(("yaw", "seen"), [(80.0, "RIGHT"), (-80.0, "LEFT")])
@pytest.mark.parametrize("name", ["builtin", "unnamed"])
def test_what_the_head_hides_is_not_labelled(request, name: str, yaw: float, seen: str) -> None:
    # The nose turned to the image's right shows the right side of the face.
    found = parse(faces(request.getfixturevalue(name), [yaw]))[0]
    hidden = "LEFT" if seen == "RIGHT" else "RIGHT"
    assert (found == Label[f"{seen}_BROW"]).sum() > 60
    assert (found == Label[f"{hidden}_BROW"]).sum() < 20
    assert (found == Label[f"{seen}_EYE"]).sum() > 20
    assert (found == Label[f"{hidden}_EYE"]).sum() == 0


def test_sides_are_mirror_images(builtin: MorphableModel) -> None:
    labels = label_by_regions(builtin)
    swap = torch.arange(len(Label))
    swap[[4, 5, 6, 7]] = torch.tensor([5, 4, 7, 6])
    torch.testing.assert_close(labels[builtin.symmetry], swap[labels])


def test_each_lip_hangs_together(builtin: MorphableModel) -> None:
    """No vertex of an upper lip's rim counts as lower: a lip's triangles are of one label."""
    labels = label_by_regions(builtin)[builtin.triangles]
    lips = torch.isin(labels, torch.tensor([Label.UPPER_LIP, Label.LOWER_LIP])).all(1)
    mixed = lips & (labels != labels[:, :1]).any(1)
    x = builtin.mean_shape[builtin.triangles][..., 0].mean(1).abs()
    corner = builtin.mean_shape[builtin.landmarks[54], 0]
    assert lips.sum() > 500
    assert not (mixed & (x < 0.85 * corner)).any()


def test_a_batch_is_its_images_and_sizes_agree(builtin: MorphableModel) -> None:
    both = parse(faces(builtin, [0.0, 45.0]))
    for image, yaw in enumerate((0.0, 45.0)):
        torch.testing.assert_close(both[image], parse(faces(builtin, [yaw]))[0])
    large = parse(faces(builtin, [0.0]), 448)[0]
    for label in (Label.SKIN, Label.NOSE, Label.LEFT_EYE):
        share = (large == label).float().mean() / (both[0] == label).float().mean()
        assert 0.93 < share < 1.07
        np.testing.assert_allclose(
            (middle(large, label) + 0.5) / 2, middle(both[0], label) + 0.5, atol=0.5
        )


def test_faces_have_to_be_as_many_as_photos(builtin: MorphableModel) -> None:
    with pytest.raises(ValueError, match="3 photos, 2 fitted faces"):
        ModelParser().parse(torch.rand(3, 3, 32, 32), faces(builtin, [0.0, 0.0]))


def test_coefficients_of_another_model_are_refused(builtin: MorphableModel) -> None:
    fitted = faces(builtin, [0.0])
    other = replace(fitted, coefficients=replace(fitted.coefficients, model="0" * 64))
    with pytest.raises(WrongFaceModel, match="these coefficients"):
        parse(other)


def test_the_identity_is_of_the_method_alone() -> None:
    assert ModelParser().identity == {"method": "model", "torch": torch.__version__}


@pytest.mark.parametrize("name", ["builtin", "unnamed"])
def test_a_drawn_face_is_parsed_alike(name: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(name)
    fitted = faces(model, [0.0, 40.0], **{model.expression_names[_jaw(model)]: _much(model)})
    one = fitted.coefficients
    placed = place(model.shape(one), one.rotation, one.translation)
    at = fitted.camera.resized(64).project(placed)
    found = parse_drawn(rasterize(at, model.triangles, 64, 64), fitted)
    assert torch.equal(found, parse(fitted, 64))
    assert (found == Label.INNER_MOUTH).any()
