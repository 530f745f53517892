"""The frontalizers that commands know by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from cfr.frontalizers.types import Frontalizer
from protocols.errors import BadOption, DatasetUnavailable

NONE = "none"
"""The name for leaving a face as it is."""
CFR_GAN = "cfr-gan"
"""With the weights ``mini``; ``cfr-gan:NAME``, ``cfr-gan:FILE`` and ``cfr-gan:published:FILE`` name
others (:func:`cfr.gan.sources.weights_file`)."""
ROTATE_AND_RENDER = "rotate-and-render"
"""With the weights ``rotate-and-render-mini``; others likewise."""


def _render(device: str) -> Frontalizer:
    from cfr.frontalizers.render import RenderFrontalizer
    from cfr.morphable.sources import load_model

    return RenderFrontalizer(load_model("builtin").to(device))


def _render_estimated(device: str) -> Frontalizer:
    from cfr.frontalizers.render import RenderFrontalizer
    from cfr.morphable.sources import load_model

    return RenderFrontalizer(load_model("builtin").to(device), texture="estimated")


def _cfr_gan(device: str, weights: str = "") -> Frontalizer:
    from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
    from cfr.gan.sources import MINI, load_painter
    from cfr.morphable.sources import load_model

    painter = load_painter(weights or MINI, device=device)
    return CfrGanFrontalizer(load_model("builtin").to(device), painter)


def _rotate_and_render(device: str, weights: str = "") -> Frontalizer:
    from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
    from cfr.gan.sources import DEFAULTS, load_painter
    from cfr.morphable.sources import load_model

    name = weights or DEFAULTS[ROTATE_AND_RENDER]
    painter = load_painter(name, kind=ROTATE_AND_RENDER, device=device)
    return RotateAndRenderFrontalizer(load_model("builtin").to(device), painter)


SOURCES: Mapping[str, Callable[[str], Frontalizer]] = {
    "render": _render,
    "render-estimated": _render_estimated,
    CFR_GAN: _cfr_gan,
    ROTATE_AND_RENDER: _rotate_and_render,
}
"""Name → loader, which takes the device."""
WITH_WEIGHTS: Mapping[str, Callable[[str, str], Frontalizer]] = {
    CFR_GAN: _cfr_gan,
    ROTATE_AND_RENDER: _rotate_and_render,
}
"""Name before a colon → loader, which takes the device and what follows the colon."""


def check_name(name: str) -> None:
    """Refuse what is no frontalizer; whether its weights are there is another question.

    Raises:
        BadOption: It is neither ``none``, nor a key of :data:`SOURCES`, nor a key of
            :data:`WITH_WEIGHTS` with a colon and something after it.
    """
    kind, _, weights = name.partition(":")
    if name != NONE and name not in SOURCES and not (kind in WITH_WEIGHTS and weights):
        known = ", ".join((NONE, *SOURCES, *(f"{one}:WEIGHTS" for one in WITH_WEIGHTS)))
        raise BadOption(f"frontalizer {name}", f"any of {known}")


def load_frontalizer(name: str, *, device: str = "cpu") -> Frontalizer | None:
    """Load a frontalizer by name; None for ``none``.

    Args:
        name: As :func:`check_name` wants it.
        device: Where it computes.

    Raises:
        BadOption: There is none of this name.
        DatasetUnavailable: Its weights are absent.
        BadInput: They are damaged.
    """
    check_name(name)
    if name == NONE:
        return None
    if name in SOURCES:
        return SOURCES[name](device)
    kind, _, weights = name.partition(":")
    return WITH_WEIGHTS[kind](device, weights)


def weight_file(name: str) -> Path | None:
    """The file that a frontalizer's weights are in; None for one that has none.

    Raises:
        DatasetUnavailable: It is absent.
    """
    kind, _, weights = name.partition(":")
    if kind not in WITH_WEIGHTS:
        return None
    from cfr.gan.sources import DEFAULTS, weights_file

    return weights_file(weights or DEFAULTS[kind])  # type: ignore[index]


def lacking(name: str) -> str:
    """How to get what a frontalizer lacks here; empty if nothing is missing."""
    try:
        weight_file(name)
    except DatasetUnavailable as error:
        return error.how
    return ""


def title(name: str) -> str:
    """What tables call a frontalizer: without the folder and the ending of its weights' file."""
    kind, colon, weights = name.partition(":")
    if not colon:
        return name
    *words, file = weights.split(":")
    return ":".join((kind, *words, Path(file).stem))
