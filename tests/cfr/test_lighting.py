import numpy as np
import pytest
import torch

from cfr.lighting import harmonics, shade

A = (np.pi, 2 * np.pi / np.sqrt(3), 2 * np.pi / np.sqrt(8))
C = (1 / np.sqrt(4 * np.pi), np.sqrt(3) / np.sqrt(4 * np.pi), 3 * np.sqrt(5) / np.sqrt(12 * np.pi))


def random_normals(count: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(count, 3, dtype=torch.float64), dim=-1)


def published(x: float, y: float, z: float) -> list[float]:
    """The nine values as Deep3D lists them."""
    return [
        A[0] * C[0],
        -A[1] * C[1] * y,
        A[1] * C[1] * z,
        -A[1] * C[1] * x,
        A[2] * C[2] * x * y,
        -A[2] * C[2] * y * z,
        A[2] * C[2] / (2 * np.sqrt(3)) * (3 * z**2 - 1),
        -A[2] * C[2] * x * z,
        A[2] * C[2] / 2 * (x**2 - y**2),
    ]


def test_the_constants_are_the_published_ones() -> None:
    x, y, z = torch.eye(3, dtype=torch.float64)
    assert harmonics(x)[0].item() == pytest.approx(0.886227, abs=5e-7)
    assert harmonics(y)[1].item() == pytest.approx(-1.772454, abs=5e-7)
    assert 2 * harmonics((x + y) / np.sqrt(2))[4].item() == pytest.approx(2.427032, abs=5e-7)
    assert harmonics(z)[6].item() / 2 == pytest.approx(0.700624, abs=5e-7)
    assert harmonics(x)[8].item() == pytest.approx(1.213516, abs=5e-7)


def test_the_basis_is_the_published_one() -> None:
    normals = random_normals(30)
    expected = [published(*normal) for normal in normals.tolist()]
    assert np.allclose(harmonics(normals).numpy(), expected)


def test_no_weights_are_an_even_light() -> None:
    albedo = torch.rand(2, 30, 3, dtype=torch.float64)
    lit = shade(albedo, random_normals(60).view(2, 30, 3), torch.zeros(2, 27).double())
    assert torch.allclose(lit, albedo * 0.8 * 0.8862269254527579)


def test_channels_have_their_own_nine_weights() -> None:
    normals = random_normals(10)
    weights = torch.randn(27, dtype=torch.float64)
    lit = shade(torch.ones(1, 10, 3).double(), normals[None], weights[None])[0]
    for vertex, normal in enumerate(normals.tolist()):
        for channel in range(3):
            own = weights[9 * channel : 9 * channel + 9].clone()
            own[0] += 0.8
            expected = sum(p * w for p, w in zip(published(*normal), own.tolist(), strict=True))
            assert lit[vertex, channel].item() == pytest.approx(expected)


def test_one_light_is_three_equal_ones() -> None:
    albedo, normals = torch.rand(2, 30, 3).double(), random_normals(60).view(2, 30, 3)
    mono = torch.randn(2, 9, dtype=torch.float64)
    assert torch.allclose(shade(albedo, normals, mono), shade(albedo, normals, mono.repeat(1, 3)))


def test_another_number_of_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="27 or 9 lighting weights, found 18"):
        shade(torch.ones(1, 1, 3), torch.ones(1, 1, 3), torch.zeros(1, 18))


def test_gradients_agree_with_finite_differences() -> None:
    parts = (torch.rand(1, 4, 3), random_normals(4)[None], torch.rand(1, 27))
    assert torch.autograd.gradcheck(shade, tuple(one.double().requires_grad_() for one in parts))
