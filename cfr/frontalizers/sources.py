"""The frontalizers that commands know by name."""

from collections.abc import Callable, Mapping

from cfr.frontalizers.types import Frontalizer
from protocols.errors import BadOption

NONE = "none"
"""The name for leaving a face as it is."""


def _render(device: str) -> Frontalizer:
    from cfr.frontalizers.render import RenderFrontalizer
    from cfr.morphable.sources import load_model

    return RenderFrontalizer(load_model("builtin").to(device))


def _render_estimated(device: str) -> Frontalizer:
    from cfr.frontalizers.render import RenderFrontalizer
    from cfr.morphable.sources import load_model

    return RenderFrontalizer(load_model("builtin").to(device), texture="estimated")


SOURCES: Mapping[str, Callable[[str], Frontalizer]] = {
    "render": _render,
    "render-estimated": _render_estimated,
}
"""Name → loader, which takes the device."""


def check_name(name: str) -> None:
    """Refuse what is no frontalizer.

    Raises:
        BadOption: It is neither ``none`` nor a key of :data:`SOURCES`.
    """
    if name != NONE and name not in SOURCES:
        raise BadOption(f"frontalizer {name}", f"any of {', '.join((NONE, *SOURCES))}")


def load_frontalizer(name: str, *, device: str = "cpu") -> Frontalizer | None:
    """Load a frontalizer by name; None for ``none``.

    Args:
        name: ``none``, or a key of :data:`SOURCES`.
        device: Where it computes.

    Raises:
        BadOption: There is none of this name.
    """
    check_name(name)
    return None if name == NONE else SOURCES[name](device)
