"""How often what occurs: poses and occluders of each data set.

IJB: measured on the official lists of IJB-A, splits 1–5 and 10, 24,145 faces. 35 % have a FACE_YAW
below 15°, 30 % one below 30°, 6 % one below 45°, and 29 % none at all: there is no larger one, and
of one face in three not both eyes are visible, so these are profiles. Foreheads are hidden in 18 %,
noses and mouths in 8 %. RAF-DB: the published lists. AFLW2000-3D: the bins of the paper's Table 4.
LFW and CASIA-WebFace publish none: nearly frontal, and mixed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64, Int64

Bins = Sequence[tuple[float, float, float]]
"""Least and greatest |yaw| in degrees, and how often."""
IJB: Bins = ((0.0, 15.0, 0.353), (15.0, 30.0, 0.297), (30.0, 45.0, 0.057), (45.0, 85.0, 0.293))
LFW: Bins = ((0.0, 12.0, 0.72), (12.0, 25.0, 0.24), (25.0, 40.0, 0.04))
CASIA: Bins = ((0.0, 15.0, 0.45), (15.0, 30.0, 0.27), (30.0, 50.0, 0.16), (50.0, 80.0, 0.12))
RAFDB: Bins = ((0.0, 29.0, 1821.0), (31.0, 44.0, 689.0), (46.0, 75.0, 558.0))
AFLW2000: Bins = ((0.0, 29.0, 1306.0), (31.0, 59.0, 462.0), (61.0, 88.0, 232.0))

Kinds = Mapping[str, float]
"""Kind of occluder → share of photos."""
IJB_KINDS: Kinds = {
    "hair": 0.18,
    "glasses": 0.08,
    "hand": 0.025,
    "mask": 0.02,
    "phone": 0.02,
    "scarf": 0.015,
}
FEW_KINDS: Kinds = {"glasses": 0.05, "hair": 0.03, "hand": 0.01, "phone": 0.005, "scarf": 0.005}


def apportion(count: int, shares: Sequence[float] | Sequence[int]) -> list[int]:
    """Whole numbers that sum to ``count`` and are as near to the shares as can be."""
    exact = np.asarray(shares, np.float64) / np.sum(shares) * count
    whole = np.floor(exact).astype(int)
    most = np.argsort(whole - exact, kind="stable")[: count - int(whole.sum())]
    whole[most] += 1
    return whole.tolist()


def draw_yaws(rng: np.random.Generator, count: int, bins: Bins) -> Float64[np.ndarray, " count"]:
    """Yaws in degrees, to either side, as many of each bin as its share says."""
    numbers = apportion(count, [share for *_, share in bins])
    sizes = [
        rng.uniform(low, high, number) for (low, high, _), number in zip(bins, numbers, strict=True)
    ]
    signs = np.where(rng.uniform(size=count) < 0.5, -1.0, 1.0)
    return rng.permutation(np.concatenate(sizes)) * signs


def draw_poses(
    rng: np.random.Generator, count: int, bins: Bins, pitch: float = 7.0, roll: float = 6.0
) -> Float64[np.ndarray, "count 3"]:
    """Pitch, yaw, roll in degrees; pitch and roll are normal with these deviations, up to two."""
    yaws = draw_yaws(rng, count, bins)
    others = np.clip(rng.normal(size=(count, 2)), -2, 2) * (pitch, roll)
    return np.stack((others[:, 0], yaws, others[:, 1]), axis=1)


def draw_kinds(rng: np.random.Generator, count: int, kinds: Kinds) -> list[str]:
    """The occluder of each photo, "" for none, as many of each kind as its share says."""
    names = [*kinds, ""]
    numbers = apportion(count, [*kinds.values(), 1 - sum(kinds.values())])
    drawn: Int64[np.ndarray, " n"] = rng.permutation(np.repeat(np.arange(len(names)), numbers))
    return [names[at] for at in drawn.tolist()]
