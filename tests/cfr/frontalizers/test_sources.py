from pathlib import Path

import pytest

import cfr.gan.sources as weights_of
from cfr.frontalizers.cfr_gan import PITCH, CfrGanFrontalizer
from cfr.frontalizers.sources import (
    NONE,
    SOURCES,
    check_name,
    lacking,
    load_frontalizer,
    title,
    weight_file,
)
from cfr.frontalizers.types import Frontalizer
from cfr.gan.sizes import RotateSize
from cfr.gan.weights import save_generator
from cfr.rotate_and_render.generator import RotateGenerator
from protocols.errors import BadInput, BadOption, DatasetUnavailable

BASELINE = "gan-rotate-and-render-mini.safetensors"


@pytest.fixture
def mini(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights that count where none are named."""
    file = tmp_path / "assets/gan-mini.safetensors"
    file.parent.mkdir()
    file.write_bytes(weights.read_bytes())
    baseline = RotateGenerator(RotateSize(width=2, blocks=0, downs=1))
    save_generator(file.with_name(BASELINE), baseline, {}, side=64)
    monkeypatch.setattr(weights_of, "project_root", lambda: tmp_path)
    return file


@pytest.fixture
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_of, "project_root", lambda: tmp_path / "none")
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "none"))


@pytest.mark.parametrize("name", SOURCES)
def test_each_name_loads_a_frontalizer_that_calls_itself_so(name: str, mini: Path) -> None:
    found = load_frontalizer(name)
    assert isinstance(found, Frontalizer)
    assert found.name == name
    files = {"cfr-gan": mini, "rotate-and-render": mini.with_name(BASELINE)}
    assert weight_file(name) == files.get(name)
    assert lacking(name) == ""


def test_none_is_no_frontalizer() -> None:
    assert load_frontalizer(NONE) is None
    check_name(NONE)
    assert weight_file(NONE) is None


def test_weights_are_named_after_a_colon(weights: Path) -> None:
    name = f"cfr-gan:{weights}"
    check_name(name)
    found = load_frontalizer(name)
    assert isinstance(found, CfrGanFrontalizer)
    assert (found.painter.side, found.size) == (64, 224)
    assert (found.yaw, found.pitch, found.keep_pitch) == (0, PITCH, False)
    assert weight_file(name) == weights
    with pytest.raises(BadInput, match="the weights of CFR-GAN's generator"):
        load_frontalizer(f"cfr-gan:published:{weights}")
    with pytest.raises(BadInput, match="Rotate-and-Render's generator written by this project"):
        load_frontalizer(f"rotate-and-render:{weights}")


@pytest.mark.parametrize("name", ["magic", "render:x.safetensors", "cfr-gan:", "none:x", ""])
def test_an_unknown_name_is_refused_with_those_that_are_known(name: str) -> None:
    known = "none, render, render-estimated, cfr-gan, rotate-and-render, cfr-gan:WEIGHTS, "
    known += "rotate-and-render:WEIGHTS"
    for call in (check_name, load_frontalizer):
        with pytest.raises(BadOption, match=known):
            call(name)


@pytest.mark.usefixtures("nothing")
def test_absent_weights_are_told_with_how_to_train_them() -> None:
    for name in ("cfr-gan", "cfr-gan:large", "rotate-and-render"):
        check_name(name)
        with pytest.raises(DatasetUnavailable, match=r"python scripts/train_gan\.py PAIRS"):
            load_frontalizer(name)
        assert "python scripts/train_gan.py PAIRS" in lacking(name)
    with pytest.raises(DatasetUnavailable, match=r"is not at /no/such\.safetensors"):
        load_frontalizer("cfr-gan:/no/such.safetensors")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("none", "none"),
        ("cfr-gan", "cfr-gan"),
        ("cfr-gan:no-id", "cfr-gan:no-id"),
        ("cfr-gan:/somewhere/else/mine.safetensors", "cfr-gan:mine"),
        ("cfr-gan:published:/x/CFRNet_G_ep55_vgg.pth", "cfr-gan:published:CFRNet_G_ep55_vgg"),
    ],
)
def test_tables_call_it_without_folders(name: str, called: str) -> None:
    assert title(name) == called
