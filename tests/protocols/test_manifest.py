"""The manifest is whole, and what is on disk is told truthfully."""

import hashlib
import re
from pathlib import Path

import pytest

from protocols.errors import BadInput
from protocols.manifest import MANIFEST, Entry, inspect, read_manifest, unknown_roots

SMALL = """
[thing]
kind = "dataset"
title = "A thing"
used_by = "a test"
licence = "free"
[[thing.parts]]
name = "labels"
get = "write it"
files = [{{ path = "a.txt", sha256 = "{digest}", bytes = 5 }}]
[[thing.parts]]
name = "photos"
get = "draw them"
counts = [
  {{ any_of = ["new/*.jpg", "old/*.jpg"], expected = 2 }},
  {{ any_of = ["list.txt"], expected = 3, lines = true }},
]
"""


@pytest.fixture
def thing(tmp_path: Path) -> tuple[Entry, Path]:
    path = tmp_path / "manifest.toml"
    path.write_text(SMALL.format(digest=hashlib.sha256(b"right").hexdigest()))
    return read_manifest(path)["thing"], tmp_path / "root"


def states(thing: tuple[Entry, Path]) -> dict[str, tuple[str, str]]:
    return {one.entry: (one.state, one.detail) for one in inspect(*thing)}


def test_nothing_there_is_missing(thing: tuple[Entry, Path]) -> None:
    assert {state for state, _ in states(thing).values()} == {"missing"}


def test_everything_there_is_found(thing: tuple[Entry, Path]) -> None:
    root = thing[1]
    (root / "old").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"right")
    for name in ("1.jpg", "2.jpg"):
        (root / "old" / name).touch()
    (root / "list.txt").write_text("1\n2\n3")
    assert {state for state, _ in states(thing).values()} == {"found"}


def test_what_is_off_is_named(thing: tuple[Entry, Path]) -> None:
    root = thing[1]
    (root / "new").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"wrong")
    (root / "new" / "1.jpg").touch()
    (root / "list.txt").write_text("1\n2\n")
    found = states(thing)
    assert found["thing: labels"] == ("wrong", "a.txt is not the published file (sha256)")
    (root / "a.txt").write_bytes(b"rig")
    assert states(thing)["thing: labels"] == ("wrong", "a.txt has 3 of 5 bytes")
    state, detail = found["thing: photos"]
    assert state == "wrong"
    assert "1 of 2 files new/*.jpg" in detail
    assert "2 of 3 lines list.txt" in detail


def test_the_real_manifest_is_whole() -> None:
    manifest = read_manifest()
    assert {"lfw", "ijba", "ijbb", "ijbc", "rafdb", "aflw2000", "casia"} <= set(manifest)
    for entry in manifest.values():
        assert entry.title
        assert entry.used_by
        assert entry.licence
        assert entry.get if entry.kind == "package" else entry.parts
        for part in entry.parts:
            assert part.get
            assert part.files or part.counts
            for file, url in part.downloads():
                assert url.startswith("https://")
                assert re.fullmatch(r"[0-9a-f]{64}", file.sha256 or "")
                # A branch may move; only a commit or a numbered file is the same tomorrow.
                assert re.search(r"/[0-9a-f]{40}/|/files/\d+$", url), url


def test_the_real_labels_are_the_published_ones(shared: Path) -> None:
    found = {one.entry: one for one in inspect(read_manifest()["aflw2000"], shared / "aflw2000")}
    assert found["aflw2000: labels"].state == "found"
    assert found["aflw2000: released predictions"].state == "found"
    assert found["aflw2000: photos"].state == "wrong"
    assert "1,000 of 2,000 files" in found["aflw2000: photos"].detail


def test_the_real_networks_are_the_published_ones(shared: Path) -> None:
    manifest = read_manifest()
    networks = shared / "networks"
    for name, entry, folder in (
        ("mobilefacenet", "mobilefacenet", "foamliu_mobilefacenet"),
        ("tddfa", "tddfa: network", "3ddfa_v2"),
        ("tddfa", "tddfa: 68-point basis", "3ddfa_v1_sparse_basis"),
    ):
        states = {one.entry: one.state for one in inspect(manifest[name], networks / folder)}
        assert states[entry] == "found"


def test_a_misspelt_entry_of_data_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text('lfw = "/a"\naflw200 = "/b"\n')
    (finding,) = unknown_roots(read_manifest(), tmp_path)
    assert (finding.entry, finding.state) == ("aflw200", "wrong")
    assert "aflw2000" in finding.detail


def test_packages_are_found_without_importing_them() -> None:
    def entry(module: str, distribution: str) -> Entry:
        return Entry("p", "package", "", "", "", module=module, distribution=distribution)

    assert inspect(entry("numpy", "numpy"))[0].state == "found"
    assert inspect(entry("numpy", "no-such-distribution"))[0].state == "found"
    assert inspect(entry("no_such_module", "numpy"))[0].state == "missing"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "a manifest in TOML"),
        ("a = 1", "entry a: expected a table"),
        ('[a]\nkind = "dataset"', "fields of a Entry"),
        ('[a]\ncolour = "red"', "expected fields among"),
        ('[[a.parts]]\nname = "x"\nget = "y"\nfiles = [{ path = "../x" }]', "below the root"),
        ('[[a.parts]]\nname = "x"\nget = "y"\nfiles = [{ path = "/x" }]', "below the root"),
        ('[[a.parts]]\nname = "x"\nget = "y"\nfiles = [{ way = "x" }]', "expected fields among"),
        ('[[a.parts]]\nname = "x"\nget = "y"\nfiles = [1]', "files as a list of tables"),
        ("[a]\nparts = 3", "parts as a list of tables"),
        ('[[a.parts]]\nname = "x"\nget = "y"\nfinish = "unpack-lwf"', "expected finish as"),
        ('[[a.parts]]\nname = "x"\nget = 1', "expected get as"),
        ('[[a.parts]]\nname = "x"\nfiles = [{ path = "x", sha256 = "AB" }]', "64 lower-case"),
        ('[[a.parts]]\ncounts = [{ any_of = ["x"], expected = "two" }]', "expected expected as"),
        ("[[a.parts]]\ncounts = [{ any_of = [1], expected = 2 }]", "expected any_of as"),
        ('[[a.parts]]\ncounts = [{ any_of = "abc", expected = 2 }]', "expected any_of as"),
        ("[[a.parts]]\ncounts = [{ any_of = 3, expected = 2 }]", "expected any_of as"),
        ("[[a.parts]]\ncounts = [{ expected = 2 }]", "fields of a Count"),
    ],
)
def test_a_broken_manifest_names_its_entry(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_manifest(path)
    with pytest.raises(BadInput):
        read_manifest(tmp_path / "absent.toml")


def test_the_manifest_travels_with_the_package() -> None:
    assert MANIFEST.parent.name == "protocols"
