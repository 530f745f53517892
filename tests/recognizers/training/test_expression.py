"""How expressions are learned: presets, weights of classes, two paces."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from recognizers.training.drawing import LabelledBatch
from recognizers.training.expression import PRESETS, ExpressionLearner, class_weights
from recognizers.training.schedule import build_optimizer
from recognizers.vgg import ExpressionNet, VggSize

SIZE = VggSize(4, 1, normalised=True)


def batch() -> LabelledBatch:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (5, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return LabelledBatch(images, torch.tensor([0, 0, 0, 1, 2]))


def test_the_guess_is_the_published_network() -> None:
    paper = PRESETS["paper"]
    assert (paper.size, paper.side) == (VggSize(), 224)
    assert (paper.schedule.batch, paper.schedule.epochs) == (64, 60)
    assert paper.schedule.learning_rate == 1e-2
    assert paper.started * paper.schedule.learning_rate == pytest.approx(1e-3)
    assert PRESETS["mini"].size == VggSize(16, 3, normalised=True)
    assert PRESETS["tiny"].size == VggSize(8, 2, normalised=True)


def test_weighted_classes_count_alike() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2], np.int64)
    weights = class_weights(labels, 3)
    np.testing.assert_allclose(weights * np.bincount(labels), np.full(3, 10 / 3), rtol=1e-6)
    assert weights[labels].mean() == pytest.approx(1)
    learner = ExpressionLearner(ExpressionNet(SIZE, 3), weights).eval()
    given = batch()
    answers = learner.net(given.images.float() / 255)
    each = functional.cross_entropy(answers, given.labels, reduction="none")
    wanted = sum(weights[label] * one for label, one in zip(given.labels, each, strict=True)) / 5
    torch.testing.assert_close(learner(given)["loss"], wanted)
    plain = ExpressionLearner(learner.net, None).eval()
    torch.testing.assert_close(plain(given)["loss"], each.mean())
    right = (answers.argmax(1) == given.labels).float().mean()
    assert plain(given)["right"] == right


def test_what_has_imagenets_weights_learns_more_slowly() -> None:
    learner = ExpressionLearner(ExpressionNet(SIZE, 7), None, started=0.1)
    optimizer = build_optimizer(learner, PRESETS["paper"].schedule, learner.pace)
    found = {
        group["pace"]: sum(one.numel() for one in group["params"])
        for group in optimizer.param_groups
    }
    counts = [
        sum(one.numel() for one in net.parameters())
        for net in (learner.net.backbone, learner.net.classifier)
    ]
    assert found == {0.1: counts[0], 1.0: counts[1]}
