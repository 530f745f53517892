"""The digest of code: what is read changes it, what is not read does not, and nothing is run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from results.cache.code_digest import _digest, code_digest

FILES = {
    "cfr/__init__.py": "",
    "cfr/a.py": '''"""What it is."""
import os
from typing import TYPE_CHECKING
import typing
from cfr.b import two
if TYPE_CHECKING:
    from cfr.unread import word
if typing.TYPE_CHECKING:
    from cfr.unread import word
else:
    from cfr.orelse import word

SIZE = 3
"""How large."""

def run(x):
    """Docs."""
    # a comment
    from recognizers import deep
    return x + SIZE

class Kind:
    """Docs of a class."""

NAMED = {"x": "recognizers.named:load", "y": "recognizers.absent"}
''',
    "cfr/b.py": "from . import c\nfrom .inner import d\ntwo = 2\n",
    "cfr/c.py": "three = 3\n",
    "cfr/inner/__init__.py": "from ..up import seven\n",
    "cfr/inner/d.py": "raise SystemExit\n",
    "cfr/up.py": "seven = 7\n",
    "cfr/orelse.py": "word = 1\n",
    "cfr/unread.py": "word = 2\n",
    "cfr/beside.py": "import cfr.a\n",
    "recognizers/__init__.py": "zero = 0\n",
    "recognizers/deep.py": "import results.far as far\n",
    "recognizers/named.py": "def load(): return 1\n",
    "results/__init__.py": "",
    "results/far.py": "from results import far, near as close\n",
    "results/near.py": "four = 4\n",
    "os.py": "five = 5\n",
}
READ = sorted(set(FILES) - {"cfr/unread.py", "cfr/beside.py", "os.py"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digest(root: Path) -> str:
    return _digest(root, ("cfr.a",))


@pytest.mark.parametrize("name", READ)
def test_each_module_that_may_be_imported_counts(root: Path, name: str) -> None:
    before = digest(root)
    (root / name).write_text(FILES[name] + "changed = 1\n")
    assert digest(root) != before
    (root / name).write_text(FILES[name])
    assert digest(root) == before


@pytest.mark.parametrize("name", sorted(set(FILES) - set(READ)))
def test_what_is_not_imported_does_not(root: Path, name: str) -> None:
    before = digest(root)
    (root / name).write_text(FILES[name] + "changed = 1\n")
    assert digest(root) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""What it is."""', '"""Something else."""'),
        ('"""How large."""\n', ""),
        ('    """Docs."""\n', ""),
        ('    """Docs of a class."""', "    pass"),
        ("    # a comment\n", "\n\n    # another\n"),
        ("x + SIZE", "(x+SIZE)"),
    ],
)
def test_words_and_layout_do_not_count(root: Path, old: str, new: str) -> None:
    before = digest(root)
    text = FILES["cfr/a.py"].replace(old, new)
    assert text != FILES["cfr/a.py"]
    (root / "cfr/a.py").write_text(text)
    same = digest(root) == before
    assert same is (new != "    pass")  # a statement that does nothing is a statement


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SIZE = 3", "SIZE = 3.0"),
        ("SIZE = 3", "size = 3"),
        ("x + SIZE", "x - SIZE"),
        ("x + SIZE", 'x + SIZE, "text"'),
        ("def run(x)", "def run(x=1)"),
        ("    from cfr.unread import word", "    from cfr.unread import words"),
    ],
)
def test_everything_else_counts(root: Path, old: str, new: str) -> None:
    before = digest(root)
    (root / "cfr/a.py").write_text(FILES["cfr/a.py"].replace(old, new))
    assert digest(root) != before


def test_a_module_that_moves_changes_it(root: Path) -> None:
    before = digest(root)
    (root / "cfr/c.py").rename(root / "cfr/e.py")
    (root / "cfr/b.py").write_text(FILES["cfr/b.py"].replace("import c", "import e"))
    assert digest(root) != before


def test_the_order_of_modules_and_the_place_do_not_count(root: Path, tmp_path: Path) -> None:
    both = _digest(root, ("cfr.c", "recognizers.deep"))
    assert _digest(root, ("recognizers.deep", "cfr.c")) == both
    assert _digest(root, ("cfr.c",)) != both
    copied = shutil.copytree(root, tmp_path / "elsewhere")
    assert digest(copied) == digest(root)


@pytest.mark.parametrize("module", ["cfr.none", "numpy", "os", "", "cfr.a.b"])
def test_what_is_no_module_of_ours_is_refused(root: Path, module: str) -> None:
    with pytest.raises(ValueError, match="is no module of"):
        _digest(root, (module,))


@pytest.mark.parametrize(
    "module", ["cfr.landmarks.policy", "results.export.mapping", "cfr.landmarks.sources"]
)
def test_the_real_tree(project: Path, tmp_path: Path, module: str) -> None:
    for room in ("cfr", "eval", "protocols", "recognizers", "results"):
        shutil.copytree(project / room, tmp_path / room)
    before = code_digest(module)
    assert _digest(tmp_path, (module,)) == before
    edited = tmp_path / "protocols" / "errors.py"  # all of them import it
    edited.write_text("# a comment\n" + edited.read_text())
    assert _digest(tmp_path, (module,)) == before
    edited.write_text(edited.read_text().replace("expected {expected}", "wanted {expected}"))
    assert _digest(tmp_path, (module,)) != before


def test_a_detector_counts_though_it_is_imported_late(project: Path, tmp_path: Path) -> None:
    for room in ("cfr", "protocols"):
        shutil.copytree(project / room, tmp_path / room)
    before = _digest(tmp_path, ("cfr.landmarks.sources",))
    edited = tmp_path / "cfr" / "landmarks" / "tddfa_network.py"
    edited.write_text(edited.read_text() + "\nnew = 1\n")
    assert _digest(tmp_path, ("cfr.landmarks.sources",)) != before


def test_every_process_says_the_same_and_imports_nothing(project: Path) -> None:
    code = (
        "import sys; from results.cache.code_digest import code_digest\n"
        "print(code_digest('cfr.landmarks.sources', 'recognizers.types'))\n"
        "assert not [name for name in sys.modules if name.startswith(('cfr', 'recognizers'))]"
    )

    def run(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    here = code_digest("cfr.landmarks.sources", "recognizers.types")
    assert run("1") == run("2") == here
