"""The authors' generator ``rotate`` of Hangz-nju-cuhk/Rotate-and-Render, by key map.

Their other one, ``rotatespade``, also sees landmarks; its layers have other names: it is refused.
"""

from collections.abc import Iterator
from pathlib import Path

from cfr.gan.published import load_named
from cfr.gan.sizes import RotateSize
from cfr.rotate_and_render.generator import RotateGenerator


def load_published_rotate(path: Path) -> RotateGenerator:
    """Import the authors' generator, in evaluation mode.

    Args:
        path: A file of ``torch.save`` (``*_net_G.pth``; read without running code from it);
            ``module.`` may stand before the names.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged or another network's; lists missing and unexpected names and
            other shapes.
    """
    net = RotateGenerator()
    what = "the weights of Rotate-and-Render's generator rotate"
    load_named(net, path, dict(_prefixes(RotateSize())), what)
    return net.eval()


def _prefixes(size: RotateSize) -> Iterator[tuple[str, str]]:
    yield "first.0", "first_layer.1.0"
    for place in range(size.downs):  # there a ReLU is a layer of its own
        yield f"down.{place}.0", f"downsample_layers.{2 * place}.0"
        yield f"up.{place}.0", f"upsample_layers.{2 * place}.0"
    for block in range(size.blocks):
        yield f"residual.{block}.first.0", f"resnet_layers.{block}.conv_block.1.0"
        yield f"residual.{block}.second.0", f"resnet_layers.{block}.conv_block.4.0"
    yield "out", "final_layer.1"
