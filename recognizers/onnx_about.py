"""What the maker of an ONNX file said about it, inside the file: label → text."""

import json
from collections.abc import Mapping
from pathlib import Path

from protocols.errors import BadInput
from recognizers.onnx_file import read_onnx

_KEY = "about"


def write_about(path: Path, about: Mapping[str, str]) -> None:
    """Put a text into an ONNX file of at most 2 GiB; one that was there is replaced.

    The file is written whole or not at all.

    Args:
        path: The file, with all its weights inside.
        about: Label → text.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is no ONNX file.
        OSError: It cannot be written.
    """
    from onnx.helper import set_model_props

    model = read_onnx(path).model
    kept = {one.key: one.value for one in model.metadata_props if one.key != _KEY}
    set_model_props(model, {**kept, _KEY: json.dumps(dict(about))})
    half = path.with_name(f".{path.name}.half")
    half.write_bytes(model.SerializeToString(deterministic=True))
    half.replace(path)


def read_about(path: Path) -> dict[str, str]:
    """What :func:`write_about` put there; empty where nothing was said.

    Raises:
        DatasetUnavailable: There is no such file.
        BadInput: It is no ONNX file, or what it says is no JSON text of labels and texts.
    """
    said = {one.key: one.value for one in read_onnx(path).model.metadata_props}
    if _KEY not in said:
        return {}
    try:
        about = json.loads(said[_KEY])
    except json.JSONDecodeError as error:
        raise BadInput(path, _KEY, "JSON text of labels and texts", str(error)) from error
    if not isinstance(about, dict):
        raise BadInput(path, _KEY, "JSON text of labels and texts", said[_KEY][:80])
    return {str(label): str(text) for label, text in about.items()}
