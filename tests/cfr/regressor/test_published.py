"""Real checkpoints are not at hand: these have exactly their names and shapes, and random numbers.

What an imported network puts out is compared with a forward pass written here, on the checkpoint
as it is and on photos as its authors fed them.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from cfr.camera import Camera, place
from cfr.lighting import shade
from cfr.morphable.model import ModelArrays, MorphableModel
from cfr.regressor.network import RNet
from cfr.regressor.published import KINDS, load_published
from cfr.regressor.weights import load, save
from protocols.errors import BadInput, BadOption, DatasetUnavailable

State = dict[str, Tensor]
BLOCKS = {1: 3, 2: 4, 3: 6, 4: 3}
OUTPUTS = (80, 64, 80, 3, 27, 2, 1)
TASKS = ("fcid", "fcex", "fctex", "fcangles", "fcgamma", "fcXY", "fcZ")
WHITE = {"deep3d": 255.0, "cfr-gan": 1.0, "deep3d-pytorch": 1.0}


def random_state(kind: str) -> State:
    """Names and shapes of a published file, with statistics that photos of its scale would give."""
    random = torch.Generator().manual_seed(5)
    state: State = {}
    trunk = "backbone." if kind == "deep3d-pytorch" else ""

    def conv(name: str, outputs: int, inputs: int, side: int) -> None:
        scale = (2 / (inputs * side * side)) ** 0.5
        shape = (outputs, inputs, side, side)
        state[f"{name}.weight"] = scale * torch.randn(shape, generator=random)

    def norm(name: str, channels: int) -> None:
        state[f"{name}.weight"] = 0.5 + 0.5 * torch.rand(channels, generator=random)
        state[f"{name}.bias"] = 0.1 * torch.randn(channels, generator=random)
        state[f"{name}.running_mean"] = 0.1 * torch.randn(channels, generator=random)
        state[f"{name}.running_var"] = 0.5 + torch.rand(channels, generator=random)
        if kind != "deep3d":  # older than this counter
            state[f"{name}.num_batches_tracked"] = torch.tensor(1000)

    conv(f"{trunk}conv1", 64, 3, 7)
    norm(f"{trunk}bn1", 64)
    reach = WHITE[kind] * state[f"{trunk}conv1.weight"].abs().sum((1, 2, 3))
    state[f"{trunk}bn1.running_mean"] *= reach
    state[f"{trunk}bn1.running_var"] = (0.1 * reach) ** 2
    inputs = 64
    for layer, blocks in BLOCKS.items():
        width = 64 * 2 ** (layer - 1)
        for block in range(blocks):
            name = f"{trunk}layer{layer}.{block}"
            for number, (channels, side) in enumerate([(width, 1), (width, 3), (4 * width, 1)], 1):
                conv(f"{name}.conv{number}", channels, inputs if number == 1 else width, side)
                norm(f"{name}.bn{number}", channels)
            if block == 0:
                conv(f"{name}.downsample.0", 4 * width, inputs, 1)
                norm(f"{name}.downsample.1", 4 * width)
            inputs = 4 * width
    for index, (task, outputs) in enumerate(zip(TASKS, OUTPUTS, strict=True)):
        head = f"final_layers.{index}" if kind == "deep3d-pytorch" else task
        conv(head, outputs, 2048, 1)
        state[f"{head}.bias"] = torch.randn(outputs, generator=random)
    return state


def forward(state: State, photo: Tensor, *, caffe: bool) -> Tensor:
    """ResNet-50 on tensors by their published names, and the heads one after the other."""
    trunk = "backbone." if "backbone.conv1.weight" in state else ""

    def norm(name: str, x: Tensor) -> Tensor:
        mean, var, weight, bias = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        return x * weight[:, None, None] + bias[:, None, None]

    def conv(name: str, x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], None, stride, padding)

    x = norm(f"{trunk}bn1", conv(f"{trunk}conv1", photo, 2, 3)).relu()
    if caffe:  # one more row and column below and right: what rounding up sees of 112
        x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 3, 2)
    else:
        x = functional.max_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, 2)
    for layer, blocks in BLOCKS.items():
        for block in range(blocks):
            name = f"{trunk}layer{layer}.{block}"
            stride = 2 if layer > 1 and block == 0 else 1
            first, second = (stride, 1) if caffe else (1, stride)
            y = norm(f"{name}.bn1", conv(f"{name}.conv1", x, first)).relu()
            y = norm(f"{name}.bn2", conv(f"{name}.conv2", y, second, 1)).relu()
            y = norm(f"{name}.bn3", conv(f"{name}.conv3", y))
            if block == 0:
                x = norm(f"{name}.downsample.1", conv(f"{name}.downsample.0", x, stride))
            x = (x + y).relu()
    pooled = functional.avg_pool2d(x, 7)
    heads = [f"final_layers.{index}" if trunk else task for index, task in enumerate(TASKS)]
    return torch.cat(
        [functional.conv2d(pooled, state[f"{h}.weight"], state[f"{h}.bias"]) for h in heads], 1
    ).flatten(1)


@pytest.fixture(scope="module")
def basel(small_arrays: ModelArrays) -> MorphableModel:
    """A stand-in of the Basel Face Model's name and numbers of modes."""
    vertices = len(small_arrays.mean_shape)
    rng = np.random.default_rng(1)

    def modes(number: int) -> np.ndarray:
        return rng.normal(0, 0.01, (number, vertices, 3)).astype(np.float32)

    arrays = replace(small_arrays, identity=modes(80), expression=modes(64), texture=modes(80))
    return MorphableModel("bfm09", arrays)


@pytest.fixture(scope="module")
def state() -> Callable[[str], State]:
    made: dict[str, State] = {}

    def of(kind: str) -> State:
        if kind not in made:
            made[kind] = random_state(kind)
        return dict(made[kind])

    return of


def write(path: Path, kind: str, state: State) -> Path:
    """As its authors save it: sicxu's with an optimizer's state beside it."""
    if kind == "deep3d-pytorch":
        optimizer = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": []}
        torch.save({"net_recon": state, "opt_00": optimizer, "sched_00": {"step_size": 10}}, path)
    else:
        torch.save(state, path)
    return path


def photos() -> Tensor:
    return torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(8))


@torch.no_grad()
@pytest.mark.parametrize("kind", list(KINDS))
def test_an_imported_network_gives_what_its_authors_get(
    kind: str, basel: MorphableModel, state: Callable[[str], State], tmp_path: Path
) -> None:
    net = load_published(write(tmp_path / "net.pth", kind, state(kind)), basel, kind)
    photo = photos()
    theirs = photo if kind == "deep3d-pytorch" else photo.flip(1)  # blue first
    caffe = kind != "deep3d-pytorch"
    expected = forward(state(kind), theirs * WHITE[kind], caffe=caffe)
    found = net(photo)
    spread = (expected[0] - expected[1]).std()
    assert spread > 1e-3  # it depends on the photo
    assert torch.allclose(found, expected, atol=float(spread) * 1e-3)
    for other in (
        forward(state(kind), theirs.flip(1) * WHITE[kind], caffe=caffe),
        forward(state(kind), theirs * (256 - WHITE[kind]), caffe=caffe),
        forward(state(kind), theirs * WHITE[kind], caffe=not caffe),
    ):
        assert (found - other).abs().max() > 0.1 * spread
    assert (net.size, net.offset, net.layout.size) == (224, (0.5, -0.5), 257)
    assert not net.training


@torch.no_grad()
def test_an_imported_network_survives_our_own_format(
    basel: MorphableModel, state: Callable[[str], State], tmp_path: Path
) -> None:
    """deep3d-pytorch: its strides and its lack of a normalisation must come back too."""
    kind = "deep3d-pytorch"
    net = load_published(write(tmp_path / "net.pth", kind, state(kind)), basel, kind)
    save(tmp_path / "net.safetensors", net, {"source": kind})
    again = load(tmp_path / "net.safetensors", basel.layout())
    assert again.offset == net.offset
    photo = photos()[:1]
    assert torch.allclose(again(photo), net(photo), atol=0.02)
    assert net(photo).std() > 0.2


def test_the_names_of_data_parallel_are_read(
    basel: MorphableModel, state: Callable[[str], State], tmp_path: Path
) -> None:
    plain = state("cfr-gan")
    wrapped = {f"module.{name}": one for name, one in plain.items()}
    net = load_published(write(tmp_path / "net.pth", "cfr-gan", wrapped), basel, "cfr-gan")
    assert torch.equal(net.heads["rotation"].bias, plain["fcangles.bias"])  # type: ignore[arg-type]


def test_every_difference_is_listed_in_the_files_own_names(
    basel: MorphableModel, state: Callable[[str], State], tmp_path: Path
) -> None:
    damaged = state("cfr-gan")
    del damaged["fcXY.bias"], damaged["layer3.5.bn2.running_mean"]
    damaged["fc.weight"] = torch.zeros(1000, 2048)
    damaged["trunk.conv1.weight"] = damaged["conv1.weight"]
    damaged["fcZ.weight"] = torch.zeros(2, 2048, 1, 1)
    with pytest.raises(BadInput) as caught:
        load_published(write(tmp_path / "net.pth", "cfr-gan", damaged), basel, "cfr-gan")
    assert caught.value.found == (
        "2 missing: layer3.5.bn2.running_mean, fcXY.bias; "
        "2 unexpected: fc.weight, trunk.conv1.weight (here); "
        "1 of another shape: fcZ.weight (2 × 2048, not 1 × 2048)"
    )


def test_another_layout_is_refused(
    basel: MorphableModel, state: Callable[[str], State], tmp_path: Path
) -> None:
    path = write(tmp_path / "net.pth", "cfr-gan", state("cfr-gan"))
    with pytest.raises(BadInput) as caught:
        load_published(path, basel, "deep3d-pytorch")
    missing, unexpected = caught.value.found.split("; ")
    assert missing.startswith("279 missing: backbone.conv1.weight, backbone.bn1.weight, ")
    assert missing.endswith(" and 269 more")
    assert unexpected.startswith("332 unexpected: ")
    assert unexpected.endswith(" and 322 more")


@pytest.mark.parametrize(("kind", "other"), [("deep3d", "cfr-gan"), ("cfr-gan", "deep3d")])
def test_weights_for_photos_of_another_scale_are_refused(
    kind: str, other: str, basel: MorphableModel, state: Callable[[str], State], tmp_path: Path
) -> None:
    path = write(tmp_path / "net.pth", kind, state(kind))
    with pytest.raises(BadInput, match=f"photos up to {WHITE[other]:g} .* up to {WHITE[kind]:g}"):
        load_published(path, basel, other)


def test_the_scale_shows_in_real_statistics(
    basel: MorphableModel, state: Callable[[str], State], tmp_path: Path
) -> None:
    """The same check on the variance that a first layer really has, of smooth pictures."""
    weights = state("cfr-gan")
    small = torch.rand(4, 3, 14, 14, generator=torch.Generator().manual_seed(9))
    smooth = functional.interpolate(small, (224, 224), mode="bicubic").clamp(0, 1)
    for kind, white in (("cfr-gan", 1.0), ("deep3d", 255.0)):
        seen = functional.conv2d(white * smooth, weights["conv1.weight"], None, 2, 3)
        weights["bn1.running_var"] = seen.var((0, 2, 3))
        path = write(tmp_path / f"{kind}.pth", kind, weights)
        assert isinstance(load_published(path, basel, kind), RNet)
        other = "deep3d" if kind == "cfr-gan" else "cfr-gan"
        with pytest.raises(BadInput, match=r"bn1\.running_var: expected weights for photos"):
            load_published(path, basel, other)


def test_other_face_models_kinds_and_files_are_refused(
    small_model: MorphableModel, basel: MorphableModel, tmp_path: Path
) -> None:
    path = tmp_path / "net.pth"
    with pytest.raises(BadOption, match="face model small: expected bfm09: published weights are"):
        load_published(path, small_model, "deep3d")
    with pytest.raises(BadOption, match="deep4d: expected any of deep3d, cfr-gan, deep3d-pytorch"):
        load_published(path, basel, "deep4d")
    with pytest.raises(DatasetUnavailable, match="the weight file is not at"):
        load_published(path, basel, "deep3d")


def test_the_vector_means_here_what_it_means_there(basel: MorphableModel) -> None:
    """Deep3D's own formulas, in numpy: points as (u, 223 − v), and gamma as 3 × 9 for RGB."""
    random = torch.Generator().manual_seed(4)
    vector = 0.3 * torch.randn(1, 257, generator=random)
    found = basel.layout().split(vector)
    shape = basel.shape(found)[0].numpy().astype(np.float64)
    angles, gamma, moved = (one.numpy() for one in vector[0, 224:].split((3, 27, 3)))
    turned = shape @ Rotation.from_euler("xyz", angles).as_matrix().T
    x, y, z = (turned + moved).T
    theirs = np.stack((1015 * x / (10 - z) + 112, 223 - (1015 * y / (10 - z) + 112)), 1)
    placed = place(basel.shape(found), found.rotation, found.translation)
    ours = Camera().project(placed)[0, :, :2].numpy()
    assert np.allclose(ours + np.array([0.5, -0.5]), theirs, atol=1e-3)

    normal = np.array([0.6, 0.0, 0.8])  # y is zero: three of the nine bands are left out
    bands = np.zeros(9)
    bands[0] = np.pi / np.sqrt(4 * np.pi)
    bands[2], bands[3] = np.sqrt(np.pi) * 0.8, -np.sqrt(np.pi) * 0.6
    second = 2 * np.pi / np.sqrt(8) * 3 * np.sqrt(5) / np.sqrt(12 * np.pi)
    bands[6] = 0.5 * second / np.sqrt(3) * (3 * 0.64 - 1)
    bands[7], bands[8] = -second * 0.48, 0.5 * second * 0.36
    light = gamma.reshape(3, 9) @ bands + 0.8 * bands[0]
    normals = torch.tensor(normal, dtype=torch.float32)[None, None]
    lit = shade(torch.ones(1, 1, 3), normals, found.lighting)
    assert np.allclose(lit[0, 0].numpy(), light, atol=1e-4)
