"""The losses, each against its formula, and each trap of the published code as a wrong form."""

import pytest
import torch
from torch import Tensor, nn

from cfr.gan import losses
from cfr.gan.discriminator import Discriminator


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


class Linear(nn.Module):
    """Logits that are linear in the pixels: the slope of their sum is known."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, faces: Tensor) -> Tensor:
        return (2 * faces - 1).flatten(1) @ self.weights.T


def faces(batch: int = 3, side: int = 8) -> Tensor:
    return torch.rand(batch, 3, side, side)


def test_divergence_of_a_linear_judge() -> None:
    """‖Σ rows‖⁶, twice, halved and doubled; the mean of the logits would give next to nothing."""
    judge = Linear(torch.randn(5, 192))
    real, painted = faces(), faces()
    found = losses.divergence(judge, real, painted)
    slope = judge.weights.detach().sum(0).norm()
    assert found.penalty.item() == pytest.approx(2 * slope.item() ** 6, rel=1e-4)
    expected = judge(painted).mean() - judge(real).mean()
    assert found.distance.item() == pytest.approx(expected.item(), rel=1e-4)
    of_mean = 2 * (slope.item() / 5) ** 6
    assert found.penalty.item() > 1000 * of_mean


def test_the_slope_of_painted_faces_counts() -> None:
    """The published code multiplies it by zero."""
    judge = Discriminator(4)
    judge.eval()
    real, painted = faces(2, 32), faces(2, 32)
    both = losses.divergence(judge, real, painted).penalty
    first = losses.divergence(judge, real, painted, slope_of="real").penalty
    other = losses.divergence(judge, painted, real, slope_of="real").penalty
    assert both.item() == pytest.approx((first + other).item(), rel=1e-4)
    assert 0 < first < both
    elsewhere = losses.divergence(judge, real, faces(2, 32), slope_of="real").penalty
    assert elsewhere.item() == pytest.approx(first.item(), rel=1e-6)


def test_the_penalty_teaches_the_judge_and_not_the_painter() -> None:
    judge = Discriminator(4)
    source = nn.Parameter(faces(2, 32))
    found = losses.divergence(judge, faces(2, 32), source)
    (found.distance + found.penalty).backward()
    assert source.grad is None
    assert all(one.grad is not None for one in judge.parameters())
    penalty = losses.divergence(judge, faces(2, 32), source).penalty
    (steep,) = torch.autograd.grad(penalty, [judge.fine[0].parametrizations.weight.original])  # type: ignore[union-attr]
    assert steep.abs().max() > 0


def test_k_and_p() -> None:
    judge = Linear(torch.randn(5, 192))
    real, painted = faces(), faces()
    slope = judge.weights.detach().sum(0).norm().item()
    found = losses.divergence(judge, real, painted, factor=3.0, power=2.0)
    assert found.penalty.item() == pytest.approx(3 / 2 * 2 * slope**2, rel=1e-4)


def test_the_painter_wants_high_logits() -> None:
    logits = torch.tensor([[1.0, 3.0]], requires_grad=True)
    losses.adversarial(logits).backward()
    assert torch.equal(logits.grad, torch.tensor([[-0.5, -0.5]]))  # type: ignore[arg-type]


def test_mask_error_is_a_mean_square() -> None:
    found, truth = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    assert losses.mask_error(found, truth).item() == pytest.approx(((found - truth) ** 2).mean())


def test_reconstruction_is_eq_11() -> None:
    """A sum over colours in [−1, 1] at each hidden pixel, a mean over these."""
    painted, photo, mask = faces(), faces(), (torch.rand(3, 1, 8, 8) > 0.7).float()
    total = count = 0.0
    for image in range(3):
        for row in range(8):
            for column in range(8):
                if mask[image, 0, row, column]:
                    apart = 2 * (painted - photo)[image, :, row, column]
                    total, count = total + apart.abs().sum().item(), count + 1
    assert losses.reconstruction(painted, photo, mask).item() == pytest.approx(
        total / count, rel=1e-5
    )


def test_a_photo_meets_its_own_mask_alone() -> None:
    """The published product of (b, h, w) and (b, 1, h, w) lets every photo meet every mask."""
    photo = faces(2)
    painted = photo.clone()
    painted[0] += 0.5
    mask = torch.zeros(2, 1, 8, 8)
    mask[1] = 1
    assert losses.reconstruction(painted, photo, mask).item() == 0
    published = ((2 * (painted - photo)).abs().sum(1) * mask).sum() / mask.sum()
    assert published > 1


def test_a_mask_cannot_shrink_to_cut_the_loss() -> None:
    painted, mask = faces().requires_grad_(), torch.rand(3, 1, 8, 8, requires_grad=True)
    losses.reconstruction(painted, faces(), mask).backward()
    assert mask.grad is None
    assert painted.grad is not None


def test_nothing_hidden_costs_nothing() -> None:
    found = losses.reconstruction(faces(), faces(), torch.zeros(3, 1, 8, 8))
    assert found.item() == 0


def two_maps(pictures: Tensor) -> list[Tensor]:
    return [pictures.square(), pictures.mean((2, 3), keepdim=True)]


@pytest.mark.parametrize("form", ["l1", "mse"])
def test_perceptual_weighs_the_maps(form: str) -> None:
    painted, photo = faces().requires_grad_(), faces().requires_grad_()
    found = losses.perceptual(two_maps, painted, photo, (0.25, 2.0), form=form)  # type: ignore[arg-type]
    power = 1 if form == "l1" else 2
    terms = [
        (one - other).abs().pow(power).mean()
        for one, other in zip(two_maps(painted), two_maps(photo), strict=True)
    ]
    assert found.item() == pytest.approx((0.25 * terms[0] + 2 * terms[1]).item(), rel=1e-5)
    found.backward()
    assert photo.grad is None
    assert painted.grad is not None


def test_a_weight_for_each_map() -> None:
    with pytest.raises(ValueError, match="2 feature maps for 3 weights"):
        losses.perceptual(two_maps, faces(), faces(), (1.0, 1.0, 1.0))


def test_identity_is_one_minus_the_cosine() -> None:
    def embed(crops: Tensor) -> Tensor:
        return crops.mean((2, 3))

    painted, photo = torch.randn(4, 3, 112, 112).requires_grad_(), torch.randn(4, 3, 112, 112)
    found = losses.identity(embed, painted, photo)
    one, other = embed(painted), embed(photo)
    cosine = (one * other).sum(1) / one.norm(dim=1) / other.norm(dim=1)
    assert found.item() == pytest.approx(1 - cosine.mean().item(), rel=1e-5)
    assert losses.identity(embed, photo, photo).item() == pytest.approx(0, abs=1e-6)
    found.backward()
    assert painted.grad is not None
