"""timm's models: their conventions, and their published weights from a hub that this test runs."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save
from torch import Tensor

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.faces import Faces
from recognizers import timm_models
from recognizers.card import read_card
from recognizers.templates import arcface
from recognizers.torch_model import load, load_timm

NAME = "test_resnet.r160_in1k"
REPOSITORY = f"timm/{NAME}"
COMMIT = "0123456789" * 4


def published() -> dict[str, Tensor]:
    torch.manual_seed(4)
    return timm.create_model("test_resnet").state_dict()


def faces() -> Faces:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 160, 160, 3), np.uint8)
    return Faces(pixels, np.full((2, 5, 2), np.nan))


def expected_answer() -> np.ndarray:
    network = timm.create_model("test_resnet", num_classes=0).eval()
    network.load_state_dict({n: one for n, one in published().items() if not n.startswith("fc.")})
    given = torch.from_numpy(faces().images).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return network((given.float() - 127.5) / 127.5).numpy()


class Hub(ThreadingHTTPServer):
    """A hub with the files in :attr:`files`, as far as its client asks."""

    files: dict[str, bytes]
    asked: list[str]


class Answer(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        assert isinstance(self.server, Hub)
        self.server.asked.append(f"{self.command} {self.path}")
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        if content is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        else:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()

    def do_GET(self) -> None:
        assert isinstance(self.server, Hub)
        self.do_HEAD()
        self.wfile.write(self.server.files.get(self.path, b""))

    def log_message(self, *args: object) -> None:
        """No lines on the console."""


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An empty hub in place of the real one, and an empty cache; nothing leaves this machine."""
    server = Hub(("127.0.0.1", 0), Answer)
    server.files, server.asked = {}, []
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield server
    server.shutdown()
    server.server_close()


def put_in_cache(cache: Path, content: bytes, name: str = "model.safetensors") -> None:
    """As the hub's client lays its files out."""
    folder = cache / f"models--{REPOSITORY.replace('/', '--')}"
    (folder / "snapshots" / COMMIT).mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    (folder / "snapshots" / COMMIT / name).write_bytes(content)


@pytest.mark.parametrize("offline", [True, False])
def test_weights_come_from_the_cache_without_a_question(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    put_in_cache(tmp_path / "hub", save(published()))
    found = load_timm(NAME, device="cpu")
    np.testing.assert_allclose(found.embed(faces()), expected_answer(), rtol=1e-4, atol=1e-5)
    assert (found.name, found.dimension) == (f"timm:{NAME}", 96)
    assert found.input.template == arcface(160)
    assert found.identity["architecture"] == NAME
    assert found.identity["weights"] == hashlib.sha256(save(published())).hexdigest()
    assert found.identity["left_out"] == "fc"
    assert hub.asked == []


def test_a_name_without_a_tag_is_that_of_the_default_weights(tmp_path: Path) -> None:
    put_in_cache(tmp_path / "hub", save(published()))
    assert load_timm("test_resnet", device="cpu").identity["architecture"] == NAME


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_weights_are_downloaded_once(tmp_path: Path, hub: Hub, name: str) -> None:
    content = save(published())
    if name.endswith(".bin"):
        torch.save(published(), tmp_path / "a.bin")
        content = (tmp_path / "a.bin").read_bytes()
    hub.files[f"/{REPOSITORY}/resolve/main/{name}"] = content
    first = load_timm(NAME, device="cpu").embed(faces())
    np.testing.assert_allclose(first, expected_answer(), rtol=1e-4, atol=1e-5)
    assert [one for one in hub.asked if one.startswith("GET")]
    hub.asked.clear()
    assert load_timm(NAME, device="cpu").embed(faces()).tobytes() == first.tobytes()
    assert hub.asked == []


def test_without_the_hub_the_message_says_what_to_do(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it says to do works."""
    words = rf"model\.safetensors of {REPOSITORY} is not at .*hub.*models--timm--.*HF_HUB_OFFLINE"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DatasetUnavailable, match=words):
        load_timm(NAME, device="cpu")
    assert hub.asked == []
    (tmp_path / "a.safetensors").write_bytes(save(published()))
    (tmp_path / "a.toml").write_text(f'architecture = "{NAME}"\n')
    found = load(
        tmp_path / "a.safetensors", read_card(tmp_path / "a.safetensors"), device="cpu"
    ).embed(faces())
    np.testing.assert_allclose(found, expected_answer(), rtol=1e-4, atol=1e-5)


def test_a_hub_that_does_not_answer_is_asked_once(hub: Hub) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(DatasetUnavailable, match=r"hub did not give it \(.*hf download"):
        load_timm(NAME, device="cpu")


def test_a_hub_without_the_model_is_reported(hub: Hub) -> None:
    with pytest.raises(DatasetUnavailable, match="hub did not give it"):
        load_timm(NAME, device="cpu")
    assert len(hub.asked) <= 3, "it insisted"


@pytest.mark.parametrize("damage", ["cut", "other", "short"])
def test_wrong_weights_are_refused(tmp_path: Path, damage: str) -> None:
    state = published()
    if damage == "other":
        state = timm.create_model("test_vit").state_dict()
    elif damage == "short":
        del state["layer1.0.bn1.weight"]
    content = save(state)
    put_in_cache(tmp_path / "hub", content[:1000] if damage == "cut" else content)
    with pytest.raises(BadInput, match=rf"model\.safetensors: expected timm's weights of {NAME}"):
        load_timm(NAME, device="cpu")


@pytest.mark.parametrize("name", ["nonsense", "test_resnet.nonsense", "../x", "hf-hub:a/b", ""])
def test_unknown_models_are_refused(name: str) -> None:
    with pytest.raises(BadOption, match=f"timm:{name}: expected the name of a timm model"):
        load_timm(name, device="cpu")


def test_models_without_published_weights_are_refused() -> None:
    unpublished = next(
        name
        for name in timm.list_models()
        if (model := timm_models.find_model(name)) is not None and not model.repository
    )
    with pytest.raises(BadOption, match="expected a timm model whose weights are on the Hugging"):
        load_timm(unpublished, device="cpu")


def test_conventions_are_timms_own() -> None:
    found = timm_models.find_model("resnet18.tv_in1k")
    assert found is not None
    np.testing.assert_allclose(found.usual.mean, [123.675, 116.28, 103.53])
    np.testing.assert_allclose(found.usual.std, [58.395, 57.12, 57.375])
    assert found.usual.template == arcface(224)
    assert (found.heads, found.fixed) == (("fc",), False)
    both = timm_models.find_model("deit_tiny_distilled_patch16_224")
    assert both is not None
    assert (both.heads, both.fixed) == (("head", "head_dist"), True)
