"""A card beside a weight file says what the network wants: ``mine.onnx`` has ``mine.toml``.

Every line may be left out; what a card does not say is taken from the file, or from the convention
of its kind::

    colour = "RGB"              # or BGR: the order of the network's channels
    mean = [127.5, 127.5, 127.5]  # grey levels subtracted, in that order; one number for all three
    std = [127.5, 127.5, 127.5]   # grey levels divided by
    template = "arcface"        # arcface, sphereface, dlib, whole
    width = 112                 # of the crop, where the template allows it and the file is silent
    height = 112
    architecture = "iresnet18"  # of a PyTorch checkpoint: iresnet18 …, or the name of a timm model
    output = "embedding"        # of an ONNX file with several outputs
"""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from protocols.errors import BadInput
from protocols.roots import is_file
from recognizers.templates import TEMPLATES, Template, template_named
from recognizers.types import Colour, Input

_COLOURS = get_args(Colour)
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Card:
    """What a card says; None and empty where it is silent.

    Attributes:
        colour: The order of the network's channels.
        mean: Grey levels subtracted from each, in that order.
        std: Grey levels that each is divided by.
        template: The name of a template.
        width: Columns of the crop.
        height: Rows of the crop.
        architecture: What a PyTorch checkpoint holds the weights of.
        output: Which output of an ONNX file holds the embedding.
        file: The card, for messages; None where there is none.
    """

    colour: Colour | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    template: str | None = None
    width: int | None = None
    height: int | None = None
    architecture: str = ""
    output: str = ""
    file: Path | None = None


def read_card(weights: Path) -> Card:
    """Read the card of a weight file: its name with the ending ``.toml``.

    Args:
        weights: The weight file; it need not exist.

    Returns:
        What the card says; an empty one if there is none.

    Raises:
        BadInput: It cannot be read, is no TOML, has a key that no card has, or a wrong value.
    """
    path = weights.with_suffix(".toml")
    if not is_file(path):
        return Card()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        expected = 'a recognizer card in TOML, with lines such as colour = "RGB"'
        raise BadInput(path, "", expected, str(error)) from error
    values: dict[str, Any] = {}
    for key, value in entries.items():
        if key not in _KEYS:
            raise BadInput(path, f"key {key!r}", f"one of {', '.join(_KEYS)}", "an unknown one")
        expected, read = _KEYS[key]
        values[key] = read(value)
        if values[key] is None:
            raise BadInput(path, key, expected, repr(value)[:80])
    return Card(**values, file=path)


def input_of(card: Card, usual: Input, size: tuple[int, int] | None = None) -> Input:
    """What a network is fed: what its card says, and for the rest what is usual.

    Where a card only exchanges the channels, the usual mean and std stay with their colours.

    Args:
        card: What the card says.
        usual: The convention of the kind, with a template that suits ``size``.
        size: Width and height that the weight file demands; None where any will do.

    Raises:
        BadInput: The card's size is not that of the weight file, or its template has no crop of
            this size; names the card.
        ValueError: The card is silent, and the usual template has no crop of this size.
    """
    colour = usual.colour if card.colour is None else card.colour
    mean, std = usual.mean, usual.std
    if colour != usual.colour:
        mean, std = (mean[2], mean[1], mean[0]), (std[2], std[1], std[0])
    template = _template(card, usual.template, size)
    return Input(colour, card.mean or mean, card.std or std, template)


def _template(card: Card, usual: Template, size: tuple[int, int] | None) -> Template:
    """The card's template, in the size that the file, the card or else custom says."""
    name = usual.name if card.template is None else card.template
    size_of_usual = usual.width, usual.height
    custom = size_of_usual if name == usual.name else _CUSTOMARY.get(name, size_of_usual)
    width, height = size or custom
    wanted = card.width or width, card.height or height
    if size is not None and wanted != size:
        record = "width and height"
        expected = f"{width} × {height}, as the weight file demands (or no such lines)"
        raise BadInput(_file(card), record, expected, f"{wanted[0]} × {wanted[1]}")
    if name == usual.name and wanted == size_of_usual:
        return usual
    try:
        return template_named(name, *wanted)
    except ValueError as error:
        if card == Card():
            raise
        expected = f"a template for {wanted[0]} × {wanted[1]} pixels"
        raise BadInput(_file(card), "template, width and height", expected, str(error)) from error


def _file(card: Card) -> Path:
    return card.file or Path("recognizer card")


_CUSTOMARY: Mapping[str, tuple[int, int]] = {
    "arcface": (112, 112),
    "sphereface": (96, 112),
    "dlib": (150, 150),
}
"""Width and height of a template where neither file nor card says them."""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _three(value: Any) -> tuple[float, float, float] | None:
    """Three numbers; one stands for all three."""
    many = value if isinstance(value, list) else [value] * 3
    if len(many) != 3 or not all(_number(one) for one in many):
        return None
    first, second, third = (float(one) for one in many)
    return first, second, third


def _three_above_0(value: Any) -> tuple[float, float, float] | None:
    found = _three(value)
    return found if found is not None and min(found) > 0 else None


def _side(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value <= _LARGEST_SIDE else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str | None]:
    return lambda value: value if isinstance(value, str) and value in names else None


_KEYS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "colour": (" or ".join(f'"{name}"' for name in _COLOURS), _one_of(_COLOURS)),
    "mean": ("a number, or a list of three", _three),
    "std": ("a number above 0, or a list of three", _three_above_0),
    "template": (f"one of {', '.join(TEMPLATES)}, in quotes", _one_of(tuple(TEMPLATES))),
    "width": (f"a whole number, 1 to {_LARGEST_SIDE}", _side),
    "height": (f"a whole number, 1 to {_LARGEST_SIDE}", _side),
    "architecture": ("a name in quotes", _text),
    "output": ("a name in quotes", _text),
}
"""Key → what it has to be, in words, and what reads it (None where it is something else)."""
