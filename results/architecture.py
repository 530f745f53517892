"""The house itself as data: its rooms, who imports whom, and the types that flow at the borders."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from protocols.errors import BadInput

_FLOW = "flow"
"""The import rule of ``pyproject.toml`` that orders the rooms."""


@dataclass(frozen=True)
class Room:
    """A package of the top level.

    Attributes:
        name: Its folder.
        does: The first sentence of its docstring.
        imports: The other rooms that its modules import.
    """

    name: str
    does: str
    imports: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """Something that flows, or what is done to it.

    Attributes:
        doing: What makes it of the step before.
        thing: Its type.
        file: Where the type is.
        kept: Where it stays on the disk, if it does.
    """

    doing: str
    thing: str
    file: str
    kept: str = ""


EVALUATING = (
    Step("a data set's files are read and counted", "VerificationProtocol", "protocols/types.py"),
    Step("a landmarker finds faces and points", "FoundFace", "cfr/landmarks/face.py", "cache"),
    Step("a frontalizer turns the face", "Restored", "cfr/frontalizers/types.py"),
    Step("cut to the recognizer's template", "Faces", "protocols/faces.py"),
    Step("a recognizer embeds", "Embeddings", "results/embeddings.py", "cache"),
    Step("eval/ scores: pure functions of arrays", "Scored", "results/systems.py"),
    Step("a table takes its cells", "RunRecord", "results/record.py"),
    Step("figures are added", "Result", "results/tables/result.py", "artifacts/TABLE, MLflow"),
)
"""From a data set to a table, in order."""
TRAINING = (
    Step("a folder of photos is listed", "TrainingPhoto", "protocols/training_photos.py"),
    Step("fitted to 68 points, or by the regressor", "Coefficients", "cfr/types.py"),
    Step("a face model makes a mesh", "FaceMesh", "cfr/types.py"),
    Step("drawn: the photo's colours, the estimated", "Rendered", "cfr/render/shading.py"),
    Step("exchanged, turned and back", "PairPictures", "cfr/pairs/types.py", "a folder of pairs"),
    Step("the generator learns", "SavedGenerator", "cfr/gan/weights.py", "artifacts/gan"),
    Step("loaded to paint faces", "Painter", "cfr/gan/sources.py"),
    Step("at work: evaluate.py, augment.py, …", "Frontalizer", "cfr/frontalizers/types.py"),
)
"""From a photo to a generator at work, in order."""


def read_layers(project: Path) -> tuple[tuple[str, ...], ...]:
    """The rooms from top to bottom as the import rules have them, several where they stand level.

    Args:
        project: The checkout.

    Raises:
        BadInput: ``pyproject.toml`` cannot be read, or has no such rule.
    """
    path = project / "pyproject.toml"
    try:
        contracts = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]["importlinter"]
        (layers,) = (one["layers"] for one in contracts["contracts"] if one["id"] == _FLOW)
    except (OSError, ValueError, KeyError, TypeError) as error:
        expected = f"import rules with the layers {_FLOW!r}"
        raise BadInput(path, "", expected, f"{type(error).__name__}: {error}") from error
    return tuple(tuple(name.strip() for name in layer.split("|")) for layer in layers)


def read_rooms(project: Path) -> tuple[tuple[Room, ...], ...]:
    """The rooms of each layer, and what their modules import today.

    Args:
        project: The checkout.

    Raises:
        BadInput: A room has no docstring, or a module is no Python.
    """
    layers = read_layers(project)
    names = {name for layer in layers for name in layer}
    return tuple(tuple(_read_room(project, name, names) for name in layer) for layer in layers)


def _read_room(project: Path, name: str, names: set[str]) -> Room:
    path = project / name / "__init__.py"
    try:
        does = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        found = {
            room for module in (project / name).rglob("*.py") for room in _imported(module) & names
        }
    except (OSError, SyntaxError) as error:
        raise BadInput(path, "", "a package of Python", str(error)) from error
    if not does:
        raise BadInput(path, "", "a docstring", "none")
    return Room(name, does.splitlines()[0].rstrip("."), tuple(sorted(found - {name})))


def _imported(module: Path) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""

    def names(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module

    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {name.partition(".")[0] for node in ast.walk(tree) for name in names(node)}
