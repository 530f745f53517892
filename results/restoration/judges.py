"""Who says how near a restored face is to the true one: recognizers, and LPIPS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, UInt8

from cfr.align import five_from_68
from recognizers.types import Recognizer
from recognizers.variations import AS_IS
from results.export.faces import Points, fed

Measure = Literal["distance", "cosine"]


@dataclass(frozen=True, eq=False)
class IdentityJudge:
    """A recognizer that compares restored faces with the true one, all cut at the same points.

    Attributes:
        recognizer: It.
        measure: ``distance``: 1 − |a − b|, of vectors as the network gives them; ``cosine``.
    """

    recognizer: Recognizer
    measure: Measure

    def __call__(
        self,
        pictures: Sequence[UInt8[np.ndarray, "s s 3"]],
        truth: UInt8[np.ndarray, "s s 3"],
        points: Float64[np.ndarray, "68 2"],
    ) -> Float64[np.ndarray, " n"]:
        """Similarity of each picture with the truth; 1 for the same picture.

        Args:
            pictures: RGB, of one face in one frame.
            truth: The same frame.
            points: The face's iBUG-68 points there.
        """
        at = Points(five_from_68(points), points)
        faces = [(picture, at) for picture in (*pictures, truth)]
        found = self.recognizer.embed(fed(faces, self.recognizer, AS_IS, smooth=False))
        *vectors, true = found.astype(np.float64)
        return np.array([_similarity(one, true, self.measure) for one in vectors])


def _similarity(
    one: Float[np.ndarray, " d"], other: Float[np.ndarray, " d"], measure: Measure
) -> float:
    if measure == "distance":
        return float(1 - np.linalg.norm(one - other))
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths else 0.0
