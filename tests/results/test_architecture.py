import ast
from pathlib import Path

import pytest
from PIL import Image

from protocols.errors import BadInput
from results.architecture import EVALUATING, TRAINING, read_layers, read_rooms
from results.figures.architecture import TOLD, save_architecture, told

RULES = """
[[tool.importlinter.contracts]]
id = "flow"
layers = ["above", "left | right"]
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Three rooms: above imports both others, once within a function; nobody else imports."""
    (tmp_path / "pyproject.toml").write_text(RULES)
    for room in ("above", "left", "right"):
        (tmp_path / room / "deep").mkdir(parents=True)
        (tmp_path / room / "__init__.py").write_text(f'"""The room {room}.\n\nMore."""\n')
    (tmp_path / "above/one.py").write_text(
        "import left.deep.thing\nimport numpy\nimport above.two\n"
    )
    (tmp_path / "above/deep/two.py").write_text("def f():\n    from right import g\n    return g\n")
    return tmp_path


def test_rooms_are_read_from_the_rules_and_the_modules(house: Path) -> None:
    (above,), (left, right) = read_rooms(house)
    assert (above.name, above.does) == ("above", "The room above")
    assert above.imports == ("left", "right")
    assert left.imports == right.imports == ()


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("pyproject.toml", "[tool]", "import rules"),
        ("pyproject.toml", RULES.replace("flow", "other"), "import rules"),
        ("left/__init__.py", "x = 1", "a docstring"),
        ("right/one.py", "def", "a package of Python"),
    ],
)
def test_what_is_no_house_is_refused(house: Path, file: str, text: str, expected: str) -> None:
    (house / file).write_text(text)
    with pytest.raises(BadInput, match=expected):
        read_rooms(house)


def test_the_committed_picture_is_of_this_house(project: Path) -> None:
    """Else: python scripts/draw_architecture.py --out docs/images/architecture.png."""
    with Image.open(project / "docs/images/architecture.png") as picture:
        assert picture.text[TOLD] == told(read_rooms(project))  # type: ignore[attr-defined]
        assert picture.width > 1000


def test_a_picture_says_what_it_shows(house: Path, tmp_path: Path) -> None:
    save_architecture(house, tmp_path / "house.png")
    with Image.open(tmp_path / "house.png") as picture:
        assert "above (The room above): left, right" in picture.text[TOLD]  # type: ignore[attr-defined]


def test_every_type_that_flows_is_where_the_picture_says(project: Path) -> None:
    for step in EVALUATING + TRAINING:
        tree = ast.parse((project / step.file).read_text())
        assert step.thing in {one.name for one in ast.walk(tree) if isinstance(one, ast.ClassDef)}


def test_no_room_imports_one_above_it(project: Path) -> None:
    layers = read_layers(project)
    below = {
        name: {one for layer in layers[level + 1 :] for one in layer}
        for level, layer in enumerate(layers)
        for name in layer
    }
    for layer in read_rooms(project):
        for room in layer:
            assert set(room.imports) <= below[room.name]
