"""Recognizers by name, by file and by folder."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.faces import Faces
from recognizers.sources import MOBILEFACENET, SOURCES, load_recognizer
from recognizers.templates import arcface, sphereface
from recognizers.types import Recognizer

MakeOnnx = Callable[..., Path]


def test_mobilefacenet_is_fed_as_its_authors_feed_it(shared: Path, people: np.ndarray) -> None:
    import onnxruntime

    root = shared / "networks" / "foamliu_mobilefacenet"
    found = load_recognizer("mobilefacenet", root, device="cpu", threads=1)
    assert isinstance(found, Recognizer)
    assert (found.name, found.dimension, found.input) == ("mobilefacenet", 128, MOBILEFACENET)
    images = people[None, 300:412, 250:362]
    # torchvision's ToTensor and Normalize, as the authors' evaluation chains them.
    scaled = images.astype(np.float32) / 255
    numbers = (scaled - np.array([0.485, 0.456, 0.406], "f4")) / np.array(
        [0.229, 0.224, 0.225], "f4"
    )
    session = onnxruntime.InferenceSession(
        root / "MobileFaceNet.onnx", providers=["CPUExecutionProvider"]
    )
    fed = {"input0": np.ascontiguousarray(numbers.transpose(0, 3, 1, 2))}
    expected = np.asarray(session.run(None, fed)[0])
    got = found.embed(Faces(images, np.zeros((1, 5, 2))))
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


def test_an_absent_mobilefacenet_says_how_to_get_it(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DatasetUnavailable, match=r"scripts/fetch\.py mobilefacenet"):
            load_recognizer("mobilefacenet", folder)


def test_a_card_beside_an_onnx_file_is_read(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    path = make_onnx(tmp_path / "mine.onnx", shape=("n", 3, 112, 96))
    found = load_recognizer(str(path), device="cpu", threads=2)
    assert (found.name, found.input.colour, found.input.template) == ("mine", "RGB", sphereface())
    path.with_suffix(".toml").write_text('colour = "BGR"')
    assert load_recognizer(str(path)).input.colour == "BGR"
    path.with_suffix(".toml").write_text('color = "BGR"')
    with pytest.raises(BadInput, match=r"mine\.toml"):
        load_recognizer(str(path))


def test_a_pack_and_the_name_insightface_give_its_recognizer(
    tmp_path: Path, make_onnx: MakeOnnx, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = tmp_path / "insightface"
    make_onnx(pack / "w600k_r50.onnx")
    make_onnx(pack / "genderage.onnx", shape=("n", 3, 96, 96))
    monkeypatch.setenv("CFR_DATA", str(tmp_path))
    for found in (
        load_recognizer("insightface"),
        load_recognizer("insightface", pack),
        load_recognizer(str(pack)),
    ):
        assert (found.name, found.input.template) == ("w600k_r50", arcface())


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_pytorch_weights_are_loaded_with_their_card(tmp_path: Path, ending: str) -> None:
    import timm
    import torch
    from safetensors.torch import save_file

    state = timm.create_model("test_resnet", num_classes=0).state_dict()
    path = tmp_path / f"mine{ending}"
    if ending == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    path.with_suffix(".toml").write_text('architecture = "test_resnet"\nwidth = 112\nheight = 112')
    found = load_recognizer(str(path), device="cpu", threads=1)
    assert isinstance(found, Recognizer)
    assert (found.name, found.input.template.width) == ("mine", 112)


def test_unknown_names_are_told_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "mine.tflite").write_bytes(b"")
    for name in ("arcface", "", "timm:", str(tmp_path / "mine.tflite"), str(tmp_path / "absent")):
        with pytest.raises(
            BadOption, match=r"dlib, mobilefacenet, insightface, timm:NAME, an \.onnx"
        ):
            load_recognizer(name)
    with pytest.raises(DatasetUnavailable, match=r"absent\.onnx"):
        load_recognizer(str(tmp_path / "absent.onnx"))
    with pytest.raises(BadOption, match="no_such_network"):
        load_recognizer("timm:no_such_network")


def test_the_names_are_those_of_the_contract() -> None:
    assert tuple(SOURCES) == ("dlib", "mobilefacenet", "insightface")


def test_another_process_gives_the_same_bytes(
    tmp_path: Path, make_onnx: MakeOnnx, some_faces: Callable[..., Faces], project: Path
) -> None:
    path = make_onnx(tmp_path / "mine.onnx")
    faces = some_faces(3)
    np.save(tmp_path / "faces.npy", faces.images)
    code = (
        "import sys, numpy as np; from protocols.faces import Faces\n"
        "from recognizers.sources import load_recognizer\n"
        "heavy = {'torch', 'timm', 'dlib', 'onnx', 'onnxruntime', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        f"found = load_recognizer({str(path)!r}, threads=1)\n"
        f"faces = Faces(np.load({str(tmp_path / 'faces.npy')!r}), np.full((3, 5, 2), np.nan))\n"
        f"np.save({str(tmp_path / 'answer.npy')!r}, found.embed(faces))\n"
        "print(sorted(found.identity.items()))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    here = load_recognizer(str(path), threads=2)
    np.testing.assert_array_equal(np.load(tmp_path / "answer.npy"), here.embed(faces))
    assert answer.stdout.strip() == str(sorted(here.identity.items()))
