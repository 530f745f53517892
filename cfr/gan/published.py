"""The paper authors' generator (``CFRNet_G_*.pth`` of yeongjoonJu/CFR-GAN), by key map."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cfr.gan.generator import Generator
from cfr.gan.painting import FaceGenerator
from cfr.weight_files import install, read_tensors

_UNUSED = ("afd.embedding_r.0.", "afd.embedding_g.0.")
"""Two convolutions of theirs that nothing calls."""
_NESTED = ("G_state_dict",)
_NORMED = {
    "parametrizations.weight.original": "weight_orig",
    "parametrizations.weight.0._u": "weight_u",
    "parametrizations.weight.0._v": "weight_v",
}


def load_published_generator(path: Path) -> Generator:
    """Import the authors' generator, in evaluation mode.

    Args:
        path: A file of ``torch.save`` (read without running code from it): the generator's
            weights, or a training checkpoint with them under ``G_state_dict``; ``module.`` may
            stand before the names.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged or another network's; lists missing and unexpected names and
            other shapes.
    """
    net = Generator()
    load_named(
        *(net, path, dict(_prefixes()), "the weights of CFR-GAN's generator"),
        within=_NESTED,
        unused=_UNUSED,
    )
    return net.eval()


def load_named(
    net: FaceGenerator,
    path: Path,
    prefixes: Mapping[str, str],
    what: str,
    *,
    within: Sequence[str] = (),
    unused: tuple[str, ...] = (),
) -> None:
    """Load the weights of somebody else's file, whose tensors have other names.

    Args:
        net: Where they go.
        path: A file of ``torch.save``, read without running code from it.
        prefixes: Where each layer is called what in the file.
        what: What the file should be, for messages.
        within: Keys under which the file may hold the tensors.
        unused: How names begin that may be there and are not looked at.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged or another network's; lists missing and unexpected names and
            other shapes.
    """
    named = {name: named_by(prefixes, name) for name in net.state_dict()}
    found = read_tensors(path, within)
    found = {name: one for name, one in found.items() if not name.startswith(unused)}
    state = {name: found.pop(theirs) for name, theirs in named.items() if theirs in found}
    # What is over must not pass for one of the network's own names.
    state |= {f"{name} (here)" if name in named else name: one for name, one in found.items()}
    install(net, state, path, what, named)


def published_name(name: str) -> str:
    """What the authors' file calls a tensor of :class:`cfr.gan.generator.Generator`."""
    return named_by(dict(_prefixes()), name)


def named_by(prefixes: Mapping[str, str], name: str) -> str:
    """What somebody else's file calls a tensor.

    Args:
        prefixes: Where each layer is called what there.
        name: Of the tensor here; spectral norm by parametrization.

    Raises:
        KeyError: None of the layers is its own.
    """
    for ours, theirs in prefixes.items():
        if name.startswith(f"{ours}."):
            rest = name.removeprefix(f"{ours}.")
            return f"{theirs}.{_NORMED.get(rest, rest)}"
    raise KeyError(name)


def _prefixes() -> Iterator[tuple[str, str]]:
    yield "stem_damaged.0", "conv_r.1.conv2d"
    yield "stem_guide.0", "conv_g.1.conv2d"
    yield "difference.0", "afd.conv_IN.0"
    for place in range(2):
        yield f"down.{place}.gate.0", f"downsample.{place}.gating.1.conv2d"
        yield f"down.{place}.feature.0", f"downsample.{place}.feature_extract.1.conv2d"
        yield f"up.{place}.0", f"upsample.{place}.conv_trans"
    for block in range(9):
        yield f"residual.{block}.gate.0", f"resblocks.{block}.gating.0"
        yield f"residual.{block}.first.0", f"resblocks.{block}.conv_block.1.conv2d"
        yield f"residual.{block}.second.0", f"resblocks.{block}.conv_block.5.conv2d"
    yield "out", "last_conv.1.conv2d"
    for layer in range(2):
        yield f"mask.coarse.{layer}", f"mixing.upsample_64_to_128.{layer}"
        yield f"mask.mix.{layer}", f"mixing.upsample_128_to_256.{layer}"
        yield f"mask.fine.{layer}", f"mixing.upsample_128_to_256.{layer + 3}"
    yield "mask.out", "mixing.conv.0"
