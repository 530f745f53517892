"""What a batch costs, against sums written by hand, and what must not reach it."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cfr.camera import Camera, place
from cfr.mesh import reconstruct
from cfr.morphable.model import MorphableModel
from cfr.regressor import mini, objectives
from cfr.regressor.batches import Batch
from cfr.regressor.face_loss import SeenFaces
from cfr.regressor.network import MINI, Features, RNet, build
from cfr.regressor.objectives import Cost, FaceObjective, StudentObjective
from cfr.regressor.presets import STAGE1, STAGE2, FacePreset, KnownWeights, PartWeights
from cfr.regressor.skin import skin_colored
from cfr.render.shading import render

SIZE = 64
CAMERA = Camera().resized(SIZE)
PHOTOS = (1, 3, 6)
PAPER = STAGE1["paper"]
PARTS = PartWeights(1.0, 2.0, 3.0, 5.0, 0.5, 7.0)
OURS = replace(mini.STAGE1, known=KnownWeights(PARTS, landmarks=0.3, faces=0.2, rendered=8))
TWO = replace(OURS, known=KnownWeights(rendered=2))


class Told:
    """A network that says what it is told to, whatever it is shown, and keeps what it was shown."""

    def __init__(self, vector: Tensor) -> None:
        self.vector, self.shown = vector.clone().requires_grad_(), []

    def look(self, photo: Tensor) -> Features:
        self.shown.append(photo)
        return Features((self.vector, self.vector, self.vector), self.vector, self.vector)

    def gradient(self, cost: Tensor) -> Tensor:
        return torch.autograd.grad(cost, self.vector)[0]


@pytest.fixture
def net(small_model: MorphableModel) -> RNet:
    """With heads that say something, evaluating."""
    torch.manual_seed(1)
    made = build(MINI, small_model.layout(), size=SIZE)
    for head in made.heads.values():
        nn.init.normal_(head.weight, std=0.01)  # type: ignore[arg-type]
    return made.eval()


@pytest.fixture
def batch(small_model: MorphableModel) -> Batch:
    """Eight samples, three of them photos, with a black bar as the occluder."""
    torch.manual_seed(2)
    skin = torch.tensor((0.8, 0.55, 0.45)).view(1, 3, 1, 1)
    clean = (skin + 0.05 * torch.randn(8, 3, SIZE, SIZE)).clamp(0, 1)
    given = clean.clone()
    given[:, :, 30:50] = 0
    points = torch.rand(8, 68, 2) * SIZE
    photo = torch.zeros(8, dtype=torch.bool)
    photo[list(PHOTOS)] = True
    return Batch(
        given=given,
        clean=clean,
        points=points,
        vector=0.2 * torch.randn(8, small_model.layout().size),
        photo=photo,
        known=torch.tensor([True, False, True, True, False, True, True, True]),
        lit=torch.tensor([True, False, False, True, False, True, False, True]),
        estimated=torch.tensor([True, False, True, True, False, False, False, True]),
    )


@pytest.fixture
def told(small_model: MorphableModel) -> Told:
    torch.manual_seed(3)
    return Told(0.1 * torch.randn(8, small_model.layout().size))


@pytest.fixture(scope="module")
def recognizer() -> nn.Module:
    torch.manual_seed(5)
    layers = nn.Conv2d(3, 4, 7, stride=7), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16 * 16, 8)
    return nn.Sequential(*layers).requires_grad_(False).eval()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[SeenFaces]:
    """What the losses of photos are shown."""
    found: list[SeenFaces] = []
    original = objectives.face_losses

    def spy(seen: SeenFaces, *more: Any) -> dict[str, Tensor]:
        found.append(seen)
        return original(seen, *more)

    monkeypatch.setattr(objectives, "face_losses", spy)
    return found


def points_of(model: MorphableModel, vector: Tensor) -> Tensor:
    """All vertices, and then the 68."""
    found = model.layout().split(vector)
    placed = place(model.shape(found), found.rotation, found.translation)
    return CAMERA.project(placed)[:, model.landmarks, :2]


def photo_terms(
    model: MorphableModel, vector: Tensor, batch: Batch, offset: tuple[float, float], heavy: Tensor
) -> dict[str, float]:
    """The losses of photos but identity, a photo at a time."""
    layout, each = model.layout(), []
    for row in PHOTOS:
        found = layout.split(vector[row : row + 1])
        drawn = render(reconstruct(model, found), CAMERA)
        photo = batch.clean[row]
        compared = skin_colored(photo[None])[0] & drawn.coverage[0]
        apart = (drawn.image[0] - photo).square().sum(dim=0).sqrt()
        missed = points_of(model, vector[row : row + 1])[0] + torch.tensor(offset)
        missed = (missed - batch.points[row]).square().sum(dim=1) * (224 / SIZE) ** 2
        colors = model.albedo(found)[0, model.skin]
        lights = found.lighting.view(3, 9)
        sizes = (found.identity, 1.0), (found.expression, 0.8), (found.texture, 0.017)
        each.append(
            {
                "photometric": apart[compared].mean(),
                "landmarks": (heavy * missed).mean() * (0.7 if batch.estimated[row] else 1.0),
                "prior": sum(weight * part.square().sum() for part, weight in sizes),
                "reflectance": colors.var(dim=0, correction=0).sum(),
                "gamma": (lights - lights.mean(dim=0)).square().mean(),
            }
        )
    return {name: float(np.mean([float(one[name]) for one in each])) for name in each[0]}


def errors_by_hand(model: MorphableModel, vector: Tensor, batch: Batch) -> dict[str, float]:
    """Mean squared errors of the coefficients that are known."""
    found, start = {}, 0
    for name, size in model.layout().sizes.items():
        counts = batch.lit if name == "lighting" else batch.known
        part = (vector - batch.vector)[counts, start : start + size]
        found[f"error of {name}"] = part.square().mean().item()
        start += size
    return found


def weighed(terms: dict[str, float]) -> float:
    weights = {"photometric": 1.92, "landmarks": 1.6e-3, "prior": 3e-4, "reflectance": 5.0}
    return sum(value * (weights | {"gamma": 10.0})[name] for name, value in terms.items())


def values(cost: Cost) -> dict[str, float]:
    return {name: term.item() for name, term in cost.terms.items()}


@torch.no_grad()
def test_our_cost_is_the_sum_written_by_hand(
    small_model: MorphableModel, net: RNet, batch: Batch
) -> None:
    net.offset = (1.5, -2.0)
    cost = FaceObjective(net, small_model, OURS)(net, batch)
    vector = net(batch.given)
    of_photos = photo_terms(small_model, vector, batch, net.offset, torch.ones(68))
    errors = errors_by_hand(small_model, vector, batch)
    apart = points_of(small_model, vector) + torch.tensor(net.offset) - batch.points
    squares = (apart * 224 / SIZE).square().sum(dim=-1)
    near = ((squares + 1).sqrt() - 1).mean().item()
    expected = of_photos | errors | {"all landmarks": near}
    assert values(cost) == pytest.approx(expected, rel=1e-3)
    summed = 0.2 * weighed(of_photos) + 0.3 * near
    summed += float(np.dot([*errors.values()], (1.0, 2.0, 3.0, 5.0, 0.5, 7.0)))
    assert float(cost.total) == pytest.approx(summed, rel=1e-4)


@torch.no_grad()
def test_the_published_cost_is_that_of_the_photos(
    small_model: MorphableModel, net: RNet, batch: Batch, looked: list[SeenFaces]
) -> None:
    objective = FaceObjective(net, small_model, PAPER)
    cost = objective(net, batch)
    heavy = torch.ones(68)
    heavy[28:31] = heavy[60:68] = 20
    expected = photo_terms(small_model, net(batch.given), batch, (0.0, 0.0), heavy)
    assert values(cost) == pytest.approx(expected, rel=1e-3)
    assert float(cost.total) == pytest.approx(weighed(expected), rel=1e-4)
    assert len(looked[0].photo) == len(PHOTOS)


def test_without_known_weights_nothing_else_counts(
    small_model: MorphableModel, net: RNet, batch: Batch, told: Told
) -> None:
    objective = FaceObjective(net, small_model, PAPER)
    cost = objective(told, batch)
    others = (~batch.photo)[:, None, None]
    emptied = batch._replace(
        clean=torch.where(others[..., None], torch.nan, batch.clean),
        points=torch.where(others, torch.nan, batch.points),
        vector=torch.full_like(batch.vector, torch.nan),
    )
    again = objective(told, emptied)
    assert again.total.item() == cost.total.item()
    gradient = told.gradient(again.total)
    assert gradient.isfinite().all()
    assert not gradient[~batch.photo].any()
    assert gradient[batch.photo].any(dim=1).all()


@pytest.mark.parametrize("preset", [PAPER, OURS], ids=["paper", "ours"])
def test_the_occluder_never_reaches_a_target(
    preset: FacePreset,
    small_model: MorphableModel,
    net: RNet,
    batch: Batch,
    told: Told,
    looked: list[SeenFaces],
) -> None:
    objective = FaceObjective(net, small_model, preset)
    cost = objective(told, batch)
    bare = objective(told, batch._replace(given=batch.clean))
    assert bare.total.item() == cost.total.item()
    assert torch.equal(told.shown[0], batch.given)
    rows = list(PHOTOS)
    assert torch.equal(looked[0].photo, batch.clean[rows])
    assert torch.equal(looked[0].mask, skin_colored(batch.clean[rows]))
    assert looked[0].mask[:, 30:50].any()  # the bar hides skin
    soiled = objective(told, batch._replace(clean=batch.given))
    assert soiled.total.item() != cost.total.item()


def test_what_is_not_known_reaches_nothing(
    small_model: MorphableModel, net: RNet, batch: Batch, told: Told
) -> None:
    objective = FaceObjective(net, small_model, OURS)
    cost = objective(told, batch)
    expected = told.gradient(cost.total)
    vector = batch.vector.clone()
    vector[~batch.known] = torch.nan
    start = sum(list(small_model.layout().sizes.values())[:4])
    vector[~batch.lit, start : start + 27] = torch.nan
    assert vector[2].isfinite().any()  # known, but for its light
    assert vector[2].isnan().any()
    again = objective(told, batch._replace(vector=vector))
    assert values(again) == values(cost)
    assert again.total.item() == cost.total.item()
    assert torch.equal(told.gradient(again.total), expected)
    vector[0, 0] = torch.nan
    assert objective(told, batch._replace(vector=vector)).total.isnan()


def test_only_some_photos_are_rendered(
    small_model: MorphableModel,
    net: RNet,
    batch: Batch,
    told: Told,
    looked: list[SeenFaces],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered: list[int] = []

    def spy(mesh: Any, camera: Camera) -> Any:
        rendered.append(len(mesh.vertices))
        return render(mesh, camera)

    monkeypatch.setattr(objectives, "render", spy)
    objective = FaceObjective(net, small_model, TWO)
    objective(told, batch)
    assert rendered == [2]
    assert torch.equal(looked[0].photo, batch.clean[[1, 3]])
    assert torch.equal(looked[0].truth, batch.points[[1, 3]])
    assert looked[0].estimated.tolist() == [False, True]
    cost = objective(told, batch._replace(photo=torch.zeros_like(batch.photo)))
    assert rendered == [2]
    assert "photometric" not in cost.terms
    assert told.gradient(cost.total).isfinite().all()


def test_identity_counts_where_there_is_a_recognizer(
    small_model: MorphableModel, net: RNet, batch: Batch, recognizer: nn.Module
) -> None:
    without = FaceObjective(net, small_model, OURS)
    assert without.left_out == ("no identity loss: no recognizer was given",)
    assert without.weights.identity == 0
    plain = without(net, batch)
    assert "identity" not in plain.terms
    objective = FaceObjective(net, small_model, OURS, recognizer)
    assert objective.left_out == ()
    cost = objective(net, batch)
    identity = cost.terms["identity"]
    assert 0 < identity.item() < 2
    added = cost.total.item() - plain.total.item()
    assert added == pytest.approx(0.2 * 0.2 * identity.item(), rel=1e-2)
    identity.backward()
    for name in ("identity", "rotation"):
        gradient = net.heads[name].weight.grad
        assert isinstance(gradient, Tensor)
        assert gradient.any()
    first = next(net.trunk.parameters()).grad
    assert first is not None
    assert first.any()
    assert all(one.grad is None for one in recognizer.parameters())


@torch.no_grad()
def test_a_students_cost_is_the_sum_written_by_hand(
    small_model: MorphableModel, net: RNet, batch: Batch
) -> None:
    cost = StudentObjective(net, small_model, STAGE2["paper"])(net, batch)
    student, teacher = net.look(batch.given), net.look(batch.clean)
    mine, theirs = (*student.maps, student.pooled), (*teacher.maps, teacher.pooled)
    pairs = zip((1 / 8, 1 / 4, 1 / 2, 1), mine, theirs, strict=True)
    features = sum(weight * (one - other).square().mean() for weight, one, other in pairs) / 4
    groups = slice(0, 5), slice(5, 9), slice(9, None)
    apart = (student.vector - teacher.vector).square()
    points = [points_of(small_model, one.vector) for one in (student, teacher)]
    heavy = torch.ones(68)
    heavy[36:48] = heavy[60:68] = 20
    moved = (points[0] - points[1]).abs().sum(dim=-1) * 224 / SIZE
    expected = {
        "features": float(features),
        "coefficients": sum(apart[:, group].mean().item() for group in groups),
        "landmarks": (heavy * moved).mean().item(),
    }
    assert min(expected.values()) > 0
    assert values(cost) == pytest.approx(expected, rel=1e-3)
    weights = {"features": 1.0, "coefficients": 0.1, "landmarks": 0.01}
    summed = sum(weights[name] * value for name, value in expected.items())
    assert float(cost.total) == pytest.approx(summed, rel=1e-4)


def test_the_teacher_sees_no_occluder_and_does_not_move(
    small_model: MorphableModel, net: RNet, batch: Batch
) -> None:
    """A student that says of the occluded faces what it said of the clean ones costs nothing."""
    objective = StudentObjective(net, small_model, mini.STAGE2)
    before = copy.deepcopy(net.state_dict())
    taught = net.look(batch.clean)
    assert objective(net, batch._replace(given=batch.clean)).total == 0

    class Model:
        def look(self, photo: Tensor) -> Features:
            assert torch.equal(photo, batch.given)
            return taught

    assert objective(Model(), batch).total == 0
    optimizer = torch.optim.AdamW(net.parameters(), 0.01)
    cost = objective(net.train(), batch)
    assert cost.total > 0
    cost.total.backward()
    optimizer.step()
    now = net.state_dict()
    moved = {name for name, one in before.items() if not torch.equal(one, now[name])}
    assert {"heads.identity.weight", "trunk.bn1.running_mean"} <= moved
    teacher = objective.teacher
    assert not teacher.training
    assert all(one.grad is None and not one.requires_grad for one in teacher.parameters())
    torch.testing.assert_close(dict(teacher.state_dict()), dict(before), rtol=0, atol=0)
    assert torch.equal(teacher.look(batch.clean).vector, taught.vector)
