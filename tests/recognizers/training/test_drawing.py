from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from protocols.errors import BadInput, BadOption
from recognizers.training.drawing import LabelledDraws


class Squares:
    """Photos whose every level is their position."""

    def __init__(self, count: int, wide: int = 100) -> None:
        self.names = [f"photo {index}" for index in range(count)]
        self._wide = wide

    def content(self, index: int) -> bytes:
        return bytes([index])

    def read(self, index: int) -> np.ndarray:
        return np.full((4, 5 if index < self._wide else 6, 3), index, np.uint8)


def shifted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = image.copy()
    image[0] = rng.integers(100, 250)
    return image


LABELS = np.array([0] * 2 + [1] * 5 + [2] * 13)
ROWS = np.arange(5, 25)


def draws(**more: object) -> LabelledDraws:
    given = LabelledDraws(Squares(30), ROWS, LABELS, Path("x"), shifted, 8, 7)
    return replace(given, **more)  # type: ignore[arg-type]


def drawn(given: LabelledDraws, steps: int) -> list[int]:
    return [int(one) for step in range(steps) for one in given[step].images[:, 0, 1, 0]]


def test_each_photo_once_a_round_with_its_label() -> None:
    given = draws()
    assert given.steps_of_epoch == 3
    first = drawn(given, 5)
    assert sorted(first[:20]) == ROWS.tolist()
    assert sorted(first[20:40]) == ROWS.tolist()
    assert first[:20] != first[20:40]
    batch = given[2]
    assert batch.images.shape == (8, 3, 4, 5)
    assert batch.labels.tolist() == LABELS[batch.images[:, 0, 1, 0].numpy() - 5].tolist()


def test_what_is_drawn_is_a_matter_of_seed_and_step() -> None:
    one, other = draws(), draws()
    drawn(other, 3)
    assert (one[7].images == other[7].images).all()
    assert (one[7].images != draws(seed=8)[7].images).any()


def test_processes_share_a_batch() -> None:
    whole, parts = draws()[3], [draws(rank=rank, ranks=2)[3] for rank in (0, 1)]
    for rank, part in enumerate(parts):
        assert (part.images == whole.images[rank::2]).all()
        assert (part.labels == whole.labels[rank::2]).all()


def test_balanced_classes_take_turns_and_so_do_their_photos() -> None:
    given = draws(balanced=True)
    photos = drawn(given, 15)
    labels = LABELS[np.array(photos) - 5]
    assert Counter(labels.tolist()) == {0: 40, 1: 40, 2: 40}
    of_small, of_large = (Counter(np.array(photos)[labels == one].tolist()) for one in (0, 2))
    assert set(of_small.values()) == {20}
    assert set(of_large.values()) == {3, 4}


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(BadOption, match="multiple of 3 processes"):
        draws(ranks=3)
    with pytest.raises(BadOption, match="no photos"):
        draws(rows=ROWS[:0], labels=LABELS[:0])
    with pytest.raises(BadInput, match=r"x, photo \d+: expected 4 × . × 3"):
        draws(photos=Squares(30, wide=15))[0]
