"""What a run starts from: earlier stages, own files, backbones, and recognizers with a gradient."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
from PIL import Image
from torch import Tensor, nn

from cfr.coefficients import WrongFaceModel
from cfr.morphable.model import MorphableModel
from cfr.regressor.network import MINI, RNet, build
from cfr.regressor.weights import save
from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.faces import Faces
from recognizers.iresnet import ARCHITECTURES, IResNet
from recognizers.sources import MOBILEFACENET, load_recognizer
from results.training import starting
from results.training.options import TrainRegressor
from results.training.starting import first_network, load_embed

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither this checkout's weights nor anybody's artifacts."""
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setattr(starting, "project_root", lambda: tmp_path / "project")
    return tmp_path / "artifacts"


def trained(path: Path, model: MorphableModel, seed: int = 1) -> RNet:
    """A regressor whose numbers are all drawn, written in half precision."""
    torch.manual_seed(seed)
    net = build(MINI, model.layout(), size=64)
    with torch.no_grad():
        for head in net.heads.values():
            nn.init.normal_(head.weight, std=0.1)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    save(path, net, {})
    return net


def same_halves(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(
        name == called and torch.equal(mine.half(), theirs.half())
        for (name, mine), (called, theirs) in pairs
    )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def options(stage: str, start: str | None = None, **more: object) -> TrainRegressor:
    return TrainRegressor(stage, start=start, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stage", "before"), [("stage1", "baseline"), ("stage2", "stage1")])
def test_a_stage_starts_from_the_one_before(
    stage: str, before: str, small_model: MorphableModel, artifacts: Path, tmp_path: Path
) -> None:
    name = f"regressor-{before}.safetensors"
    trained_here = artifacts / "regressor" / before / name
    with pytest.raises(DatasetUnavailable) as caught:
        first_network(options(stage), small_model)
    assert str(caught.value).startswith(f"the regressor {before} is not at {trained_here}. ")
    assert f"python scripts/train_regressor.py {before}. " in str(caught.value)
    kept = tmp_path / "project/assets" / name
    expected = trained(kept, small_model)
    net, words = first_network(options(stage), small_model)
    assert same_halves(net, expected)
    assert words == f"{name} (sha256 {sha256(kept)})"
    assert (net.size, next(net.parameters()).dtype) == (64, torch.float32)
    newer = trained(trained_here, small_model, seed=2)
    net, words = first_network(options(stage), small_model)
    assert same_halves(net, newer)
    assert not same_halves(net, expected)
    assert sha256(trained_here) in words


def test_the_baseline_starts_from_nothing_but_the_seed(
    small_model: MorphableModel, artifacts: Path
) -> None:
    trained(artifacts / "regressor/baseline/regressor-baseline.safetensors", small_model)
    net, words = first_network(options("baseline"), small_model)
    assert (net.backbone, net.size, words) == (MINI, 112, "nothing")
    torch.rand(7)
    assert same_halves(first_network(options("baseline"), small_model)[0], net)
    assert not same_halves(first_network(options("baseline", seed=1), small_model)[0], net)
    small, _ = first_network(options("baseline", backbone="timm:test_resnet", size=64), small_model)
    assert (small.backbone, small.size) == ("timm:test_resnet", 64)
    with pytest.raises(BadOption, match="resnet50, or timm:"):
        first_network(options("baseline", backbone="nonsense"), small_model)


def test_own_files(small_model: MorphableModel, tmp_path: Path) -> None:
    path = tmp_path / "mine: 2nd.safetensors"
    expected = trained(path, small_model)
    for stage in ("baseline", "stage1", "stage2"):
        net, words = first_network(options(stage, str(path)), small_model)
        assert same_halves(net, expected)
        assert words == f"mine: 2nd.safetensors (sha256 {sha256(path)})"
    with pytest.raises(DatasetUnavailable, match=r"the weight file is not at .*absent"):
        first_network(options("stage1", str(tmp_path / "absent.safetensors")), small_model)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadInput, match="a whole safetensors file"):
        first_network(options("stage1", str(path)), small_model)


def test_weights_of_another_face_model_are_refused(
    small_model: MorphableModel, tmp_path: Path
) -> None:
    path = tmp_path / "other.safetensors"
    net = trained(path, small_model)
    net.layout = type(net.layout)(3, 2, 4, lighting=27, model="0" * 64)
    save(path, net, {})
    with pytest.raises(WrongFaceModel, match=r"other\.safetensors"):
        first_network(options("stage1", str(path)), small_model)


def test_imagenet_is_for_the_backbone(small_model: MorphableModel, tmp_path: Path) -> None:
    torch.manual_seed(9)
    classifier = timm.create_model("test_resnet", num_classes=5)
    path = tmp_path / "tiny.pth"
    torch.save(classifier.state_dict(), path)
    config = options("baseline", f"imagenet:{path}", backbone="timm:test_resnet", size=64)
    net, words = first_network(config, small_model)
    expected = {k: v for k, v in classifier.state_dict().items() if not k.startswith("fc.")}
    found = net.trunk.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], one) for name, one in expected.items())
    assert not any(one.any() for one in net.heads.state_dict().values())
    assert words == f"imagenet tiny.pth (sha256 {sha256(path)})"
    with pytest.raises(BadInput, match="the weights of timm:mobilenetv4"):
        first_network(options("baseline", f"imagenet:{path}"), small_model)


@pytest.mark.parametrize("kind", ["deep3d", "cfr-gan", "deep3d-pytorch"])
def test_published_weights_are_read_as_their_kind(
    kind: str, small_model: MorphableModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "published.pth"
    path.write_bytes(b"weights")
    expected = build(MINI, small_model.layout(), size=64)
    asked: list[tuple[Path, str]] = []

    def load(file: Path, model: MorphableModel, kind: str) -> RNet:
        asked.append((file, kind))
        return expected

    monkeypatch.setattr(starting, "load_published", load)
    net, words = first_network(options("stage1", f"{kind}:{path}"), small_model)
    assert net is expected
    assert asked == [(path, kind)]
    assert words == f"{kind} published.pth (sha256 {sha256(path)})"


def small_iresnet(side: int = 112) -> IResNet:
    """A trained one has other statistics than a new one; without them numbers grow too large."""
    generator = torch.Generator().manual_seed(1)
    size = (side, side)
    network = IResNet(
        ARCHITECTURES["iresnet18"], width=8, dimension=16, size=size, generator=generator
    )
    with torch.inference_mode():
        network.train()(torch.randn(8, 3, side, side, generator=generator))
    return network.eval()


@pytest.mark.parametrize(
    "card",
    ["", 'colour = "BGR"\nmean = [100.0, 110.0, 120.0]\nstd = [50.0, 60.0, 70.0]\n'],
    ids=["usual", "card"],
)
def test_a_recognizer_answers_as_it_does_alone_and_lets_gradients_through(
    card: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.pth"
    torch.save(small_iresnet().state_dict(), path)
    if card:
        path.with_suffix(".toml").write_text(card)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    alone = load_recognizer(str(path), device="cpu").embed(Faces(pixels, np.full((3, 5, 2), 0.0)))
    faces = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    faces.requires_grad_()
    embed = load_embed(path, CPU)
    found = embed(faces)
    np.testing.assert_allclose(found.detach().numpy(), alone, rtol=1e-3, atol=1e-4)
    swapped = embed(faces.flip(1)).detach().numpy()
    assert np.abs(swapped - alone).max() > 0.01
    found[0].square().sum().backward()
    assert isinstance(faces.grad, Tensor)
    assert faces.grad[0].abs().sum(dim=(1, 2)).all()
    assert not faces.grad[1:].any()  # it does not look at one face for another
    again = embed(faces.detach())
    assert not again.requires_grad  # it is frozen
    assert torch.equal(again, found)  # and its statistics stay
    torch.testing.assert_close(embed(faces.detach()[:1]), again[:1])


CARD = 'colour = "BGR"\nmean = [100.0, 110.0, 120.0]\nstd = [50.0, 60.0, 70.0]\n'


@pytest.mark.parametrize("card", ["", CARD], ids=["usual", "card"])
def test_an_onnx_file_answers_as_it_does_alone_and_lets_gradients_through(
    card: str, tmp_path: Path, write_colour_network: Callable[[Path, np.ndarray], None]
) -> None:
    path = tmp_path / "mine.onnx"
    matrix = np.random.default_rng(1).normal(size=(3, 7)).astype(np.float32)
    write_colour_network(path, matrix)
    if card:
        path.with_suffix(".toml").write_text(card)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    pixels[1] //= 2
    pixels[..., 2] //= 3
    alone = load_recognizer(str(path), device="cpu").embed(Faces(pixels, np.full((3, 5, 2), 0.0)))
    faces = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    faces.requires_grad_()
    found = load_embed(path, CPU)(faces)
    np.testing.assert_allclose(found.detach().numpy(), alone, rtol=0, atol=1e-4)
    found[0].sum().backward()
    assert isinstance(faces.grad, Tensor)
    slopes = matrix.sum(1)[:, None, None] / 112**2
    if card:  # the network's first channel is blue
        slopes = (127.5 * slopes / [[[50]], [[60]], [[70]]])[::-1]
    expected = np.broadcast_to(slopes, (3, 112, 112))
    np.testing.assert_allclose(faces.grad[0].numpy(), expected, rtol=1e-4)
    assert not faces.grad[1:].any()


def test_mobilefacenet_answers_as_the_named_recognizer(shared: Path) -> None:
    root = shared / "networks" / "foamliu_mobilefacenet"
    photos = sorted((shared / "lfw" / "lfw-deepfunneled").glob("*/*_0001.jpg"))[:3]
    pixels = np.stack([np.array(Image.open(one))[69:181, 69:181] for one in photos])
    alone = load_recognizer("mobilefacenet", root, device="cpu", threads=1)
    expected = alone.embed(Faces(pixels, np.full((3, 5, 2), 0.0)))
    faces = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    path = root / "MobileFaceNet.onnx"
    found = load_embed(path, CPU, MOBILEFACENET)(faces.requires_grad_())
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=1e-4)
    found[0].square().sum().backward()
    assert isinstance(faces.grad, Tensor)
    assert faces.grad[0].any()
    assert not faces.grad[1:].any()
    other = load_embed(path, CPU)(faces.detach()).numpy()
    assert np.abs(other - expected).max() > 0.01  # insightface's range is not its own


def test_what_gradients_do_not_pass_is_refused(
    tmp_path: Path, write_colour_network: Callable[[Path, np.ndarray], None]
) -> None:
    with pytest.raises(DatasetUnavailable, match="the recognizer is not at"):
        load_embed(tmp_path / "absent.pth", CPU)
    small = tmp_path / "small.pth"
    torch.save(small_iresnet(48).state_dict(), small)
    with pytest.raises(BadInput, match="crops of 112 × 112, found 48 × 48"):
        load_embed(small, CPU)
    odd = tmp_path / "odd.onnx"
    write_colour_network(odd, np.eye(3, dtype=np.float32))
    model = onnx.load(odd)
    model.graph.node[-1].output[0] = "angles"
    model.graph.node.append(onnx.helper.make_node("Sin", ["angles"], ["embedding"], "wave"))
    onnx.save(model, odd)
    with pytest.raises(BadInput, match=r"odd\.onnx, node wave: expected an operator .* found Sin"):
        load_embed(odd, CPU)
    (tmp_path / "noise.pth").write_bytes(b"noise")
    with pytest.raises(BadInput, match=r"noise\.pth"):
        load_embed(tmp_path / "noise.pth", CPU)
