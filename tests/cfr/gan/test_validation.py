"""Scores on held-out pairs, against numbers that are worked out by hand."""

import pytest
import torch
from torch import Tensor

from cfr.gan.batches import PairDraws
from cfr.gan.generator import Generator, Painted
from cfr.gan.presets import GanAugmentation
from cfr.gan.sizes import GeneratorSize
from cfr.gan.validation import validation_scores
from results.bench.made_up_pairs import MadeUpPairs

NONE = GanAugmentation(0.0, 0.0, 0.0, 0.0)
CPU = torch.device("cpu")


class Told(Generator):
    """Paints one grey level, and takes the left half for hidden."""

    def __init__(self, *, path: bool = True) -> None:
        super().__init__(GeneratorSize(1, 0, path))

    def forward(self, damaged: Tensor, guide: Tensor) -> Painted:
        mask = torch.zeros_like(damaged[:, :1])
        mask[..., : mask.shape[-1] // 2] = 1
        return Painted(torch.full_like(damaged, 0.5), mask)


def draws() -> PairDraws:
    return PairDraws(MadeUpPairs(80, 32), 32, NONE, False, 4, 1, held_out=True)


def test_errors_and_masks_are_those_of_the_pixels() -> None:
    found = validation_scores(Told(), draws(), 2, CPU)
    batches = [draws()[step] for step in range(2)]
    whole = [torch.cat(parts) for parts in zip(*batches, strict=True)]
    damaged, _, photo, mask, face = whole
    hidden = (mask >= 0.5)[:, 0] & face[:, 0]
    for suffix, picture in (("", torch.full_like(photo, 0.5)), (", damaged", damaged)):
        apart = 255 * (picture - photo).abs().mean(1)
        assert found[f"hidden{suffix}"] == pytest.approx(float(apart[hidden].mean()), rel=1e-5)
        assert found[f"face{suffix}"] == pytest.approx(float(apart[face[:, 0]].mean()), rel=1e-5)
    left = torch.zeros_like(hidden)
    left[..., :16] = True
    left &= face[:, 0]
    union = float((left & hidden).sum() / (left | hidden).sum())
    assert found["mask IoU"] == pytest.approx(union, rel=1e-5)
    assert "identity" not in found


def test_a_recognizer_compares_what_is_painted_with_the_photo() -> None:
    def embed(faces: Tensor) -> Tensor:
        return faces.mean((2, 3)) + 3

    found = validation_scores(Told(), draws(), 1, CPU, embed)
    assert 0.9 < found["identity"] < 1
    assert 0.9 < found["identity, damaged"] <= 1
    assert found["identity"] != found["identity, damaged"]


def test_without_an_occlusion_path_there_is_no_mask_to_score() -> None:
    found = validation_scores(Told(path=False), draws(), 1, CPU)
    assert "mask IoU" not in found
    net = Generator(GeneratorSize(4, 1, occlusion_path=False)).eval()
    assert found.keys() == validation_scores(net, draws(), 1, CPU).keys()
