"""The networks of figures, loaded once in each process, and what captions call them."""

from functools import lru_cache
from pathlib import Path

from cfr.frontalizers.cfr_gan import PITCH, CfrGanFrontalizer
from cfr.frontalizers.painting import PaintingFrontalizer
from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
from cfr.frontalizers.sources import CFR_GAN, ROTATE_AND_RENDER, title
from cfr.gan.sources import DEFAULTS, load_painter, weights_file
from cfr.landmarks.face import Landmarker
from cfr.landmarks.sources import load_landmarker
from cfr.regressor.network import RNet
from cfr.regressor.weights import load
from protocols.errors import DatasetUnavailable
from protocols.roots import is_file
from protocols.types import InputFile
from results.pair_orders import face_model
from results.pictures.options import Compared, Fig8, Fig9, Painted, Pictures
from results.tables.table4_loading import STAGES
from results.tables.table4_loading import regressor_file as of_the_project

MODEL = "builtin"


@lru_cache(maxsize=12)
def painting(weights: str, device: str, size: int) -> CfrGanFrontalizer:
    """CFR-GAN with these weights.

    Raises:
        DatasetUnavailable: They are absent.
        BadInput: They are damaged.
    """
    painter = load_painter(weights, device=device)
    return CfrGanFrontalizer(face_model(MODEL, device), painter, size=size)


@lru_cache(maxsize=2)
def rotate_and_render(weights: str | None, device: str, size: int) -> RotateAndRenderFrontalizer:
    """Rotate-and-Render, which turns faces to the pitch that CFR-GAN turns them to.

    Raises:
        DatasetUnavailable: Its weights are absent.
        BadInput: They are damaged.
    """
    name = weights or DEFAULTS[ROTATE_AND_RENDER]
    painter = load_painter(name, kind=ROTATE_AND_RENDER, device=device)
    model = face_model(MODEL, device)
    return RotateAndRenderFrontalizer(model, painter, pitch=PITCH, size=size)


def called(frontalizer: PaintingFrontalizer, weights: str | None) -> dict[str, str]:
    """What captions call a generator, and the sha256 of its file."""
    kind = CFR_GAN if frontalizer.name == CFR_GAN else ROTATE_AND_RENDER
    name = title(f"{kind}:{weights or DEFAULTS[kind]}")  # type: ignore[index]
    return {name: frontalizer.painter.weights}


@lru_cache(maxsize=6)
def regressor(name: str, device: str) -> tuple[RNet, str]:
    """A regressor of ``assets/``, or of a file, and its file's sha256.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: It is damaged.
        WrongFaceModel: It was trained with another face model.
    """
    path = regressor_file(name)
    net = load(path, face_model(MODEL, device).layout()).to(device)
    return net, InputFile.of(path).sha256


def regressor_file(name: str) -> Path:
    """Where a regressor lies, which is named or is a file.

    Raises:
        DatasetUnavailable: There is none.
    """
    known = name in STAGES
    path = of_the_project(name) if known else Path(name).expanduser()
    if not is_file(path):
        how = f"It is trained by: python scripts/train_regressor.py {name if known else 'stage2'}."
        raise DatasetUnavailable(f"the regressor {name}", path, how)
    return path


def require_weights(config: Pictures) -> None:
    """Refuse weights that are not there, before photos are looked at.

    Raises:
        DatasetUnavailable: Some that were named, or that the figure cannot do without, are absent.
    """
    if isinstance(config, Fig8):
        for name in config.weights:
            regressor_file(name)
    painting_ones = config.weights if isinstance(config, Fig9) else ()
    painting_ones += (config.weights,) if isinstance(config, Painted) else ()
    if isinstance(config, Compared) and config.rotate_and_render is not None:
        painting_ones += (config.rotate_and_render,)
    for name in painting_ones:
        weights_file(name)


@lru_cache(maxsize=2)
def landmarker(name: str, root: Path | None, device: str) -> Landmarker:
    """What finds faces and their 68 points; see :func:`cfr.landmarks.sources.load_landmarker`."""
    return load_landmarker(name, root, device=device, need_68=True)
