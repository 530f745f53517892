"""How large generators and discriminators are; no PyTorch is needed to say so."""

from dataclasses import dataclass
from typing import Literal

Form = Literal["paper", "release"]
"""``release``: four convolutions of stride 2 and one of 1 × 1. ``paper``: six of 4 × 4, the last
two of stride 1, as in a PatchGAN of four layers (junyanz/pytorch-CycleGAN-and-pix2pix)."""


@dataclass(frozen=True)
class GeneratorSize:
    """How large a generator is.

    Attributes:
        width: Channels of its first layer; twice and four times as many follow. Published: 64.
        blocks: Residual blocks. Published: 9.
        occlusion_path: Whether it has attention, gates and a mask. Without, it is the ablation of
            Ju et al., Fig. 9, of which nothing more is published: it sees the mean of both stems.
    """

    width: int = 64
    blocks: int = 9
    occlusion_path: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no network."""
        if self.width < 1 or self.blocks < 0:
            raise ValueError(f"a generator of width {self.width} with {self.blocks} blocks")

    @property
    def step(self) -> int:
        """Sides of pictures are multiples of this."""
        return 4


@dataclass(frozen=True)
class RotateSize:
    """How large a generator of Rotate-and-Render is.

    Attributes:
        width: Channels of its first layer; each halving of the sides doubles them. Published: 64.
        blocks: Residual blocks. Published: 9.
        downs: How often the sides are halved. Published: 4.
    """

    width: int = 64
    blocks: int = 9
    downs: int = 4

    def __post_init__(self) -> None:
        """Refuse what is no network."""
        if self.width < 1 or self.blocks < 0 or self.downs < 1:
            found = f"width {self.width}, {self.blocks} blocks, {self.downs} halvings"
            raise ValueError(f"a generator of {found}")

    @property
    def occlusion_path(self) -> bool:
        """It says nothing of what was hidden."""
        return False

    @property
    def step(self) -> int:
        """Sides of pictures are multiples of this."""
        return 2**self.downs


AnySize = GeneratorSize | RotateSize
PUBLISHED = GeneratorSize()
