from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from cfr.coefficients import Layout, WrongFaceModel, load_coefficients, save_coefficients
from cfr.types import Coefficients
from protocols.errors import BadInput

LAYOUT = Layout(80, 64, 80, 27, model="a" * 64)


def filled(layout: Layout, rows: int = 4) -> Coefficients:
    return layout.split(torch.randn(rows, layout.size))


def test_the_published_vector_has_257_numbers_and_the_papers_239() -> None:
    assert LAYOUT.size == 257
    assert Layout(80, 64, 80, 9, model="").size == 239


def test_the_order_is_that_of_the_published_weights() -> None:
    """Deep3D: id[0:80], exp[80:144], tex[144:224], angles, gamma[227:254], trans[254:257]."""
    vector = torch.arange(257.0)[None]
    parts = LAYOUT.split(vector).parts()
    starts = {name: int(part[0, 0]) for name, part in parts.items()}
    assert starts == {
        "identity": 0,
        "expression": 80,
        "texture": 144,
        "rotation": 224,
        "lighting": 227,
        "translation": 254,
    }
    assert torch.equal(LAYOUT.join(LAYOUT.split(vector)), vector)


def test_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 257 coefficients, found 239"):
        LAYOUT.split(torch.zeros(1, 239))
    short = Layout(70, 64, 80, 27, model=LAYOUT.model)
    with pytest.raises(ValueError, match="identity: expected 80 numbers, found 70"):
        LAYOUT.join(filled(short))


def test_another_model_is_refused() -> None:
    other = Layout(80, 64, 80, 27, model="b" * 64)
    with pytest.raises(WrongFaceModel, match="made with face model bbbbbbbbbbbb…, the one at hand"):
        LAYOUT.join(filled(other))


def test_files_keep_the_numbers_and_the_model(tmp_path: Path) -> None:
    coefficients = filled(LAYOUT)
    save_coefficients(tmp_path / "faces.safetensors", coefficients)
    again = load_coefficients(tmp_path / "faces.safetensors", LAYOUT)
    assert torch.equal(LAYOUT.join(again), LAYOUT.join(coefficients))
    content = (tmp_path / "faces.safetensors").read_bytes()
    for _ in range(20):  # safetensors by itself writes metadata in either order
        save_coefficients(tmp_path / "faces.safetensors", coefficients)
        assert (tmp_path / "faces.safetensors").read_bytes() == content
    other = Layout(80, 64, 80, 27, model="b" * 64)
    with pytest.raises(
        WrongFaceModel, match=r"faces\.safetensors: made with face model aaaaaaaaaaaa"
    ):
        load_coefficients(tmp_path / "faces.safetensors", other)
    mono = Layout(80, 64, 80, 9, model=LAYOUT.model)
    with pytest.raises(BadInput, match=r"tensor lighting: .* \(4, 9\), found \(4, 27\)"):
        load_coefficients(tmp_path / "faces.safetensors", mono)


@pytest.mark.parametrize("content", [None, b"", b"\x08\0\0\0\0\0\0\0notjson!", b"x" * 200])
def test_a_damaged_file_is_one_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "faces.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"faces\.safetensors: expected coefficients written by"):
        load_coefficients(path, LAYOUT)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda part: part * float("nan"), "tensor rotation: expected finite numbers"),
        (lambda part: part.long(), r"tensor rotation: expected real numbers of shape \(4, 3\)"),
        (lambda part: part.sum(), "expected real numbers of shape"),
    ],
)
def test_numbers_that_cannot_be_coefficients_are_one_error(tmp_path: Path, change, told) -> None:
    path = tmp_path / "faces.safetensors"
    parts = {name: part.contiguous() for name, part in filled(LAYOUT).parts().items()}
    about = {"format": "cfr-coefficients-1", "model": LAYOUT.model}
    save_file({**parts, "rotation": change(parts["rotation"])}, path, about)
    with pytest.raises(BadInput, match=told):
        load_coefficients(path, LAYOUT)


def test_a_folder_that_is_absent_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        save_coefficients(tmp_path / "absent" / "faces.safetensors", filled(LAYOUT))


def test_a_networks_half_precision_ends_here() -> None:
    coefficients = LAYOUT.split(torch.randn(2, 257, dtype=torch.bfloat16))
    assert {part.dtype for part in coefficients.parts().values()} == {torch.float32}


def test_coefficients_follow_to_a_device() -> None:
    moved = filled(LAYOUT).to("meta")
    assert {part.device.type for part in moved.parts().values()} == {"meta"}
    assert moved.model == LAYOUT.model


def test_other_tensors_are_one_error(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "net.safetensors")
    with pytest.raises(BadInput, match="found None: weight"):
        load_coefficients(tmp_path / "net.safetensors", LAYOUT)
