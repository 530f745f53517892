"""How a network is asked, with networks whose answers are known."""

import pytest
import torch
from torch import Tensor, nn

from cfr.parsing.network import NetworkParser
from cfr.parsing.types import FaceParser, Label


class Stripes(nn.Module):
    """Class 1 where red outweighs green, else class 0; and keeps what it was asked."""

    asked: Tensor

    def forward(self, photo: Tensor) -> Tensor:
        self.asked = photo
        return torch.stack((photo[:, 1], photo[:, 0]), dim=1)


def parser(size: int) -> tuple[NetworkParser, Stripes]:
    network = Stripes()
    return NetworkParser("stripes", network, size, (Label.HAIR, Label.NECK), "0" * 64), network


def halves(size: int) -> Tensor:
    """Green at the left, red at the right; the second photo is its mirror image."""
    photo = torch.zeros(2, 3, size, size)
    photo[0, 1, :, : size // 2] = photo[0, 0, :, size // 2 :] = 1
    photo[1] = photo[0].flip(-1)
    return photo


@pytest.mark.parametrize(("size", "asked"), [(8, 32), (32, 32), (64, 32)])
def test_classes_become_labels_at_the_photo_s_size(size: int, asked: int) -> None:
    one, network = parser(asked)
    assert isinstance(one, FaceParser)
    found = one.parse(halves(size), None)
    assert network.asked.shape == (2, 3, asked, asked)
    expected = torch.full((size, size), Label.HAIR)
    expected[:, size // 2 :] = Label.NECK
    torch.testing.assert_close(found, torch.stack((expected, expected.flip(-1))).long())


def test_a_photo_of_its_size_reaches_the_network_as_it_is() -> None:
    one, network = parser(16)
    photo = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    one.parse(photo, None)
    torch.testing.assert_close(network.asked, photo)


def test_a_small_photo_is_enlarged_corner_to_corner() -> None:
    one, network = parser(7)
    photo = torch.arange(4.0).expand(1, 3, 4, 4) / 3  # a ramp from edge to edge
    one.parse(photo, None)
    torch.testing.assert_close(network.asked[0, 0, 0], torch.arange(7.0) / 6)


def test_a_large_photo_is_averaged_not_picked_from() -> None:
    one, network = parser(8)
    photo = torch.zeros(1, 3, 64, 64)
    photo[..., 3::8] = photo[..., 4::8] = 1  # a quarter, at which picking would look alone
    one.parse(photo, None)
    assert (network.asked[..., 1:-1] - 0.25).abs().max() < 0.01


def test_identity_says_what_decides_and_no_more() -> None:
    one, _ = parser(8)
    assert one.finds == {Label.HAIR, Label.NECK}
    assert one.identity == {
        "method": "stripes",
        "weights": "0" * 64,
        "size": "8",
        "order": "13 17",
        "torch": torch.__version__,
    }
