"""Errors cross from process to process with their message, their attributes and their class."""

import ast
import copy
import importlib
import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import BadInput, DataError, DatasetUnavailable

PROJECT = Path(__file__).resolve().parents[2]
BY_TYPE: dict[Any, Any] = {Path: Path("a folder", "b.csv"), str: "some – text", int: 3, float: 0.5}


def kinds() -> list[tuple[str, str]]:
    """Module and name of DataError and all classes below it, read from the sources."""
    bases: dict[tuple[str, str], set[str]] = {}
    for room in ("cfr", "protocols", "recognizers", "results"):
        for path in sorted((PROJECT / room).rglob("*.py")):
            module = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    names = {one.id for one in node.bases if isinstance(one, ast.Name)}
                    bases[module, node.name] = names
    found = {("protocols.errors", "DataError")}
    while True:
        names = {name for _, name in found}
        more = {one for one, above in bases.items() if above & names} - found
        if not more:
            return sorted(found)
        found |= more


def example(kind: type[DataError]) -> DataError:
    """One of its kind, with an argument for each parameter."""
    if all("__init__" not in one.__dict__ for one in kind.__mro__ if issubclass(one, DataError)):
        return kind("a – message")
    parameters = list(inspect.signature(kind).parameters.values())
    return kind(*(BY_TYPE[one.annotation] for one in parameters))


def test_the_sources_are_searched() -> None:
    names = {name for _, name in kinds()}
    assert {"DataError", "BadInput", "NoFace", "WrongFaceModel", "DownloadFailed"} <= names
    assert len(names) >= 9


@pytest.mark.parametrize(("module", "name"), kinds())
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_comes_back_as_it_was(module: str, name: str, protocol: int) -> None:
    error = example(getattr(importlib.import_module(module), name))
    back = pickle.loads(pickle.dumps(error, protocol))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert len(str(error)) > 3
    assert back.args == error.args
    assert vars(back) == vars(error)


def test_a_note_and_a_copy_stay() -> None:
    error = BadInput(Path("a.csv"), "line 3", "a number", "x")
    error.add_note("a note")
    back = copy.copy(pickle.loads(pickle.dumps(error)))
    assert str(back) == "a.csv, line 3: expected a number, found x"
    assert (back.file, back.record, back.found) == (Path("a.csv"), "line 3", "x")
    assert back.__notes__ == ["a note"]


def test_it_can_be_raised_again() -> None:
    error = DatasetUnavailable("LFW", Path("lfw"), "Get it.")
    with pytest.raises(DatasetUnavailable, match=r"LFW is not at lfw\. Get it\."):
        raise pickle.loads(pickle.dumps(error))
