"""The house's rules that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "mlflow", "pandas", "matplotlib", "sklearn")


def sources(project: Path, *folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((project / folder).rglob("*.py"))]


def test_nobody_hides_the_builtin_eval(project: Path) -> None:
    """``import eval`` rebinds the builtin in that module; ``from eval.x import …`` does not."""
    everything = sources(
        project, "cfr", "eval", "protocols", "recognizers", "results", "scripts", "tests"
    )
    assert len(everything) > 20
    for path in everything:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.asname or alias.name.split(".")[0] for alias in node.names]
                assert "eval" not in names, f"{path}:{node.lineno}"


def test_no_test_folder_is_a_package(project: Path) -> None:
    assert not list((project / "tests").rglob("__init__.py"))


def test_command_lines_are_thin(project: Path) -> None:
    for path in sources(project, "scripts"):
        assert len(path.read_text().splitlines()) <= 80, path


def test_only_tests_and_makefile_know_the_shared_inputs(project: Path) -> None:
    for path in sources(project, "cfr", "eval", "protocols", "recognizers", "results", "scripts"):
        assert "CFR_SHARED" not in path.read_text(), path


@pytest.mark.parametrize(
    "words",
    [
        ["scripts/reproduce.py", "--help"],
        ["scripts/reproduce.py", "fig5", "-h"],
        ["scripts/doctor.py", "-h"],
        ["scripts/draw_architecture.py", "-h"],
        ["scripts/draw_model.py", "-h"],
        ["scripts/draw_occluders.py", "-h"],
        ["scripts/build_face_model.py", "-h"],
        ["scripts/frontalize.py", "-h"],
        ["scripts/compare.py", "-h"],
        ["scripts/evaluate.py", "restoration", "-h"],
        ["scripts/bench.py", "-h"],
        ["scripts/train_regressor.py", "-h"],
        ["scripts/train_expression.py", "-h"],
        ["scripts/train_recognizer.py", "-h"],
        ["scripts/make_pairs.py", "-h"],
        ["scripts/augment.py", "-h"],
        ["scripts/make_synthetic.py", "-h"],
        ["scripts/report.py", "-h"],
        ["scripts/protocol.py", "-h"],
        ["scripts/protocol.py", "score", "-h"],
    ],
)
def test_help_imports_nothing_heavy(project: Path, words: list[str]) -> None:
    """What keeps ``--help`` under a second (measured by ``scripts/bench.py startup``)."""
    code = (
        f"import runpy, sys; sys.argv = {words!r}\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        f"except SystemExit: print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"
