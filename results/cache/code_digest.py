"""A digest of our own code, so that a cache never answers with what older code computed."""

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_OURS = ("cfr", "eval", "protocols", "recognizers", "results")
_NAME = re.compile(rf"({'|'.join(_OURS)})(\.\w+)+(?=:\w+$|$)")


@cache
def code_digest(*modules: str) -> str:
    """sha256 of the source of modules, and of all of ours that they import.

    Imports count that stand in functions, that lead through other modules, and whose module is
    named by a text such as ``"recognizers.iresnet"``; those under ``if TYPE_CHECKING`` do not.
    Nothing is imported to tell. Comments, layout and docstrings (texts that stand alone) do not
    count, everything else of a module does. The digest is one of this version of Python, and of
    the files as they are at the first call.

    Args:
        modules: Full names, such as ``cfr.align``.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: One of them is no module of ours.
    """
    return _digest(_ROOT, modules)


def _digest(root: Path, modules: tuple[str, ...]) -> str:
    for module in modules:
        if module.partition(".")[0] not in _OURS or _file(root, module) is None:
            raise ValueError(f"{module} is no module of {', '.join(_OURS)}")
    content: dict[str, str] = {}
    waiting = [parent for module in modules for parent in _with_parents(module)]
    while waiting:
        module = waiting.pop()
        path = _file(root, module)
        if module in content or path is None:
            continue
        tree = ast.parse(path.read_bytes(), path)
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for name in _imported(tree, package):
            waiting.extend(_with_parents(name))
        content[module] = ast.dump(_Bare().visit(tree))
    whole = hashlib.sha256()
    for module, text in sorted(content.items()):
        whole.update(f"{module}\n{len(text)}\n{text}\n".encode())
    return whole.hexdigest()


def _file(root: Path, module: str) -> Path | None:
    """Where a module's source is; None for what is no module of ours."""
    path = root.joinpath(*module.split("."))
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if file.is_file():
            return file
    return None


def _with_parents(module: str) -> Iterator[str]:
    """A module and the packages around it, which are run before it."""
    parts = module.split(".")
    if parts[0] in _OURS:
        for count in range(1, len(parts) + 1):
            yield ".".join(parts[:count])


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """What a module may import: of ``from a import b`` both ``a`` and ``a.b``."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _for_types(node.test):
            waiting.extend(node.orelse)
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = _NAME.match(node.value)
            if named is not None:
                yield named[0]


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module after ``from``, its leading dots resolved."""
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _for_types(test: ast.expr) -> bool:
    """Whether a condition is ``TYPE_CHECKING``."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


class _Bare(ast.NodeTransformer):
    """Takes away texts that stand alone: docstrings of whatever they describe."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else self.generic_visit(node)
