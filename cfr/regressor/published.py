"""Published regressors: three layouts of Deep3D's network, converted as they are read.

==================  ================================================  ==============  ==========
kind                from                                              photos          network
==================  ================================================  ==============  ==========
``deep3d``          changhongjian/Deep3DFaceReconstruction-pytorch:   BGR, 0 to 255   Caffe's
                    Microsoft's TensorFlow weights, converted
``cfr-gan``         yeongjoonJu/CFR-GAN and yeongjoonJu/              BGR, 0 to 1     Caffe's
                    Occlusion-Robust-3D-Face-CFR-GAN: the same,
                    fine-tuned by the paper's authors
``deep3d-pytorch``  sicxu/Deep3DFaceRecon_pytorch: ``net_recon`` of   RGB, 0 to 1     the later
                    its checkpoints, trained anew
==================  ================================================  ==============  ==========

Scale and order of the colours go into the first convolution, so that every imported network reads
RGB in [0, 1] and normalises nothing. The rest is as it is here: all three put out identity,
expression, texture, angles (R_z · R_y · R_x), nine lighting weights each of red, green and blue
(``gamma`` as 3 × 9), and the translation (x, y, then z); BatchNorm's epsilon is PyTorch's 1e-5.
They speak of the Basel Face Model alone. Their landmarks are counted as (u, 223 − v):
:data:`cfr.camera.REGRESSOR_OFFSET`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cfr.camera import REGRESSOR_OFFSET
from cfr.morphable.model import MorphableModel
from cfr.regressor.network import RNet, build
from cfr.weight_files import install, read_tensors
from protocols.errors import BadInput, BadOption

SIZE = 224
"""Pixels a side of the crops of all of them."""
FACE_MODEL = "bfm09"
_BRIGHT = 0.25
_HEADS = ("identity", "expression", "texture", "rotation", "lighting", "shift", "depth")
_TASKS = ("fcid", "fcex", "fctex", "fcangles", "fcgamma", "fcXY", "fcZ")


@dataclass(frozen=True)
class Kind:
    """One layout of published weights.

    Attributes:
        title: For messages.
        backbone: What it is here.
        within: Keys of the checkpoint that may hold the weights.
        trunk: Prefix of the backbone's names.
        heads: Names of the heads, in the order of the vector.
        white: The brightest value of the photos that it reads.
        bgr: Whether it reads blue first.
    """

    title: str
    backbone: str
    within: tuple[str, ...]
    trunk: str
    heads: tuple[str, ...]
    white: float
    bgr: bool


KINDS: Mapping[str, Kind] = {
    "deep3d": Kind("Deep3D, from TensorFlow", "resnet50", (), "", _TASKS, 255.0, True),
    "cfr-gan": Kind("Deep3D, fine-tuned for CFR-GAN", "resnet50", (), "", _TASKS, 1.0, True),
    "deep3d-pytorch": Kind(
        title="Deep3D, trained in PyTorch",
        backbone="timm:resnet50",
        within=("net_recon",),
        trunk="backbone.",
        heads=tuple(f"final_layers.{index}" for index in range(len(_TASKS))),
        white=1.0,
        bgr=False,
    ),
}


def load_published(path: Path, model: MorphableModel, kind: str) -> RNet:
    """Import a published checkpoint; the network reads RGB in [0, 1] like any other.

    Args:
        path: The checkpoint, a file of ``torch.save`` (read without running code from it) or
            safetensors with the same names; DataParallel's ``module.`` may stand before them.
        model: The Basel Face Model.
        kind: A key of :data:`KINDS`. ``deep3d`` and ``cfr-gan`` have the same names; the
            statistics of the first layer tell them apart.

    Returns:
        The network in evaluation mode, for crops of 224 pixels.

    Raises:
        BadOption: There is no such kind, or the face model is another.
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged or of another kind; lists missing and unexpected names and
            other shapes.
    """
    if kind not in KINDS:
        raise BadOption(kind, f"any of {', '.join(KINDS)}")
    if model.name != FACE_MODEL:
        needed = f"{FACE_MODEL}: published weights are coefficients of the Basel Face Model"
        raise BadOption(f"face model {model.name}", needed)
    source = KINDS[kind]
    net = build(source.backbone, model.layout(), size=SIZE)
    named = {name: _published_name(name, source) for name in net.state_dict()}
    found = read_tensors(path, source.within)
    state = {name: found.pop(theirs) for name, theirs in named.items() if theirs in found}
    for name, one in state.items():
        if name.startswith("heads.") and one.ndim == 4:  # a 1 × 1 convolution
            state[name] = one.flatten(1)
    # What is over must not pass for one of the network's own names.
    state |= {f"{name} (here)" if name in named else name: one for name, one in found.items()}
    state |= {"mean": torch.zeros(3, 1, 1), "std": torch.ones(3, 1, 1)}
    install(net, state, path, f"the weights of {source.title} ({kind})", named)
    _check_scale(path, net, source, kind)
    _convert_colours(net, source)
    net.offset = REGRESSOR_OFFSET
    return net.eval()


def _published_name(name: str, kind: Kind) -> str:
    """What the checkpoint calls a tensor of the network here."""
    if name.startswith("heads."):
        _, head, part = name.split(".")
        return f"{kind.heads[_HEADS.index(head)]}.{part}"
    return name.replace("trunk.", kind.trunk, 1)


@torch.no_grad()
def _convert_colours(net: RNet, kind: Kind) -> None:
    """Let the first convolution read RGB in [0, 1]; exact, because its border is black."""
    first: Tensor = net.trunk.conv1.weight
    first.copy_(kind.white * (first.flip(1) if kind.bgr else first))


def _check_scale(path: Path, net: RNet, kind: Kind, name: str) -> None:
    """Refuse weights for photos of another scale, which have the same names and shapes.

    What the first convolution gives for values in [0, w] lies in a range of w · Σ|weights|, and a
    variance is at most a quarter of its range's square. Photos up to 255 exceed the bound of
    w = 1 by far in most channels.
    """
    reach = net.trunk.conv1.weight.detach().abs().sum((1, 2, 3))
    spread = (net.trunk.bn1.running_var / reach.square().clamp_min(1e-20)).median().item()
    white = 255.0 if spread > _BRIGHT else 1.0
    if white != kind.white:
        expected = f"weights for photos up to {kind.white:g} ({name})"
        found = f"statistics of photos up to {white:g}"
        raise BadInput(path, "bn1.running_var", expected, found)
