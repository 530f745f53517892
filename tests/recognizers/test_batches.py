"""Batches of one size, with a network that betrays what it was given."""

import numpy as np
import pytest

from recognizers.batches import in_batches


class Network:
    """Answers with each face's first pixel and sum; remembers its batches."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        assert images.flags.c_contiguous
        self.seen.append(images)
        flat = images.reshape(len(images), -1).astype(np.float32)
        return np.stack((flat[:, 0], flat.sum(1)), axis=1)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("size", [1, 4])
def test_every_batch_is_full_and_answers_stay_in_order(count: int, size: int) -> None:
    images = np.random.default_rng(count).integers(0, 255, (count, 4, 5, 3), dtype=np.uint8)
    network = Network()
    answers = in_batches(images, size, network)
    assert answers.shape == (count, 2)
    assert answers.dtype == np.float32
    for row in range(count):
        assert tuple(answers[row]) == (images[row, 0, 0, 0], images[row].sum())
    assert {batch.shape for batch in network.seen} == {(size, 4, 5, 3)}
    assert len(network.seen) == max(1, -(-count // size))


def test_the_last_batch_is_filled_with_its_last_face() -> None:
    images = np.arange(6 * 3, dtype=np.uint8).reshape(6, 1, 1, 3)
    network = Network()
    in_batches(images, 4, network)
    np.testing.assert_array_equal(network.seen[1], images[[4, 5, 5, 5]])


def test_a_network_without_a_row_a_face_is_refused() -> None:
    images = np.zeros((5, 2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match=r"expected 4 rows, found shape \(1, 8\)"):
        in_batches(images, 4, lambda batch: np.zeros((1, 2 * len(batch)), np.float32))
    with pytest.raises(ValueError, match="expected 4 rows"):
        in_batches(images, 4, lambda batch: np.zeros((len(batch), 2, 2), np.float32))
    with pytest.raises(ValueError, match="1 or more"):
        in_batches(images, 0, Network())
