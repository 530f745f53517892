import json
import re
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cfr.camera import REGRESSOR_OFFSET
from cfr.coefficients import Layout, WrongFaceModel
from cfr.regressor.network import MINI, RNet, build
from cfr.regressor.weights import load, read_about, save, start_from
from protocols.errors import BadInput, DatasetUnavailable

LAYOUT = Layout(80, 64, 80, 27, model="a" * 64)


@pytest.fixture(scope="module")
def net() -> RNet:
    """A network as after training: no head is zero, no statistic is as it was."""
    torch.manual_seed(3)
    net = build(MINI, LAYOUT, size=64)
    with torch.no_grad():
        for one in net.heads.parameters():
            one.normal_(0, 0.05)
    for _ in range(3):
        net(torch.rand(4, 3, 64, 64))
    return net.eval()


@pytest.fixture
def path(net: RNet, tmp_path: Path) -> Path:
    save(tmp_path / "mini.safetensors", net, {"stage": "baseline", "seed": "3"})
    return tmp_path / "mini.safetensors"


def rewrite(path: Path, **metadata: str | None) -> None:
    """The file with other metadata; None takes a field out."""
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["cfr-regressor"])
    about |= {name: value for name, value in metadata.items() if value is not None}
    kept = {name: one for name, one in about.items() if metadata.get(name, "") is not None}
    save_file(load_file(path), path, {"cfr-regressor": json.dumps(kept)})


def change(path: Path, change: Any) -> None:
    """The file with other tensors."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata)


def test_a_file_gives_the_network_back(net: RNet, path: Path) -> None:
    again = load(path, LAYOUT)
    assert (again.backbone, again.size, again.offset) == (MINI, 64, (0.0, 0.0))
    assert again.layout == LAYOUT
    assert not again.training
    own = again.state_dict()
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            assert torch.equal(own[name], tensor.half().float()), name
    photo = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        difference = (again(photo) - net(photo)).abs().max()
    assert difference < 0.01 * net(photo).abs().max()
    assert read_about(path) == {"stage": "baseline", "seed": "3"}


def test_numbers_are_halves_and_the_file_is_small(path: Path) -> None:
    tensors = load_file(path)
    assert {one.dtype for one in tensors.values()} == {torch.float16}
    assert not [name for name in tensors if "num_batches_tracked" in name]
    assert path.stat().st_size < 3_000_000
    assert list(path.parent.iterdir()) == [path]


def test_the_normalisation_and_the_offset_are_in_the_file(tmp_path: Path) -> None:
    other = build(MINI, LAYOUT, size=64)
    other.mean.fill_(0.25)
    other.std.fill_(2)
    other.offset = REGRESSOR_OFFSET
    save(tmp_path / "other.safetensors", other, {})
    again = load(tmp_path / "other.safetensors", LAYOUT)
    assert again.mean.unique().tolist() == [0.25]
    assert again.std.unique().tolist() == [2]
    assert again.offset == (0.5, -0.5)


def test_what_half_precision_cannot_hold_stays_single(tmp_path: Path) -> None:
    """The statistics of a network that was made for photos up to 255 exceed 65,504."""
    net = build(MINI, LAYOUT, size=64)
    trunk: Any = net.trunk
    trunk.bn1.running_var.fill_(2e6)
    path = tmp_path / "bright.safetensors"
    save(path, net, {})
    assert load_file(path)["trunk.bn1.running_var"].dtype == torch.float32
    again: Any = load(path, LAYOUT)
    assert again.trunk.bn1.running_var.unique().tolist() == [2e6]


def test_nan_is_not_saved(tmp_path: Path) -> None:
    net = build(MINI, LAYOUT, size=64)
    net.heads["depth"].bias.data.fill_(torch.nan)  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"heads\.depth\.bias holds NaN or infinity"):
        save(tmp_path / "nan.safetensors", net, {})
    assert not list(tmp_path.iterdir())


def test_another_face_model_is_refused(path: Path) -> None:
    other = Layout(80, 64, 80, 27, model="b" * 64)
    with pytest.raises(WrongFaceModel, match=r"mini\.safetensors: made with face model aaaa"):
        load(path, other)
    mono = Layout(80, 64, 80, 9, model=LAYOUT.model)
    with pytest.raises(BadInput, match=r'layout: expected .*"lighting": 9.* found .*: 27'):
        load(path, mono)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with pytest.raises(DatasetUnavailable, match="the weight file is not at"):
        load(path, LAYOUT)
    path.write_bytes(b"not safetensors at all")
    with pytest.raises(BadInput, match="expected a whole safetensors file, found damage"):
        load(path, LAYOUT)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(BadInput, match=r"a regressor written by this project.*found None"):
        load(path, LAYOUT)
    with pytest.raises(BadInput, match="a regressor written by this project"):
        read_about(path)
    fields = {"cfr-regressor": json.dumps({"format": "cfr-regressor-1", "size": "112"})}
    save_file({"weight": torch.zeros(2)}, path, fields)
    with pytest.raises(BadInput, match=r"metadata: .* found no backbone, layout, model, offset"):
        load(path, LAYOUT)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("about", None, "metadata: expected .* found no about"),
        ("size", "112.5", "size: expected JSON text of a int, found 112.5"),
        ("size", "9", "backbone: .* crops of 9 pixels: expected 32 to 1024 pixels"),
        ("size", "many", "size: expected JSON text of a int, found Expecting value"),
        ("layout", "[80]", r"layout: expected JSON text of a dict, found \[80\]"),
        ("offset", "[1.0]", r"offset: expected two numbers, found \[1.0\]"),
        ("offset", '["a", "b"]', "offset: expected two numbers"),
        ("backbone", "timm:resnet19", "backbone: .* found timm:resnet19: expected resnet50, or"),
        ("backbone", "timm:hf-hub:a/b", "backbone: expected one that can be built here"),
        ("backbone", "timm:resnet18", "expected the weights of a regressor with timm:resnet18"),
    ],
)
def test_damaged_metadata_is_refused(path: Path, field: str, value: str, words: str) -> None:
    rewrite(path, **{field: value})
    with pytest.raises(BadInput, match=words):
        load(path, LAYOUT)


def test_every_difference_is_listed(path: Path) -> None:
    def damage(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["heads.depth.bias"]
        tensors["heads.nose.bias"] = torch.zeros(1)
        tensors["heads.shift.bias"] = torch.zeros(3)

    change(path, damage)
    with pytest.raises(BadInput) as caught:
        load(path, LAYOUT)
    assert caught.value.found == (
        "1 missing: heads.depth.bias; 1 unexpected: heads.nose.bias; "
        "1 of another shape: heads.shift.bias (3, not 2)"
    )


def test_long_lists_are_cut_after_ten(path: Path) -> None:
    change(path, lambda tensors: tensors.update({f"x{n:02d}": torch.zeros(1) for n in range(12)}))
    with pytest.raises(BadInput) as caught:
        load(path, LAYOUT)
    shown = ", ".join(f"x{n:02d}" for n in range(10))
    assert caught.value.found == f"12 unexpected: {shown} and 2 more"


def test_nan_is_not_loaded(path: Path) -> None:
    change(path, lambda tensors: tensors["heads.shift.bias"].fill_(torch.nan))
    with pytest.raises(
        BadInput, match=r"finite numbers, found NaN or infinity in heads\.shift\.bi"
    ):
        load(path, LAYOUT)


@pytest.mark.parametrize("form", ["safetensors", "pth", "nested"])
@pytest.mark.parametrize("name", ["resnet18", "regnetx_002"])
def test_a_backbone_starts_from_pretrained_weights(tmp_path: Path, name: str, form: str) -> None:
    pretrained: Any = timm.create_model(name, pretrained=False, num_classes=10).eval()
    state = pretrained.state_dict()
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pth")
    if form == "safetensors":
        save_file(state, path)
    elif form == "pth":
        torch.save(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    net = build(f"timm:{name}", LAYOUT, size=64).eval()
    head = {"resnet18": "fc", "regnetx_002": "head.fc"}[name]
    assert set(start_from(net, path)) == {f"{head}.weight", f"{head}.bias"}
    photo = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        features = pretrained.forward_features((photo - net.mean) / net.std)
        expected = pretrained.forward_head(features, pre_logits=True)
        assert torch.allclose(net.look(photo).pooled, expected, atol=1e-5)
    assert not net(photo).any()


def test_a_start_from_another_network_lists_names(tmp_path: Path) -> None:
    state = timm.create_model("resnet18", pretrained=False, num_classes=10).state_dict()
    torch.save(state, tmp_path / "net.pth")
    net = build(MINI, LAYOUT, size=64)
    before = {name: one.clone() for name, one in net.state_dict().items()}
    with pytest.raises(BadInput) as caught:
        start_from(net, tmp_path / "net.pth")
    found = caught.value.found
    missing, unexpected, shapes = found.split("; ")
    assert re.match(r"\d+ missing: conv_stem\.weight, .* and \d+ more$", missing)
    assert re.match(r"\d+ unexpected: conv1\.weight, .* and \d+ more$", unexpected)
    assert shapes.startswith("4 of another shape: bn1.weight (64, not 32)")
    assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())


class Program:
    """Something whose unpickling would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run",)


def test_a_pickle_with_code_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.pth"
    torch.save({"state_dict": Program()}, path)
    with pytest.raises(BadInput, match=r"found a pickled .*print: not loaded"):
        start_from(build(MINI, LAYOUT, size=64), path)
    assert capsys.readouterr().out == ""
    path.write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"expected a file that torch\.save wrote, found damage"):
        start_from(build(MINI, LAYOUT, size=64), path)
    torch.save([torch.zeros(1)], path)
    with pytest.raises(BadInput, match="expected named tensors, found a list"):
        start_from(build(MINI, LAYOUT, size=64), path)
    torch.save({"conv_stem.weight": torch.zeros(1), "epoch": 3}, path)
    with pytest.raises(BadInput, match="expected named tensors only, found something else: epoch"):
        start_from(build(MINI, LAYOUT, size=64), path)


def test_about_is_text(net: RNet, tmp_path: Path) -> None:
    save(tmp_path / "net.safetensors", net, {"quote": 'a "b"\nc'})
    with safe_open(tmp_path / "net.safetensors", "pt") as file:
        fields = json.loads(file.metadata()["cfr-regressor"])
        assert json.loads(fields["about"]) == {"quote": 'a "b"\nc'}
