"""The table as a whole: what is read, what is absent, and the same numbers again."""

from pathlib import Path

import pytest
import torch

from protocols.errors import BadOption, DatasetUnavailable
from results.restoration.measuring import IDENTITY, LPIPS
from results.restoration.methods import OURS
from results.tables.restoration import Restoration, compute


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    from cfr.gan.generator import Generator, GeneratorSize
    from cfr.gan.weights import save_generator

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_generator(path, Generator(GeneratorSize(width=4, blocks=1)), {"seed": "0"}, side=48)
    return str(path)


def test_absent_photos_are_a_table_that_says_so(weights: str, tmp_path: Path) -> None:
    config = Restoration(data=("masked-pairs",), weights=(weights,), root=tmp_path / "nowhere")
    (result,) = compute(config)
    assert result.record.status == "no photos"
    assert "prajnasb/observations" in result.record.cell(OURS, IDENTITY).reason
    assert not result.figures


def test_renders_are_measured_the_same_way_twice(weights: str) -> None:
    pytest.importorskip("dlib", reason="the extra offline is not installed")
    config = Restoration(data=("renders",), weights=(weights,), count=2, size=48, resamples=100)
    first, second = (next(compute(config)).record for _ in range(2))
    assert first.cells == second.cells
    assert first.comparisons == second.comparisons
    assert first.cell(OURS, IDENTITY).n == 2
    assert "--lpips alex:FILE" in first.cell(OURS, LPIPS).reason
    assert first.weights["dlib"]
    assert weights not in first.to_json()


def test_what_nothing_can_be_measured_with_is_refused() -> None:
    with pytest.raises(BadOption, match="at least 100"):
        Restoration(resamples=5)
    with pytest.raises(BadOption, match="alex:FILE"):
        Restoration(lpips="resnet:x")
    with pytest.raises(BadOption, match="--seed -1: expected at least 0"):
        Restoration(seed=-1)
    with pytest.raises(BadOption, match="any of masked-pairs"):
        Restoration(data=())


def test_what_finds_points_is_an_error_where_it_is_absent(weights: str, tmp_path: Path) -> None:
    (tmp_path / "masked-pairs").mkdir()
    config = Restoration(
        data=("masked-pairs",),
        weights=(weights,),
        root=tmp_path / "masked-pairs",
        landmarks_root=tmp_path / "typo",
    )
    with pytest.raises(DatasetUnavailable, match="typo"):
        next(compute(config))


def test_cuda_where_there_is_none_is_refused(weights: str) -> None:
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    with pytest.raises(BadOption, match="--device cuda"):
        next(compute(Restoration(data=("renders",), weights=(weights,), device="cuda")))
