"""Made-up faces, a generator that was never trained, and judges that need no weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from protocols.faces import Faces
from recognizers.templates import arcface
from recognizers.types import Input
from results.restoration.cases import CaseSet, draw_renders
from results.restoration.judges import IdentityJudge
from results.restoration.measuring import IDENTITY, Judges
from results.restoration.methods import Methods, load_methods

SIDE = 64


@dataclass(frozen=True)
class Colours:
    """Embeds a face as the mean colours of its sixteenths."""

    name: str = "colours"
    input: Input = Input("RGB", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), arcface())  # noqa: RUF009
    dimension: int = 48
    identity: Mapping[str, str] = field(default_factory=lambda: {"weights": "none"})

    def embed(self, faces: Faces) -> np.ndarray:
        blocks = faces.images.reshape(len(faces), 4, 28, 4, 28, 3).mean((2, 4))
        return (blocks.reshape(len(faces), -1) / 255).astype(np.float32)


def tiny_generator(path: Path, *, occlusion_path: bool = True) -> str:
    import torch

    from cfr.gan.generator import Generator, GeneratorSize
    from cfr.gan.weights import save_generator

    torch.manual_seed(0)
    size = GeneratorSize(width=4, blocks=1, occlusion_path=occlusion_path)
    save_generator(path, Generator(size), {"seed": "0"}, side=SIDE)
    return str(path)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """With and without occlusion path."""
    folder = tmp_path_factory.mktemp("weights")
    return (
        tiny_generator(folder / "tiny.safetensors"),
        tiny_generator(folder / "blind.safetensors", occlusion_path=False),
    )


@pytest.fixture(scope="session")
def methods(weights: tuple[str, str]) -> Methods:
    return load_methods(weights, None)


@pytest.fixture(scope="session")
def faces() -> CaseSet:
    from cfr.morphable.sources import load_model

    return draw_renders(load_model("builtin"), 4, occluded=True)


@pytest.fixture(scope="session")
def judges() -> Judges:
    distance = lambda one, other: np.abs(one.astype(float) - other).mean(2) / 255  # noqa: E731
    return Judges({IDENTITY: IdentityJudge(Colours(), "distance")}, distance)
