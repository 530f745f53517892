"""Who decides where data lie, and that a mistyped root never falls through."""

from pathlib import Path

import pytest

from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import (
    inside_root,
    is_dir,
    is_file,
    read_data_toml,
    require_root,
    resolve_root,
)

LONG = "x" * 300
"""Longer than a file system's names: to look for it is an error of the system."""


def test_files_and_folders_are_told_apart_and_links_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for name, (file, folder) in {"folder": (False, True), "file": (True, False)}.items():
        (tmp_path / f"link to {name}").symlink_to(tmp_path / name)
        for path in (tmp_path / name, tmp_path / f"link to {name}"):
            assert (is_file(path), is_dir(path)) == (file, folder)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in ("nothing", "file/below", "circle", "nul\0"):
        assert not is_file(tmp_path / name)
        assert not is_dir(tmp_path / name)


@pytest.mark.parametrize("look", [is_file, is_dir])
@pytest.mark.parametrize("name", [LONG, f"{LONG}/below"])
def test_a_path_that_cannot_be_looked_at_is_an_error(tmp_path: Path, look, name: str) -> None:
    with pytest.raises(
        BadInput, match=r"expected a path that can be looked at, .*too long"
    ) as error:
        look(tmp_path / name)
    assert error.value.file == tmp_path / name


@pytest.mark.parametrize("look", [is_file, is_dir])
def test_a_folder_that_may_not_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look
) -> None:
    """Whoever runs the tests as root may read all: the system's answer is made up."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(BadInput, match="a path that can be looked at, found Permission denied"):
        look(tmp_path / "below")


def test_a_root_and_a_data_toml_that_cannot_be_looked_at_are_our_errors(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a path that can be looked at"):
        require_root("x", "A set", "GET IT", tmp_path / LONG)
    with pytest.raises(BadInput, match="a path that can be looked at"):
        read_data_toml(tmp_path / LONG / "data.toml")


def test_the_first_that_is_set_decides(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text('aflw2000 = "/from/toml"\nlfw = "relative/lfw"\n')
    environ = {"CFR_DATA": "/from/environment"}

    def where(name: str, override: Path | None = None, environ: dict[str, str] | None = None):
        root = resolve_root(name, override, environ=environ or {}, project=tmp_path)
        return str(root.path), root.origin

    assert where("aflw2000", Path("/from/flag"), environ) == ("/from/flag", "--root")
    assert where("aflw2000", None, environ) == ("/from/environment/aflw2000", "CFR_DATA")
    assert where("aflw2000") == ("/from/toml", str(tmp_path / "data.toml"))
    assert where("lfw") == (str(tmp_path / "relative/lfw"), str(tmp_path / "data.toml"))
    assert where("ijba") == (str(tmp_path / "data/ijba"), "default")


def test_an_absent_root_names_itself_and_who_set_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetUnavailable, match=r"A set is not at .*/no.*--root.*GET IT"):
        require_root("x", "A set", "GET IT", tmp_path / "no")
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    with pytest.raises(DatasetUnavailable, match=r"/x\. .*set by CFR_DATA"):
        require_root("x", "A set", "GET IT")
    (tmp_path / "x").mkdir()
    assert require_root("x", "A set", "GET IT") == tmp_path / "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("aflw2000 = /no/quotes", "expected lines such as"),
        ("aflw2000 = 3", "entry aflw2000: expected a path in quotes, found 3"),
        ('[roots]\naflw2000 = "/a"', "entry roots: expected a path"),
        ('aflw2000 = ""', "entry aflw2000"),
    ],
)
def test_a_broken_data_toml_names_its_entry(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "data.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as error:
        read_data_toml(path)
    assert str(path) in str(error.value)


def test_no_data_toml_is_no_entry(tmp_path: Path) -> None:
    assert read_data_toml(tmp_path / "data.toml") == {}


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../up", "out/x", "loop", "nul\0"])
def test_no_path_leads_out_of_a_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(BadInput, match=r"list\.txt, line 3: expected a path within"):
        inside_root(root, name, tmp_path / "list.txt", "line 3")
    (root / "in").symlink_to(root)
    assert inside_root(root, "in/there", tmp_path / "list.txt", "line 3") == root / "in/there"
