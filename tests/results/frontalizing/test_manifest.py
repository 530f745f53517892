from hashlib import sha256
from pathlib import Path

import pytest

from protocols.errors import BadInput
from results.frontalizing.manifest import FILE, Done, Manifest, Written

OPTIONS = {"method": "render", "yaw": 0.5}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(b"a photo")
    return path


def done(digest: str, *files: str) -> Done:
    face = Written(
        "a.png", 1, "known", (1.5, 2.5, 3.5, 4.5), 1.0, None, None, dict.fromkeys(files, files[0])
    )
    return Done("a.png", "a", digest, 2, (face,))


def test_what_is_done_is_found_again_as_it_was(tmp_path: Path, photo: Path) -> None:
    one = done(sha256(b"a photo").hexdigest(), "a-crop.png")
    Manifest(tmp_path, OPTIONS).add(one)
    again = Manifest(tmp_path, OPTIONS)
    assert again.find("a.png", "a", photo) is None  # its file is not there
    (tmp_path / "a-crop.png").write_bytes(b"")
    assert again.find("a.png", "a", photo) == one
    assert again.find("a.png", "a.png", photo) is None
    assert again.find("b.png", "a", photo) is None
    photo.write_bytes(b"another photo")
    assert again.find("a.png", "a", photo) is None


def test_the_last_line_of_a_photo_counts(tmp_path: Path, photo: Path) -> None:
    manifest = Manifest(tmp_path, OPTIONS)
    manifest.add(Done("a.png", "a", "0" * 64, 1))
    manifest.add(Done("a.png", "a", sha256(b"a photo").hexdigest(), 0))
    found = Manifest(tmp_path, OPTIONS).find("a.png", "a", photo)
    assert found is not None
    assert found.found == 0


def test_half_a_first_line_is_no_run(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"format": "front')
    Manifest(tmp_path, OPTIONS)
    with pytest.raises(BadInput, match="another folder takes it"):
        Manifest(tmp_path, OPTIONS | {"yaw": 0.0})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no JSON\n", "line 1: expected JSON"),
        ("[]\n", "line 1: expected a JSON object"),
        ('{"format": "other"}\n', "line 1: expected the format frontalized-1"),
        ("HEAD\n{}\n", "line 2: expected a photo's line"),
        ("HEAD\nno JSON\n", "line 2: expected JSON"),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str, said: str) -> None:
    Manifest(tmp_path, OPTIONS)
    head = (tmp_path / FILE).read_text().splitlines()[0]
    (tmp_path / FILE).write_text(text.replace("HEAD", head))
    with pytest.raises(BadInput, match=said):
        Manifest(tmp_path, OPTIONS)
