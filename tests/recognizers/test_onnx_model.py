"""Recognizers in ONNX files against insightface's own code and against PyTorch's arithmetic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from protocols.errors import BadInput, DatasetUnavailable, PackageUnavailable
from protocols.faces import Faces
from recognizers.card import Card, read_card
from recognizers.onnx_model import load
from recognizers.preparing import normalised
from recognizers.templates import arcface, sphereface, whole
from recognizers.types import Recognizer

MakeOnnx = Callable[..., Path]
SomeFaces = Callable[..., Faces]
DIMENSION = 24


def by_torch(weights: dict[str, np.ndarray], numbers: np.ndarray) -> np.ndarray:
    """The small network, as PyTorch computes it: (n, 3, h, w) to (n, 24)."""
    import torch
    from torch.nn import functional

    layers = {name: torch.from_numpy(value) for name, value in weights.items()}
    with torch.no_grad():
        maps = functional.conv2d(torch.from_numpy(numbers), layers["conv1"], stride=4)
        maps = functional.prelu(maps, layers["slope"].flatten())
        maps = functional.conv2d(maps, layers["conv2"], stride=2)
        maps = functional.avg_pool2d(maps, 2)[:, :, :4, :4]
        return (maps.flatten(1) @ layers["fc"]).numpy()


@pytest.mark.parametrize("before", [(), ("Sub_0", "Mul_1")])
def test_it_answers_what_insightface_answers(
    tmp_path: Path, make_onnx: MakeOnnx, some_faces: SomeFaces, before: tuple[str, ...]
) -> None:
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX

    path = make_onnx(tmp_path / "mine.onnx", before=before)
    ours, faces = load(path, Card()), some_faces(3)
    theirs = ArcFaceONNX(str(path)).get_feat([image[..., ::-1] for image in faces.images])
    np.testing.assert_allclose(ours.embed(faces), np.asarray(theirs), rtol=1e-4, atol=1e-4)
    assert isinstance(ours, Recognizer)
    assert (ours.name, ours.dimension, ours.input.colour) == ("mine", DIMENSION, "RGB")
    assert ours.input.template == arcface()
    grey = (0.0, 1.0) if before else (127.5, 127.5)
    assert (ours.input.mean, ours.input.std) == ((grey[0],) * 3, (grey[1],) * 3)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("half", [False, True])
def test_a_card_is_obeyed_in_every_layout_and_precision(
    tmp_path: Path,
    make_onnx: MakeOnnx,
    some_faces: SomeFaces,
    small_weights: dict[str, np.ndarray],
    last: bool,
    half: bool,
) -> None:
    path = make_onnx(
        tmp_path / "mine.onnx",
        shape=("n", 112, 96, 3) if last else ("n", 3, 112, 96),
        kind=TensorProto.FLOAT16 if half else TensorProto.FLOAT,
        outputs=("embedding", "opposite"),
    )
    text = 'colour = "BGR"\nmean = [100, 110, 120.5]\nstd = [60, 70, 80]\noutput = "opposite"'
    path.with_suffix(".toml").write_text(text)
    found, faces = load(path, read_card(path)), some_faces(3, width=96)
    shifted = faces.images[..., ::-1].astype(np.float32) - np.array([100, 110, 120.5], "f4")
    numbers = (shifted / np.array([60, 70, 80], "f4")).transpose(0, 3, 1, 2)
    expected = -by_torch(small_weights, np.ascontiguousarray(numbers))
    answer = found.embed(faces)
    assert answer.dtype == np.float32
    tolerance = 0.05 if half else 1e-4
    np.testing.assert_allclose(answer, expected, rtol=tolerance, atol=tolerance)
    assert found.input.template == sphereface()
    assert found.identity["output"] == "opposite"
    assert found.identity["precision"] == ("float16" if half else "float32")


def test_a_network_of_any_size_takes_the_cards(
    tmp_path: Path, make_onnx: MakeOnnx, some_faces: SomeFaces
) -> None:
    path = make_onnx(tmp_path / "free.onnx", shape=("n", 3, "h", "w"))
    assert load(path, Card()).input.template == arcface()
    found = load(path, Card(template="whole", width=120, height=130))
    assert found.input.template == whole(120, 130)
    assert found.embed(some_faces(2, width=120, height=130)).shape == (2, DIMENSION)
    with pytest.raises(ValueError, match="expected 120 × 130"):
        found.embed(some_faces(2))


def alone_and_together(found: Recognizer, faces: Faces) -> None:
    """Each face alone, among others and at another place: the same bytes."""
    together = found.embed(faces)
    assert together.shape == (len(faces), found.dimension)
    assert len(np.unique(together, axis=0)) == len(faces)
    turned = found.embed(Faces(faces.images[::-1].copy(), faces.landmarks))
    np.testing.assert_array_equal(turned[::-1], together)
    for row in range(len(faces)):
        alone = found.embed(faces[row : row + 1])
        assert alone.tobytes() == together[row].tobytes()
    assert found.embed(faces[:0]).shape == (0, found.dimension)


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_an_embedding_does_not_depend_on_its_neighbours(
    tmp_path: Path, make_onnx: MakeOnnx, some_faces: SomeFaces, batch: str | int
) -> None:
    found = load(make_onnx(tmp_path / "mine.onnx", shape=(batch, 3, 112, 112)), Card())
    assert found.batch == (4 if batch == 4 else 1)
    alone_and_together(found, some_faces(5))


def test_a_network_that_answers_in_one_row_works_face_by_face(
    tmp_path: Path, make_onnx: MakeOnnx, some_faces: SomeFaces
) -> None:
    """Exported from ``view(1, -1)``, as MobileFaceNet is: its batch is free in name only."""
    rows = load(make_onnx(tmp_path / "rows.onnx"), Card()).embed(some_faces(3))
    one = load(make_onnx(tmp_path / "one.onnx", ending="one"), Card()).embed(some_faces(3))
    np.testing.assert_array_equal(one, rows)
    path = make_onnx(tmp_path / "fixed.onnx", ending="one", shape=(4, 3, 112, 112))
    with pytest.raises(BadInput, match=r"fixed\.onnx, a first run.*for 4 faces, found.*\(1, 96\)"):
        load(path, Card())


def test_mobilefacenet_does_not_depend_on_neighbours_or_threads(
    shared: Path, people: np.ndarray
) -> None:
    path = shared / "networks" / "foamliu_mobilefacenet" / "MobileFaceNet.onnx"
    found = load(path, Card(), threads=1)
    corners = [(300, 100), (310, 420), (250, 700), (260, 1000), (500, 600)]
    images = np.stack([people[y : y + 112, x : x + 112] for y, x in corners])
    faces = Faces(images, np.zeros((5, 5, 2)))
    alone_and_together(found, faces)
    np.testing.assert_array_equal(load(path, Card(), threads=2).embed(faces), found.embed(faces))
    assert found.identity["weights"].startswith("b7120c095d60094f")


def test_threads_are_set(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    path = make_onnx(tmp_path / "mine.onnx")
    for threads in (0, 1, 3):
        options = load(path, Card(), threads=threads).session.get_session_options()
        assert options.intra_op_num_threads == threads
    one, three = (load(path, Card(), threads=threads).identity for threads in (1, 3))
    assert one == three


@pytest.mark.parametrize("before", [("/Sub", "/Mul"), ("/Mul",)])
def test_arithmetic_that_may_normalise_asks_for_a_card(
    tmp_path: Path, make_onnx: MakeOnnx, before: tuple[str, ...]
) -> None:
    """insightface's rule does not know the names that PyTorch gives, and would normalise twice."""
    path = make_onnx(tmp_path / "mine.onnx", before=before)
    with pytest.raises(BadInput, match=r"mine\.toml, with mean and std: .* Mul before its first"):
        load(path, Card())
    with pytest.raises(BadInput, match=r"mean and std"):
        load(path, Card(mean=(0.0, 0.0, 0.0)))
    said = load(path, Card(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)))
    assert said.input.mean == (0.0, 0.0, 0.0)


def test_identity_holds_what_changes_the_answer_and_no_path(
    tmp_path: Path, make_onnx: MakeOnnx
) -> None:
    path = make_onnx(tmp_path / "mine.onnx", outputs=("embedding", "opposite"))
    base = load(path, Card(output="embedding"))
    cards = [
        Card(output="opposite"),
        Card(output="embedding", colour="BGR"),
        Card(output="embedding", mean=(127.5, 127.5, 127.0)),
        Card(output="embedding", std=(128.0, 128.0, 128.0)),
        Card(output="embedding", template="whole"),
    ]
    identities = [dict(load(path, card).identity) for card in cards]
    other = make_onnx(tmp_path / "else" / "mine.onnx", before=("Sub_0", "Mul_1"))
    identities += [dict(load(other, Card()).identity), dict(base.identity)]
    assert len({tuple(sorted(one.items())) for one in identities}) == len(identities)
    copy = tmp_path / "copy" / "renamed.onnx"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    assert load(copy, Card(output="embedding")).identity == base.identity
    for key, value in base.identity.items():
        assert isinstance(key, str)
        assert isinstance(value, str)
        assert str(tmp_path) not in value
    assert onnx_version() in base.identity["backend"]
    assert base.identity["device"] == "cpu"


def onnx_version() -> str:
    import onnxruntime

    return onnxruntime.__version__


def test_weights_outside_change_the_identity(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    path = make_onnx(tmp_path / "mine.onnx", outside="mine.onnx.data")
    before = load(path, Card()).identity
    data = path.with_name("mine.onnx.data")
    data.write_bytes(data.read_bytes()[::-1])
    assert load(path, Card()).identity != before


def test_weights_outside_the_folder_are_refused(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    make_onnx(tmp_path / "other.onnx", outside="secret.data")
    path = make_onnx(tmp_path / "model" / "mine.onnx", outside="../secret.data")
    with pytest.raises(BadInput, match=r"mine\.onnx, tensor fc"):
        load(path, Card())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"shape": ("n", 4, 112, 112)},
            r"inputs: expected one input of float .*1: picture.*4, 112",
        ),
        ({"shape": ("n", 3, 112 * 112)}, "inputs: expected one input"),
        ({"kind": TensorProto.DOUBLE}, "inputs: expected one input of float.*double"),
        ({"inputs": 2}, r"inputs: expected one input.*2: picture: .*; other: "),
        ({"shape": ("n", 3, 120, 100)}, r"template \(mine\.toml.*found 100 × 120"),
        (
            {"outputs": ("a", "b")},
            r"outputs: expected one output.*mine\.toml.*2: a: float; b: float",
        ),
        ({"ending": "maps"}, r"a first run: expected a row.*shape \(1, 32, 4, 4\)"),
        ({"ending": "scores"}, r"a first run: expected a row of 2 or more.*shape \(1, 1\)"),
    ],
)
def test_what_is_no_recognizer_is_told(
    tmp_path: Path, make_onnx: MakeOnnx, options: dict[str, Any], message: str
) -> None:
    path = make_onnx(tmp_path / "mine.onnx", **options)
    with pytest.raises(BadInput, match=rf"mine\.onnx.*{message}"):
        load(path, Card())


def test_an_output_that_is_not_there_is_told(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    path = make_onnx(tmp_path / "mine.onnx", outputs=("a", "b"))
    path.with_suffix(".toml").write_text('output = "c"')
    with pytest.raises(BadInput, match=r"mine\.toml, output: expected one of a, b, found c"):
        load(path, read_card(path))


def test_files_that_do_not_load_or_run_are_told(tmp_path: Path, make_onnx: MakeOnnx) -> None:
    with pytest.raises(DatasetUnavailable, match=r"absent\.onnx"):
        load(tmp_path / "absent.onnx", Card())
    path = make_onnx(tmp_path / "mine.onnx")
    model = onnx.load(path)
    model.graph.node[0].op_type = "NoSuchOperation"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(BadInput, match=r"odd\.onnx: expected an ONNX file that onnxruntime loads"):
        load(tmp_path / "odd.onnx", Card())
    # The second convolution finds nothing left in a picture of 8 × 8.
    small = make_onnx(tmp_path / "small.onnx", shape=("n", 3, "h", "w"))
    with pytest.raises(BadInput, match=r"small\.onnx, a first run"):
        load(small, Card(width=8, height=8))


def test_cuda_is_never_replaced_silently(
    tmp_path: Path, make_onnx: MakeOnnx, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_onnx(tmp_path / "mine.onnx")
    offered = ["CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: offered)
    with pytest.raises(PackageUnavailable, match="onnxruntime-gpu is not installed"):
        load(path, Card(), device="cuda")
    assert load(path, Card(), device="auto").identity["device"] == "cpu"
    # onnxruntime says that it has CUDA, but falls back when it cannot start it.
    offered.insert(0, "CUDAExecutionProvider")
    monkeypatch.setattr("onnxruntime.preload_dlls", lambda: None)
    started = []
    import onnxruntime

    session = onnxruntime.InferenceSession

    def on_the_cpu(content: bytes, options: Any, providers: list[Any]) -> Any:
        started.append([one if isinstance(one, str) else one[0] for one in providers])
        return session(content, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr("onnxruntime.InferenceSession", on_the_cpu)
    with pytest.raises(PackageUnavailable, match="CUDA"):
        load(path, Card(), device="cuda")
    assert load(path, Card(), device="auto").identity["device"] == "cpu"
    assert load(path, Card(), device="cpu").identity["device"] == "cpu"
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert started == [both, both, ["CPUExecutionProvider"]]


def test_a_known_convention_replaces_the_usual_one(
    tmp_path: Path,
    make_onnx: MakeOnnx,
    some_faces: SomeFaces,
    small_weights: dict[str, np.ndarray],
) -> None:
    from recognizers.types import Input

    path = make_onnx(tmp_path / "mine.onnx")
    usual = Input("BGR", (1.0, 2.0, 3.0), (50.0, 60.0, 70.0), arcface())
    found = load(path, Card(), name="called", usual=usual)
    assert (found.name, found.input) == ("called", usual)
    expected = by_torch(small_weights, normalised(some_faces(2).images, usual))
    np.testing.assert_allclose(found.embed(some_faces(2)), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="expected 112 × 112"):
        found.embed(some_faces(1, width=96))
