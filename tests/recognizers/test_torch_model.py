"""PyTorch recognizers: answers against the bare network, bit by bit among others, and errors."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.faces import Faces
from recognizers.card import Card
from recognizers.iresnet import ARCHITECTURES, IResNet
from recognizers.templates import arcface, sphereface, whole
from recognizers.torch_model import TorchRecognizer, load
from recognizers.types import Recognizer

GREY = (127.5, 127.5, 127.5)
TINY = Card(architecture="test_resnet")


def faces(count: int, width: int = 112, height: int = 112, seed: int = 0) -> Faces:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)
    return Faces(pixels, np.full((count, 5, 2), np.nan))


def small_iresnet(size: tuple[int, int] = (112, 112), name: str = "iresnet18") -> IResNet:
    """A trained one has other statistics than a new one; without them numbers grow too large."""
    generator = torch.Generator().manual_seed(1)
    network = IResNet(ARCHITECTURES[name], width=8, dimension=16, size=size, generator=generator)
    with torch.inference_mode():
        network.train()(torch.randn(8, 3, size[1], size[0], generator=generator))
    return network.eval()


def small_timm(name: str = "test_resnet", classes: int = 7) -> nn.Module:
    torch.manual_seed(2)
    return timm.create_model(name, num_classes=classes).eval()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save({"state_dict": small_iresnet().state_dict()}, tmp_path / "mine.pth")
    return tmp_path / "mine.pth"


@pytest.fixture
def timm_checkpoint(tmp_path: Path) -> Path:
    save_file(small_timm().state_dict(), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def by_hand(network: nn.Module, given: Faces, mean: list[float], std: list[float]) -> np.ndarray:
    """Channel by channel, face by face."""
    rows = []
    for picture in given.images:
        planes = [(picture[..., one].astype(float) - mean[one]) / std[one] for one in range(3)]
        with torch.inference_mode():
            rows.append(network(torch.tensor(np.stack(planes)[None], dtype=torch.float32))[0])
    return torch.stack(rows).numpy()


def test_an_iresnet_is_known_and_fed_as_insightface_feeds_it(checkpoint: Path) -> None:
    found = load(checkpoint, Card(), device="cpu")
    assert isinstance(found, Recognizer)
    assert (found.name, found.dimension) == ("mine", 16)
    assert (found.input.colour, found.input.mean, found.input.std) == ("RGB", GREY, GREY)
    assert found.input.template == arcface(112)
    expected = by_hand(small_iresnet(), faces(3), [127.5] * 3, [127.5] * 3)
    np.testing.assert_allclose(found.embed(faces(3)), expected, rtol=1e-4, atol=1e-4)


def test_a_card_beats_the_convention(checkpoint: Path) -> None:
    card = Card(colour="BGR", mean=(1.0, 2.0, 3.0), std=(50.0, 60.0, 70.0), template="whole")
    found = load(checkpoint, card, device="cpu")
    assert found.input.template == whole(112, 112)
    swapped = Faces(faces(2).images[..., ::-1].copy(), faces(2).landmarks)
    expected = by_hand(small_iresnet(), swapped, [1, 2, 3], [50, 60, 70])
    np.testing.assert_allclose(found.embed(faces(2)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "template"), [((96, 112), sphereface()), ((48, 48), arcface(48))])
def test_size_follows_from_the_weights(tmp_path: Path, size: tuple[int, int], template) -> None:
    torch.save(small_iresnet(size).state_dict(), tmp_path / "a.pth")
    found = load(tmp_path / "a.pth", Card(), device="cpu")
    assert found.input.template == template
    assert found.embed(faces(2, *size)).shape == (2, 16)


def test_a_card_may_name_a_size_that_the_weights_leave_open(tmp_path: Path) -> None:
    torch.save(small_iresnet((100, 100)).state_dict(), tmp_path / "a.pth")
    found = load(tmp_path / "a.pth", Card(width=100, height=100), device="cpu")
    assert found.input.template == arcface(100)
    wrong = r"1 mismatched \(fc\.weight of shape 16 × 3136 instead of 16 × 5184\)"
    with pytest.raises(BadInput, match=wrong):
        load(tmp_path / "a.pth", Card(width=130, height=130), device="cpu")


def test_timm_is_fed_as_it_was_trained(timm_checkpoint: Path) -> None:
    found = load(timm_checkpoint, TINY, device="cpu")
    assert found.input.template == arcface(160)
    bare = small_timm()
    bare.reset_classifier(0)  # type: ignore[operator]
    expected = by_hand(bare, faces(2, 160, 160), [127.5] * 3, [127.5] * 3)
    np.testing.assert_allclose(found.embed(faces(2, 160, 160)), expected, rtol=1e-4, atol=1e-5)
    assert found.dimension == 96
    assert found.identity["left_out"] == "fc.bias, fc.weight"


def test_logits_are_embeddings_where_the_card_says_so(timm_checkpoint: Path) -> None:
    found = load(timm_checkpoint, Card(architecture="test_resnet", output="logits"), device="cpu")
    expected = by_hand(small_timm(), faces(2, 160, 160), [127.5] * 3, [127.5] * 3)
    np.testing.assert_allclose(found.embed(faces(2, 160, 160)), expected, rtol=1e-4, atol=1e-5)
    assert found.dimension == 7
    assert "left_out" not in found.identity


def test_timm_networks_are_built_for_the_size_of_the_card(tmp_path: Path) -> None:
    network = timm.create_model("test_vit", num_classes=0, img_size=(96, 112)).eval()
    torch.save(network.state_dict(), tmp_path / "a.pt")
    card = Card(architecture="test_vit", template="whole", width=112, height=96)
    found = load(tmp_path / "a.pt", card, device="cpu")
    expected = by_hand(network, faces(2, 112, 96), [127.5] * 3, [127.5] * 3)
    np.testing.assert_allclose(found.embed(faces(2, 112, 96)), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(BadInput, match=r"1 mismatched \(pos_embed of shape"):
        load(tmp_path / "a.pt", Card(architecture="test_vit"), device="cpu")


@pytest.mark.parametrize("kind", ["iresnet18", "resnet18"])
def test_a_face_is_embedded_to_the_same_bytes_among_others(tmp_path: Path, kind: str) -> None:
    network = small_iresnet() if kind == "iresnet18" else small_timm("resnet18")
    torch.save(network.state_dict(), tmp_path / "a.pth")
    card = Card(architecture=kind, width=112, height=112)
    found = load(tmp_path / "a.pth", card, device="cpu")
    many = faces(11)
    together = found.embed(many)
    assert len(np.unique(together, axis=0)) == 11
    for row in range(11):
        assert found.embed(many[row : row + 1]).tobytes() == together[row].tobytes()
    backwards = Faces(many.images[::-1].copy(), many.landmarks)
    assert found.embed(backwards)[::-1].tobytes() == together.tobytes()
    assert found.embed(many[4:9]).tobytes() == together[4:9].tobytes()
    again = load(tmp_path / "a.pth", card, device="cpu")
    assert again.embed(many).tobytes() == together.tobytes()
    assert again.identity == found.identity


def test_no_faces_are_no_rows(checkpoint: Path) -> None:
    answer = load(checkpoint, Card(), device="cpu").embed(faces(0))
    assert answer.shape == (0, 16)
    assert answer.dtype == np.float32


def test_faces_of_another_size_are_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="expected 112 × 112"):
        load(checkpoint, Card(), device="cpu").embed(faces(1, 112, 96))


def test_identity_tells_what_decides_the_answer(checkpoint: Path, tmp_path: Path) -> None:
    import hashlib

    found = load(checkpoint, Card(), device="cpu").identity
    assert found["weights"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert found["architecture"] == "iresnet18"
    assert torch.__version__ in found["backend"]
    assert (found["device"], found["precision"], found["batch"]) == ("cpu", "float32", "1")
    assert "timm" not in found
    assert all(isinstance(value, str) for value in found.values())
    assert not any(str(tmp_path) in value for value in found.values())
    for card in (Card(colour="BGR"), Card(mean=(0.0, 0.0, 0.0)), Card(template="whole")):
        assert load(checkpoint, card, device="cpu").identity != found
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    torch.save({"state_dict": state | {"weight": torch.zeros(9, 16)}}, tmp_path / "more.pth")
    assert load(tmp_path / "more.pth", Card(), device="cpu").identity["left_out"] == "weight"


def test_timm_is_in_the_identity(timm_checkpoint: Path) -> None:
    found = load(timm_checkpoint, TINY, device="cpu").identity
    assert found["timm"] == timm.__version__
    assert found["architecture"] == "test_resnet"


def test_it_runs_exactly_and_without_training(checkpoint: Path) -> None:
    """What that means is tested with :mod:`recognizers.precision`."""
    found = load(checkpoint, Card(), device="cpu")
    seen = []

    def look(network: nn.Module, given: object, answer: Tensor) -> None:
        exact = torch.backends.mkldnn.conv.fp32_precision == "ieee"  # type: ignore[attr-defined]
        seen.append((exact, network.training, answer.is_inference()))

    found.network.register_forward_hook(look)
    found.embed(faces(1))
    assert seen == [(True, False, True)]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_threads_are_set_only_if_asked(checkpoint: Path) -> None:
    torch.set_num_threads(2)
    load(checkpoint, Card(), device="cpu")
    assert torch.get_num_threads() == 2
    load(checkpoint, Card(), device="cpu", threads=1)
    assert torch.get_num_threads() == 1


def test_loading_draws_nothing_from_the_callers_generator(
    checkpoint: Path, timm_checkpoint: Path
) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    load(checkpoint, Card(), device="cpu")
    load(timm_checkpoint, TINY, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_cuda_has_to_be_there(checkpoint: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    with pytest.raises(BadOption, match="--device cuda: expected a CUDA device that PyTorch finds"):
        load(checkpoint, Card(), device="cuda")
    assert load(checkpoint, Card(), device="auto").identity["device"] == "cpu"


def test_cuda_answers_as_the_cpu_does(checkpoint: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is here")
    on_cpu, on_cuda = (load(checkpoint, Card(), device=one) for one in ("cpu", "cuda"))
    assert on_cuda.identity["device"].startswith("cuda ")
    many = faces(40)
    together = on_cuda.embed(many)
    np.testing.assert_allclose(together, on_cpu.embed(many), rtol=1e-3, atol=1e-3)
    assert on_cuda.embed(many[33:34]).tobytes() == together[33].tobytes()


def refused(path: Path, card: Card, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        load(path, card, device="cpu")


def test_files_of_unknown_architecture_ask_for_a_card(tmp_path: Path) -> None:
    torch.save(small_timm().state_dict(), tmp_path / "a.pth")
    words = (
        r"a\.pth: .*card a\.toml beside it that says architecture = .*conv1\.0\.weight, .* more$"
    )
    refused(tmp_path / "a.pth", Card(), words)
    with pytest.raises(DatasetUnavailable, match=r"b\.pth"):
        load(tmp_path / "b.pth", Card(), device="cpu")


@pytest.mark.parametrize("name", ["nonsense", "resnet18.nonsense", "iresnet19", "../resnet18"])
def test_unknown_architectures_are_refused(checkpoint: Path, name: str) -> None:
    card = Card(architecture=name, file=Path("mine.toml"))
    refused(checkpoint, card, rf"mine\.toml, architecture: expected one of iresnet18, .*{name}")


def test_weights_of_another_architecture_are_refused(
    checkpoint: Path, timm_checkpoint: Path
) -> None:
    refused(checkpoint, Card(architecture="iresnet34"), r"of iresnet34, found \d+ missing \(")
    refused(checkpoint, TINY, r"the weights of test_resnet, found \d+ missing .*; \d+ unexpected ")
    refused(timm_checkpoint, Card(architecture="iresnet18"), r"conv1\.weight: expected a tensor")


def test_outputs_that_are_not_there_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    refused(checkpoint, Card(output="logits"), 'output: expected "embedding", which is all')
    headless = small_timm(classes=0).state_dict()
    torch.save(headless, tmp_path / "a.pth")
    assert isinstance(load(tmp_path / "a.pth", TINY, device="cpu"), TorchRecognizer)
    refused(
        tmp_path / "a.pth",
        Card(architecture="test_resnet", output="logits"),
        r"fc\.weight: expected one classifier of test_resnet.*, found none",
    )
    torch.save(small_timm().state_dict() | {"fc.scale": torch.ones(1)}, tmp_path / "b.pth")
    logits = Card(architecture="test_resnet", output="logits")
    refused(tmp_path / "b.pth", logits, r"found 1 unexpected \(fc\.scale\)$")
    wrong = Card(architecture="test_resnet", output="fc", file=Path("a.toml"))
    refused(tmp_path / "a.pth", wrong, r'a\.toml, output: expected "embedding" or "logits"')
    two = Card(architecture="deit_tiny_distilled_patch16_224", output="logits")
    refused(tmp_path / "a.pth", two, "one classifier of deit.*, found 2 in that architecture")


def test_crops_that_a_network_cannot_take_are_refused(tmp_path: Path) -> None:
    torch.save(small_timm("test_convnext").state_dict(), tmp_path / "a.pth")
    card = Card(architecture="test_convnext", width=3, height=3)
    refused(tmp_path / "a.pth", card, r"a network that answers crops of 3 × 3, found .*size")


def test_a_real_checkpoint_of_another_architecture_is_refused(shared: Path) -> None:
    path = shared / "networks" / "xiaoccer_mobilefacenet" / "068.ckpt"
    refused(path, Card(), r"card 068\.toml .*found conv1\.conv\.weight, .* and 323 more$")
