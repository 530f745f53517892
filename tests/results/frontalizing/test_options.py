from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cfr.frontalizers.cfr_gan import CfrGanFrontalizer
from cfr.frontalizers.coefficients import ByFit, ByRegressor
from cfr.frontalizers.rotate_and_render import RotateAndRenderFrontalizer
from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.sizes import RotateSize
from cfr.gan.weights import save_generator
from cfr.morphable.sources import load_model
from cfr.rotate_and_render.generator import RotateGenerator
from protocols.errors import BadOption, DatasetUnavailable
from results.frontalizing.methods import ByGenerator, ByNothing, ByRender
from results.frontalizing.options import Frontalize, load_method

_LOADED = lru_cache(load_model)


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The face model is read once for all of these tests."""
    monkeypatch.setattr("cfr.morphable.sources.load_model", _LOADED)


def asked(**options: Any) -> Frontalize:
    return Frontalize(Path("photos"), Path("out"), **options)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_generator(path, Generator(GeneratorSize(2, 0)), {}, side=64)
    return str(path)


def restoring(**options: Any) -> CfrGanFrontalizer:
    method, _ = load_method(asked(method="cfr-gan", **options))
    assert isinstance(method, ByGenerator)
    assert isinstance(method.frontalizer, CfrGanFrontalizer)
    return method.frontalizer


def test_poses_are_what_the_options_say(weights: str) -> None:
    plain = restoring(weights=weights)
    assert (plain.yaw, plain.keep_pitch, plain.size) == (0, False, 224)
    assert np.degrees(plain.pitch) == pytest.approx(5)
    turned = restoring(weights=weights, yaw=-30.0, pitch=0.0, size=112)
    assert np.degrees(turned.yaw) == pytest.approx(-30)
    assert (turned.pitch, turned.size) == (0, 112)
    assert restoring(weights=weights, keep_pitch=True).keep_pitch
    method, _ = load_method(asked(yaw=10.0))
    assert isinstance(method, ByRender)
    assert np.degrees(method.frontalizer.yaw) == pytest.approx(10)
    assert method.frontalizer.pitch == 0
    assert isinstance(load_method(asked(method="none", size=64))[0], ByNothing)


def test_weights_and_coefficients_are_told(weights: str) -> None:
    method, words = load_method(asked(method="cfr-gan", weights=weights, deocclude=True))
    assert words.endswith("generator tiny")
    assert method.record["weights"] == "tiny"
    assert method.record["deocclude"] is True
    assert isinstance(restoring(weights=weights).source, ByFit)
    asking = restoring(weights=weights, coefficients="regressor").source
    assert isinstance(asking, ByRegressor)
    assert asking.net.size == 112
    assert not asking.net.training


def test_absent_weights_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path))
    for name in ("large", "published:/no/such.pth", "/no/such.safetensors"):
        with pytest.raises(DatasetUnavailable, match=r"python scripts/train_gan\.py PAIRS"):
            load_method(asked(method="cfr-gan", weights=name))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": "mini"}, "--weights with --method render: expected --method cfr-gan"),
        ({"method": "none", "deocclude": True}, "--deocclude with --method none: expected"),
        ({"keep_pitch": True}, "--keep-pitch with --method render"),
        ({"coefficients": "fit"}, "--coefficients with --method render"),
        ({"method": "none", "yaw": 3.0}, "--yaw, --pitch with --method none: expected a method"),
        ({"method": "none", "pitch": 0.0}, "--yaw, --pitch with --method none"),
        (
            {"method": "cfr-gan", "pitch": 0.0, "keep_pitch": True},
            "--pitch with --keep-pitch: expected one of them",
        ),
        ({"size": 31}, "--size 31: expected 32 to 1024 pixels"),
        ({"pitch": -91.0}, "--yaw 0.0 --pitch -91.0: expected −90 to 90 degrees"),
        ({"yaw": float("nan")}, "--yaw nan --pitch 0.0: expected −90 to 90 degrees"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOption, match=said):
        asked(**options)


def test_the_baseline_takes_poses_and_weights_but_clears_no_photo(tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    save_generator(path, RotateGenerator(RotateSize(2, 0, 1)), {}, side=64)
    method, words = load_method(asked(method="rotate-and-render", weights=str(path), yaw=20.0))
    assert isinstance(method, ByGenerator)
    assert isinstance(method.frontalizer, RotateAndRenderFrontalizer)
    assert words.endswith("generator small")
    assert method.record["method"] == "rotate-and-render"
    assert method.record["pitch_degrees"] == "the method's"
    assert np.degrees(method.frontalizer.yaw) == pytest.approx(20)
    with pytest.raises(BadOption, match="--deocclude with --method rotate-and-render"):
        asked(method="rotate-and-render", deocclude=True)
    with pytest.raises(BadOption, match="--method cfr-gan or --method rotate-and-render"):
        asked(method="render", weights="mini")
