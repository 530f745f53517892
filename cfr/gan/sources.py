"""Where the weights of generators lie, and loading them ready to paint."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cfr.gan.painting import FaceGenerator, for_inference
from cfr.gan.published import load_published_generator
from cfr.gan.weights import PUBLISHED_SIDE, GeneratorKind, open_generator
from cfr.rotate_and_render.published import load_published_rotate
from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import artifacts_folder, is_file, project_root
from protocols.types import InputFile

MINI = "mini"
DEFAULTS: Mapping[GeneratorKind, str] = {
    "cfr-gan": MINI,
    "rotate-and-render": "rotate-and-render-mini",
}
"""The weights that count where none are named."""
PUBLISHED = "published:"
"""Before the file of the authors' weights (``CFRNet_G_*.pth``; Rotate-and-Render's ``rotate``)."""
_IMPORTERS: Mapping[GeneratorKind, Callable[[Path], FaceGenerator]] = {
    "cfr-gan": load_published_generator,
    "rotate-and-render": load_published_rotate,
}
HOW = "It is trained by: python scripts/train_gan.py PAIRS (docs/gan.md)."
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, eq=False)
class Painter:
    """A generator at work.

    Attributes:
        net: Without spectral norm, in evaluation mode.
        side: Pixels along each side of the pictures that it was trained with.
        weights: sha256 of its file.
    """

    net: FaceGenerator
    side: int
    weights: str


def weights_file(name: str) -> Path:
    """The file that a name of weights means.

    Args:
        name: ``mini`` or another name, for ``gan-NAME.safetensors`` in the project's ``assets/``,
            else in ``artifacts/gan/NAME/``; a file of this project's; or ``published:FILE``.

    Raises:
        DatasetUnavailable: There is no such file.
    """
    if _NAME.fullmatch(name):
        file = f"gan-{name}.safetensors"
        places = project_root() / "assets" / file, artifacts_folder() / "gan" / name / file
        for place in places:
            if is_file(place):
                return place
        raise DatasetUnavailable(f"the generator {name}", places[0], HOW)
    path = Path(name.removeprefix(PUBLISHED)).expanduser()
    if not is_file(path):
        raise DatasetUnavailable("the weight file of a generator", path, f"Check its name. {HOW}")
    return path


def load_painter(name: str, *, kind: GeneratorKind = "cfr-gan", device: str = "cpu") -> Painter:
    """Load a generator, folded, on a device.

    Args:
        name: As in :func:`weights_file`.
        kind: Whose generator it has to be.
        device: Where it paints.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is damaged, or no generator of this kind.
    """
    path = weights_file(name)
    if name.startswith(PUBLISHED):
        net, side = _IMPORTERS[kind](path), PUBLISHED_SIDE[kind]
    else:
        saved = open_generator(path, kind)
        net, side = saved.net, saved.side
    try:
        digest = InputFile.of(path).sha256
    except OSError as error:
        raise BadInput(path, "", "a file that can be read", str(error)) from error
    return Painter(for_inference(net.to(device)), side, digest)
