"""Convolutions of 3 × 3 by Winograd's minimal filtering: fewer products, for wide layers on a CPU.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016: F(4 × 4, 3 × 3) takes
36 products for 16 outputs instead of 144. PyTorch's own CPU convolutions do without; those of a GPU
do not. Sums are of other terms, so that results differ in the fifth digit.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_TILE, _SEEN = 4, 6  # outputs of a tile, and inputs that they see, along each side
_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_FILTER = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
FEWEST = 96
"""Channels from where on it is faster: with fewer, moving tiles costs more than it saves."""


class WinogradConv(nn.Module):
    """What a convolution computes, for inference only.

    Args:
        conv: 3 × 3, stride 1, one pixel of border, not grouped; its weights are copied.
    """

    filters: Float[Tensor, "36 o c"]
    bias: Float[Tensor, " o"]
    to_tiles: Float[Tensor, "36 36"]
    from_tiles: Float[Tensor, "16 36"]

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.mode = "reflect" if conv.padding_mode == "reflect" else "constant"
        weight = conv.weight.detach()
        spread = weight.new_tensor(_FILTER, dtype=torch.float64)
        filters = torch.einsum("ij,ocjk,lk->iloc", spread, weight.double(), spread)
        bias = weight.new_zeros(len(weight)) if conv.bias is None else conv.bias.detach().clone()
        self.register_buffer("filters", filters.flatten(0, 1).to(weight).contiguous())
        self.register_buffer("bias", bias)
        for name, rows in (("to_tiles", _INPUT), ("from_tiles", _OUTPUT)):
            one = weight.new_tensor(rows)
            self.register_buffer(name, torch.kron(one, one))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o h w"]:
        """The convolution of any picture of two pixels a side or more."""
        batch, channels, height, width = x.shape
        rows, columns = -(-height // _TILE), -(-width // _TILE)
        x = functional.pad(x, (1, 1, 1, 1), mode=self.mode)
        x = functional.pad(x, (0, columns * _TILE - width, 0, rows * _TILE - height))
        tiles = x.transpose(0, 1).unfold(2, _SEEN, _TILE).unfold(3, _SEEN, _TILE)
        seen = tiles.permute(4, 5, 0, 1, 2, 3).reshape(_SEEN**2, -1)
        moved = (self.to_tiles @ seen).view(_SEEN**2, channels, -1)
        product = torch.bmm(self.filters, moved)
        outputs = product.shape[1]
        back = (self.from_tiles @ product.view(_SEEN**2, -1)).view(
            _TILE, _TILE, outputs, batch, rows, columns
        )
        whole = back.permute(3, 2, 4, 0, 5, 1).reshape(batch, outputs, rows * _TILE, -1)
        return whole[..., :height, :width] + self.bias[:, None, None]


def fits(layer: nn.Module) -> bool:
    """Whether a layer is a convolution that :class:`WinogradConv` computes, and sooner."""
    return (
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (3, 3)
        and layer.stride == layer.dilation == (1, 1)
        and layer.padding == (1, 1)
        and layer.groups == 1
        and layer.padding_mode in ("zeros", "reflect")
        and min(layer.in_channels, layer.out_channels) >= FEWEST
    )


def use_winograd(net: nn.Module) -> None:
    """Replace the convolutions that it suits, in place: for inference on a CPU only."""
    for layer in list(net.modules()):
        for name, child in list(layer.named_children()):
            if fits(child):
                setattr(layer, name, WinogradConv(child))  # type: ignore[arg-type]
