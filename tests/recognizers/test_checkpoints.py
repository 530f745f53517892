"""Weight files: every usual form is read, and damage, code and foreign weights are refused."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from protocols.errors import BadInput, DatasetUnavailable
from recognizers.checkpoints import (
    IRESNET_HEADS,
    architecture_of,
    iresnet_shape,
    load_state,
    read_state,
)
from recognizers.iresnet import ARCHITECTURES, IResNet

STATE = {"fc.weight": torch.arange(6.0).view(2, 3), "fc.bias": torch.tensor([7.0, -1.0])}


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        torch.equal(found[name], expected[name]) for name in expected
    )


def prefixed(prefix: str, state: dict[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in state.items()}


class Attack:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("ending", ["pth", "pt", "ckpt", "PTH"])
@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"epoch": 3, "state_dict": STATE, "optimizer": {"lr": 0.1, "step": torch.tensor(4)}},
        {"model": STATE},
        {"model": "resnet18", "net": STATE},
        {"backbone": STATE},
        {"model_state_dict": STATE, "loss": 0.5},
        {"net_state_dict": prefixed("backbone.")},
        {"state_dict_backbone": STATE, "state_dict_softmax_fc": {"weight": torch.zeros(9, 2)}},
        prefixed("module."),
        {"state_dict": prefixed("model.")},
    ],
)
def test_usual_forms_are_read(tmp_path: Path, ending: str, content: dict[str, Any]) -> None:
    path = tmp_path / f"a.{ending}"
    torch.save(content, path)
    assert equal(read_state(path), STATE)


def test_older_and_other_files_are_read(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert equal(read_state(tmp_path / "old.pth"), STATE)
    torch.save(STATE, tmp_path / "three.pth", pickle_protocol=3)
    assert equal(read_state(tmp_path / "three.pth"), STATE)
    save_file(prefixed("module."), tmp_path / "a.safetensors")
    assert equal(read_state(tmp_path / "a.safetensors"), STATE)


def test_only_a_prefix_that_all_share_is_taken_off(tmp_path: Path) -> None:
    some = prefixed("module.") | {"weight": torch.zeros(1)}
    torch.save(some, tmp_path / "some.pth")
    assert equal(read_state(tmp_path / "some.pth"), some)
    torch.save(prefixed("encoder."), tmp_path / "other.pth")
    assert equal(read_state(tmp_path / "other.pth"), prefixed("encoder."))


def test_code_is_never_run(tmp_path: Path) -> None:
    """A program in the file would make another file."""
    made = tmp_path / "made"
    content = {"state_dict": STATE, "more": Attack(made)}
    with made.with_suffix(".raw").open("wb") as file:
        pickle.dump(content, file)
    with made.with_suffix(".raw").open("rb") as file:
        pickle.load(file)
    assert made.exists(), "the attack does not work"
    made.unlink()
    for new in (True, False):
        torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=new)
        with pytest.raises(BadInput, match=r"a\.pth: expected tensors only.* holds code"):
            read_state(tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(content))
    with pytest.raises(BadInput, match=r"b\.pth: expected a file that torch\.save wrote"):
        read_state(tmp_path / "b.pth")
    assert not made.exists()


def test_whole_networks_are_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "a.pth")
    with pytest.raises(BadInput, match=r"a pickled torch\.nn\.modules\.linear\.Linear: not loaded"):
        read_state(tmp_path / "a.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "b.pt")
    with pytest.raises(BadInput, match="a TorchScript program: not loaded"):
        read_state(tmp_path / "b.pt")


@pytest.mark.parametrize("share", [0, 0.5, 0.98])
@pytest.mark.parametrize("kind", ["new", "old", "safetensors"])
def test_damaged_files_are_refused(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / ("a.safetensors" if kind == "safetensors" else "a.pth")
    if kind == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=kind == "new")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BadInput, match="found damage"):
        read_state(path)
    path.write_bytes(b"not what it says it is" * 40)
    with pytest.raises(BadInput, match="found damage"):
        read_state(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({}, "none: a dict"),
        ([torch.zeros(2)], "none: a list"),
        (torch.zeros(2), "none: a Tensor"),
        ({"epoch": 3, "lr": 0.1}, "none: the keys epoch, lr"),
        ({"state_dict": {}}, "none: the keys state_dict"),
        ({f"k{n}": n for n in range(12)}, "k8, k9 and 2 more"),
        (STATE | {"epoch": 3}, "something else: epoch"),
        ({"model": STATE | {"mode": "x"}}, "model: .* something else: mode"),
        ({"net": STATE, "model": STATE}, "those of model, net"),
        ({1: torch.zeros(2)}, "none: the keys 1"),
        (STATE | {1: torch.zeros(2)}, "something else: 1"),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, content: Any, found: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(BadInput, match=found):
        read_state(tmp_path / "a.pth")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"weight file is not at .*a\.pth"):
        read_state(tmp_path / "a.pth")
    (tmp_path / "a.zip").write_bytes(b"")
    with pytest.raises(BadInput, match=r"a\.zip: expected a weight file .*\.safetensors"):
        read_state(tmp_path / "a.zip")
    save_file({}, tmp_path / "a.safetensors")
    with pytest.raises(BadInput, match="expected named tensors, found none"):
        read_state(tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_iresnets_are_told_by_their_names(name: str) -> None:
    with torch.device("meta"):
        state = IResNet(ARCHITECTURES[name], width=2, dimension=4).state_dict()
    assert architecture_of(state) == name
    assert architecture_of({one: state[one] for one in state if "num_batches" not in one}) == name


def test_other_networks_are_no_iresnets() -> None:
    from torchvision.models import resnet18

    with torch.device("meta"):
        assert architecture_of(resnet18().state_dict()) is None
        assert architecture_of(IResNet((2, 2, 2, 3), width=2).state_dict()) is None
        state = IResNet((2, 2, 2, 2), width=2).state_dict()
    for name in ("features.weight", "conv1.weight", "prelu.weight", "fc.weight"):
        assert architecture_of({one: state[one] for one in state if one != name}) is None


@pytest.mark.parametrize(
    ("size", "side"), [((112, 112), 112), ((100, 97), 112), ((224, 224), 224), ((96, 112), None)]
)
def test_shape_of_an_iresnet(size: tuple[int, int], side: int | None) -> None:
    with torch.device("meta"):
        state = IResNet((1, 1, 1, 1), width=6, dimension=9, size=size).state_dict()
    assert iresnet_shape(state, Path("a.pth")) == (9, 6, side)


def test_shape_needs_the_weights_that_tell_it() -> None:
    wrong = {"conv1.weight": torch.zeros(4), "fc.weight": torch.zeros(2, 8)}
    with pytest.raises(BadInput, match=r"conv1\.weight: expected a tensor of 4 axes.* shape 4"):
        iresnet_shape(wrong, Path("a.pth"))
    with pytest.raises(BadInput, match=r"fc\.weight: expected .*found none"):
        iresnet_shape({"conv1.weight": torch.zeros(4, 3, 3, 3)}, Path("a.pth"))


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    state = {name: torch.rand_like(one.float()) for name, one in network().state_dict().items()}
    return state | {"1.num_batches_tracked": torch.tensor(17)}


def test_weights_are_loaded_by_name_as_float32() -> None:
    given = {name: one.half() if one.ndim else one for name, one in weights().items()}
    target = network()
    assert load_state(target, given, Path("a.pth"), "small") == ()
    for name, tensor in target.state_dict().items():
        assert torch.equal(tensor, given[name].to(tensor.dtype)), name
        assert tensor.dtype in (torch.float32, torch.int64)
    assert list(given) == list(weights()), "the caller's dictionary was changed"


def test_the_counter_of_training_steps_may_be_absent() -> None:
    given = weights()
    del given["1.num_batches_tracked"]
    load_state(target := network(), given, Path("a.pth"), "small")
    assert torch.equal(target.state_dict()["1.running_var"], given["1.running_var"])
    del given["1.running_var"]
    with pytest.raises(BadInput, match=r"found 1 missing \(1\.running_var\)$"):
        load_state(network(), given, Path("a.pth"), "small")


def test_what_does_not_match_is_listed() -> None:
    given = weights()
    del given["0.bias"]
    given["0.weight"] = torch.zeros(5, 3)
    given |= {f"extra{number}": torch.zeros(1) for number in range(1234)}
    target = network()
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    with pytest.raises(BadInput) as caught:
        load_state(target, given, Path("a.pth"), "small")
    assert str(caught.value) == (
        "a.pth: expected the weights of small, found 1 missing (0.bias); 1,234 unexpected (extra0, "
        "extra1, extra2, extra3, extra4, extra5, extra6, extra7, extra8, extra9 and 1,224 more); "
        "1 mismatched (0.weight of shape 5 × 3 instead of 2 × 3)"
    )
    assert equal(target.state_dict(), before)


def test_only_named_heads_are_left_out() -> None:
    left_out = {"weight": torch.zeros(9, 2), "head.kernel": torch.zeros(2)}
    heads = left_out | {"header": torch.zeros(2), "weights": torch.zeros(2)}
    found = load_state(network(), weights() | left_out, Path("a.pth"), "small", IRESNET_HEADS)
    assert found == ("weight", "head.kernel")
    with pytest.raises(BadInput, match=r"2 unexpected \(header, weights\)$"):
        load_state(network(), weights() | heads, Path("a.pth"), "small", IRESNET_HEADS)
    with pytest.raises(BadInput, match=r"2 unexpected \(weight, head\.kernel\)$"):
        load_state(network(), weights() | left_out, Path("a.pth"), "small")


def test_a_real_checkpoint_is_read(shared: Path) -> None:
    """Another network than ours, with its weights under ``net_state_dict``."""
    path = shared / "networks" / "xiaoccer_mobilefacenet" / "068.ckpt"
    state = read_state(path)
    whole = torch.load(path, map_location="cpu", weights_only=True)["net_state_dict"]
    assert equal(state, dict(whole))
    assert len(state) == 333
    assert architecture_of(state) is None
    assert all(np.isfinite(one.numpy()).all() for one in state.values())
