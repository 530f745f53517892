"""ArcFace's head against its definition, written out angle by angle."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from recognizers.arcface import ArcFaceHead, add_margin, draw_classes

BATCH, DIMENSION, CLASSES = 6, 5, 9


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.2])
def test_the_margin_is_added_to_the_angle(margin: float) -> None:
    angles = torch.linspace(0.01, math.pi - margin - 0.01, 50, dtype=torch.float64)
    found = add_margin(angles.cos(), margin)
    assert torch.allclose(found, (angles + margin).cos(), atol=1e-7)


def test_beyond_a_straight_angle_it_goes_on_falling() -> None:
    angles = torch.linspace(0, math.pi, 400, dtype=torch.float64)
    found = add_margin(angles.cos(), 0.5)
    assert (found.diff() < 1e-9).all()
    last = angles > math.pi - 0.5
    assert torch.allclose(found[last], angles[last].cos() - 0.5 * math.sin(0.5))


def test_its_gradient_is_that_of_the_definition() -> None:
    angles = torch.linspace(0.3, 2.2, 9, dtype=torch.float64)
    cosine = angles.cos().requires_grad_()
    add_margin(cosine, 0.5).sum().backward()
    assert cosine.grad is not None
    assert torch.allclose(cosine.grad, (angles + 0.5).sin() / angles.sin(), atol=1e-6)
    for end in (-1.0, 1.0):  # no slope is infinite
        at_end = torch.tensor([end], requires_grad=True)
        add_margin(at_end, 0.5).sum().backward()
        assert at_end.grad is not None
        assert at_end.grad.isfinite().all()


def head(share: float = 1.0, scale: float = 64.0, margin: float = 0.5) -> ArcFaceHead:
    generator = torch.Generator().manual_seed(3)
    return ArcFaceHead(
        CLASSES, DIMENSION, scale=scale, margin=margin, share=share, generator=generator
    )


def test_the_loss_is_the_papers() -> None:
    """Eq. 3, sample by sample."""
    given, centres = drawn(BATCH, DIMENSION).float(), head().weight.detach()
    # Of half of them the nearest centre's, of the others the third's: no angle passes π.
    nearness = (functional.normalize(given) @ functional.normalize(centres).mT).argsort(1).flip(1)
    labels = torch.where(torch.arange(BATCH) % 2 == 0, nearness[:, 0], nearness[:, 2])
    judged = head(scale=16.0, margin=0.4)(given, labels)
    total, right = 0.0, 0
    for one, label in zip(given, labels.tolist(), strict=True):
        angles = [
            math.acos(float(functional.cosine_similarity(one, centre, dim=0))) for centre in centres
        ]
        powers = [math.exp(16 * math.cos(angle)) for angle in angles]
        assert angles[label] + 0.4 < math.pi
        own = math.exp(16 * math.cos(angles[label] + 0.4))
        total -= math.log(own / (own + sum(powers) - powers[label]))
        right += min(range(CLASSES), key=lambda at: angles[at]) == label
    assert judged.loss.item() == pytest.approx(total / BATCH, rel=1e-4)
    assert judged.accuracy.item() == pytest.approx(right / BATCH)
    longer = head(scale=16.0, margin=0.4)(7 * given, labels)
    assert longer.loss.item() == pytest.approx(judged.loss.item(), rel=1e-4)


def test_a_share_of_one_is_all() -> None:
    given, labels = drawn(BATCH, DIMENSION).float(), torch.tensor([0, 3, 3, 8, 5, 1])
    assert draw_classes(labels, CLASSES, 1.0).tolist() == list(range(CLASSES))
    # A share that is all but one is still drawn, and comes to all centres.
    losses, slopes = [], []
    for share in (1.0, 1 - 1e-9):
        one = head(share)
        judged = one(given, labels)
        judged.loss.backward()
        losses.append(judged)
        assert one.weight.grad is not None
        slopes.append(one.weight.grad)
    for whole, drawn_all in zip(*losses, strict=True):
        assert torch.equal(whole, drawn_all)
    assert torch.equal(*slopes)


def test_a_part_of_the_classes_has_those_of_the_batch_and_others_at_random() -> None:
    labels = torch.tensor([70, 3, 3, 41])
    seen = torch.zeros(100)
    torch.manual_seed(0)
    for _ in range(400):
        chosen = draw_classes(labels, 100, 0.1)
        assert len(chosen) == 10
        assert (chosen.diff() > 0).all()
        assert {3, 41, 70} <= set(chosen.tolist())
        seen[chosen] += 1
    others = torch.tensor([one not in (3, 41, 70) for one in range(100)])
    assert seen[others].mean() == pytest.approx(400 * 7 / 97, abs=0.1)
    assert seen[others].min() > 5
    # Where the batch has more classes than the share, all of these.
    assert draw_classes(torch.arange(40), 100, 0.1).tolist() == list(range(40))


def test_a_part_of_the_classes_changes_no_other_centre() -> None:
    given, labels = drawn(BATCH, DIMENSION).float(), torch.tensor([0, 3, 3, 8, 0, 8])
    one = head(0.5)
    torch.manual_seed(5)
    chosen = draw_classes(labels, CLASSES, 0.5)
    torch.manual_seed(5)
    judged = one(given, labels)
    judged.loss.backward()
    part = ArcFaceHead(len(chosen), DIMENSION)
    with torch.no_grad():
        part.weight.copy_(one.weight[chosen])
    alone = part(given, torch.searchsorted(chosen, labels))
    assert judged.loss.item() == pytest.approx(alone.loss.item(), rel=1e-5)
    assert one.weight.grad is not None
    untouched = [at for at in range(CLASSES) if at not in chosen.tolist()]
    assert untouched
    assert not one.weight.grad[untouched].any()
    assert one.weight.grad[chosen].abs().sum(1).all()


def test_half_precision_around_it_does_not_reach_it() -> None:
    given, labels = drawn(BATCH, DIMENSION).float(), torch.tensor([0, 3, 3, 8, 5, 1])
    plain = head()(given, labels)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head()(given, labels).loss, plain.loss)


def test_labels_out_of_range_are_an_error() -> None:
    with pytest.raises((IndexError, RuntimeError)):
        head()(drawn(1, DIMENSION).float(), torch.tensor([CLASSES]))
