"""Identity judges: the same points for all, and both measures by hand."""

import numpy as np
import pytest

from recognizers.types import Recognizer
from results.restoration.judges import IdentityJudge

POINTS = np.random.default_rng(0).uniform(20, 90, (68, 2))


def test_the_same_picture_is_1_and_measures_are_by_hand(judges) -> None:
    recognizer = next(iter(judges.identity.values())).recognizer
    assert isinstance(recognizer, Recognizer)
    rng = np.random.default_rng(1)
    truth, other = rng.integers(0, 256, (2, 112, 112, 3), np.uint8)
    for measure in ("distance", "cosine"):
        judge = IdentityJudge(recognizer, measure)
        same, apart = judge([truth, other], truth, POINTS)
        assert same == pytest.approx(1)
        assert apart < same - 1e-4
    vectors = {"a": np.array([3.0, 4.0]), "b": np.array([3.0, 0.0])}

    class Fixed:
        name, input, dimension, identity = "fixed", recognizer.input, 2, recognizer.identity

        def embed(self, faces) -> np.ndarray:
            return np.stack([vectors["b"], vectors["a"]]).astype(np.float32)

    assert IdentityJudge(Fixed(), "distance")([other], truth, POINTS)[0] == pytest.approx(1 - 4)
    assert IdentityJudge(Fixed(), "cosine")([other], truth, POINTS)[0] == pytest.approx(0.6)
