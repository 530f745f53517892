"""Which file of a pack is the recognizer, as insightface's own router decides."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import BadInput, DatasetUnavailable
from recognizers.packs import default_pack, recognizer_of

MakeOnnx = Callable[..., Path]
BUFFALO: dict[str, dict[str, Any]] = {
    "1k3d68": {"shape": ("n", 3, 192, 192)},
    "2d106det": {"shape": ("n", 3, 192, 192)},
    "det_10g": {"shape": (1, 3, "h", "w"), "outputs": tuple("abcdefghi")},
    "genderage": {"shape": ("n", 3, 96, 96)},
    "w600k_r50": {"shape": ("n", 3, 112, 112)},
}
OTHERS: dict[str, dict[str, Any]] = {
    "detector of one size": {"shape": (1, 3, 640, 640), "outputs": tuple("abcdef")},
    "swapper": {"shape": (1, 3, 128, 128), "inputs": 2},
    "not square": {"shape": ("n", 3, 112, 96)},
    "not a multiple of 16": {"shape": ("n", 3, 120, 120)},
    "grey": {"shape": ("n", 1, 112, 112)},
}


@pytest.fixture
def pack(tmp_path: Path, make_onnx: MakeOnnx) -> Path:
    for name, options in BUFFALO.items():
        make_onnx(tmp_path / "pack" / f"{name}.onnx", **options)
    return tmp_path / "pack"


def test_the_recognizer_of_a_pack_like_buffalo_is_found(pack: Path) -> None:
    assert recognizer_of(pack) == pack / "w600k_r50.onnx"


@pytest.mark.parametrize("side", [112, 128, 160, 224, 256])
def test_squares_are_recognizers_as_insightfaces_router_says(
    tmp_path: Path, make_onnx: MakeOnnx, side: int
) -> None:
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX
    from insightface.model_zoo.model_zoo import ModelRouter

    path = make_onnx(tmp_path / "one.onnx", shape=("n", 3, side, side))
    assert isinstance(ModelRouter(str(path)).get_model(), ArcFaceONNX)
    assert recognizer_of(tmp_path) == path


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_beside_it_are_left_alone(pack: Path, make_onnx: MakeOnnx, name: str) -> None:
    make_onnx(pack / "other.onnx", **OTHERS[name])
    assert recognizer_of(pack) == pack / "w600k_r50.onnx"
    (pack / "w600k_r50.onnx").unlink()
    with pytest.raises(BadInput, match=r"expected one recognizer.*found none;.*other\.onnx"):
        recognizer_of(pack)


def test_two_recognizers_are_told_apart_by_the_user(pack: Path, make_onnx: MakeOnnx) -> None:
    make_onnx(pack / "glint.onnx")
    expected = r"path of one file\), found 2: glint\.onnx, w600k_r50\.onnx"
    with pytest.raises(BadInput, match=expected):
        recognizer_of(pack)


def test_none_lists_what_is_there(pack: Path) -> None:
    (pack / "w600k_r50.onnx").unlink()
    listed = r"none; 1k3d68\.onnx \(picture: float \(n, 3, 192, 192\); 1 outputs\); 2d106det\.onnx"
    with pytest.raises(BadInput, match=listed):
        recognizer_of(pack)


def test_a_damaged_file_is_told(pack: Path) -> None:
    (pack / "det_10g.onnx").write_bytes(b"<html>")
    with pytest.raises(BadInput, match=r"det_10g\.onnx"):
        recognizer_of(pack)


def test_a_folder_without_models_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"model pack \(\*\.onnx\).*buffalo_l\.zip"):
        recognizer_of(tmp_path)


def test_the_default_pack_is_looked_for_in_two_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CFR_DATA", str(tmp_path / "data"))
    home = tmp_path / ".insightface" / "models" / "buffalo_l"
    with pytest.raises(DatasetUnavailable, match=f"{home}.*buffalo_l.zip"):
        default_pack()
    home.mkdir(parents=True)
    assert default_pack() == home
    (tmp_path / "data" / "insightface").mkdir(parents=True)
    assert default_pack() == tmp_path / "data" / "insightface"
    with pytest.raises(DatasetUnavailable, match="elsewhere"):
        default_pack(tmp_path / "elsewhere")
    assert default_pack(home) == home
