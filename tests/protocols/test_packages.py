"""Packages are found without being imported."""

import sys
from pathlib import Path

import pytest

from protocols.errors import PackageUnavailable
from protocols.packages import package_folder


def test_a_package_is_found_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "explosive_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert package_folder("explosive_package", "").resolve() == package.resolve()
    assert "explosive_package" not in sys.modules


def test_an_absent_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PackageUnavailable, match=r"no_such_package is not installed\. Get it so\."):
        package_folder("no_such_package", "Get it so.")
    (tmp_path / "empty_folder").mkdir()  # Python takes it for a namespace without a place
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PackageUnavailable, match="empty_folder"):
        package_folder("empty_folder", "")
