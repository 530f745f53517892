"""docs/adding.md and docs/architecture.md: the modules shown work, the names named are there."""

import ast
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from cfr.frontalizers.types import Frontalizer
from cfr.occluders.types import Occluder, Scene
from protocols.errors import BadInput
from protocols.faces import Faces
from protocols.types import VerificationProtocol
from recognizers.types import Recognizer

PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FACE = np.array(
    [[70, 80], [90, 80], [110, 80], [130, 80], [100, 105], [82, 125], [118, 125]], float
)
"""Corners of the eyes, nose tip and corners of the mouth of a face from the front."""


def modules_of(page: Path) -> dict[str, ModuleType]:
    """The page's examples in Python, each run as a module, by its first word of documentation."""
    found = {}
    for number, source in enumerate(PYTHON.findall(page.read_text())):
        module = ModuleType(f"example_{number}")
        sys.modules[module.__name__] = module  # dataclasses look their module up
        exec(compile(source, f"{page.name}, example {number}", "exec"), module.__dict__)
        found[(module.__doc__ or "").split()[0].strip(":")] = module
    return found


@pytest.fixture(scope="module")
def examples(project: Path) -> dict[str, ModuleType]:
    return modules_of(project / "docs/adding.md")


def test_the_data_set_that_is_added_loads(examples: dict[str, ModuleType], tmp_path: Path) -> None:
    for name in "abcd":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    (tmp_path / "pairs.txt").write_text("a.png b.png 1\nc.png d.png 1\na.png d.png 0\n")
    protocol = examples["Twins"].load(tmp_path)
    assert isinstance(protocol, VerificationProtocol)
    assert protocol.pairs.genuine.tolist() == [True, True, False]
    assert [protocol.samples.photos.names[at] for at in protocol.pairs.right] == [
        "b.png",
        "d.png",
        "d.png",
    ]
    (tmp_path / "pairs.txt").write_text("a.png b.png 1\nc.png d.png\n")
    with pytest.raises(BadInput, match="line 2"):
        examples["Twins"].load(tmp_path)


def test_what_is_added_has_the_shape_of_its_neighbours(examples: dict[str, ModuleType]) -> None:
    rng = np.random.default_rng(0)
    recognizer = examples["Mean"].load()
    assert isinstance(recognizer, Recognizer)
    images = rng.integers(0, 256, (3, 112, 112, 3), np.uint8)
    found = recognizer.embed(Faces(images, np.full((3, 5, 2), np.nan)))
    assert found.shape == (3, recognizer.dimension)
    assert found[1, 9] == pytest.approx(images[1, 14:28, 14:28].mean() / 127.5 - 1, abs=1e-5)
    frontalizer = examples["The"].CropFrontalizer()
    assert isinstance(frontalizer, Frontalizer)
    points = rng.uniform(60, 140, (68, 2))
    points[[36, 39, 42, 45, 30, 48, 54]] = FACE
    photo = rng.integers(0, 256, (200, 200, 3), np.uint8)
    restored = frontalizer.restore(photo, points)
    assert restored.image.shape == (224, 224, 3)
    assert np.isfinite(restored.points).all()


def test_the_occluder_that_is_added_covers_the_eyes(examples: dict[str, ModuleType]) -> None:
    bar = examples["A"].Bar()
    assert isinstance(bar, Occluder)
    points = np.full((68, 2), 100.0)
    points[36:48] = np.column_stack((np.linspace(60, 140, 12), np.full(12, 80.0)))
    photo = np.full((200, 200, 3), 255, np.uint8)
    drawn = bar.draw(Scene(photo, points, np.random.default_rng(0)))
    assert drawn.alpha[80, 60:141].all()
    assert not drawn.alpha[100:].any()
    assert not drawn.alpha[:, :59].any()


def test_the_metric_that_is_added_measures(examples: dict[str, ModuleType]) -> None:
    d_prime = examples["Separation"].d_prime
    scores, genuine = np.array([3.0, 5.0, 0.0, 2.0]), np.array([True, True, False, False])
    assert d_prime(scores, genuine) == pytest.approx(3.0)
    with pytest.raises(ValueError, match="both kinds"):
        d_prime(scores, genuine | True)


def test_the_types_at_the_borders_are_where_the_page_says(project: Path) -> None:
    text = (project / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| `([\w/]+\.py)` \|", text, re.MULTILINE)
    assert len(rows) > 10
    for names, file in rows:
        body = ast.parse((project / file).read_text()).body
        classes = {node.name for node in body if isinstance(node, ast.ClassDef)}
        assert set(re.findall(r"\w+", names)) <= classes, file


def test_every_line_goes_into_something_that_exists(project: Path) -> None:
    """``NAME` in `FILE`` on a page names a global of that file."""
    counted = 0
    for page in ("docs/adding.md", "docs/architecture.md"):
        text = (project / page).read_text()
        for names, file in re.findall(
            r"((?:`[\w.]+`(?: and |, )?)+) (?:in|of) `([\w/]+\.py)`", text
        ):
            tree = ast.parse((project / file).read_text())
            has = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            has |= {
                node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)
            }
            for name in re.findall(r"`(\w+)`", names):
                counted += 1
                assert name in has, f"{page}: {name} of {file}"
    assert counted > 15
