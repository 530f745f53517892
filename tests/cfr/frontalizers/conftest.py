from pathlib import Path

import pytest
import torch

from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.sources import Painter, load_painter
from cfr.gan.weights import save_generator
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes

SIDE = 64


@pytest.fixture(scope="session")
def builtin() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="session")
def faces(builtin: MorphableModel) -> list[Scene]:
    """Photos of 160 pixels a side, of faces that are turned."""
    sampler = IdentitySampler(builtin)
    settings = SceneSettings(size=160, yaw_degrees=40.0, pitch_degrees=15.0, noise=0.0)
    people = [sampler.draw(seed) for seed in range(3)]
    return draw_scenes(builtin, people, [3, 4, 5], settings)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator that was never trained, in a file."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_generator(path, Generator(GeneratorSize(width=4, blocks=1)), {"seed": "0"}, side=SIDE)
    return path


@pytest.fixture(scope="session")
def painter(weights: Path) -> Painter:
    return load_painter(str(weights))


@pytest.fixture(scope="session")
def ours(builtin: MorphableModel, painter: Painter) -> CfrGanFrontalizer:
    return CfrGanFrontalizer(builtin, painter, size=SIDE)
