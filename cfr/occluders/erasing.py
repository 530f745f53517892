"""Random erasing: a rectangle of the photo is overwritten (Zhong et al., AAAI 2020)."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cfr.occluders.types import Drawn, Scene, Settings

_TRIES = 100
# In pixels of a 224 crop. Source: tools/datasets.py of yeongjoonJu/CFR-GAN.
_LEFT, _TOP, _SIDE = (67, 168), (67, 156), (5, 73)


@dataclass(frozen=True)
class Erasing:
    """One axis-parallel rectangle."""

    boxes: Literal["area", "crop"] = "area"
    """area: a share of the photo and an aspect ratio, anywhere (Zhong et al.). crop: a box of 5 to
    73 pixels whose first corner lies in the face of an aligned 224 crop, as the code released with
    the paper draws it; it scales with the photo's height and width."""
    fill: Literal["flat", "mean", "noise", "release"] = "noise"
    """flat: one random colour; mean: the box's own; noise: a random colour at every pixel (Zhong et
    al.); release: flat or mean with equal chance, and then with chance ½ noise of ± ¼ on it."""
    area: tuple[float, float] = (0.02, 0.4)
    """Least and largest share of the photo, for ``area``."""
    aspect: tuple[float, float] = (0.3, 1 / 0.3)
    """Least and largest height / width, for ``area``; even on a logarithmic scale."""

    def __post_init__(self) -> None:
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"area {self.area}: expected 0 < least ≤ largest ≤ 1")
        if not 0 < self.aspect[0] <= self.aspect[1] < math.inf:
            raise ValueError(f"aspect {self.aspect}: expected 0 < least ≤ largest")

    def draw(self, scene: Scene) -> Drawn:
        """Overwrite one rectangle."""
        top, left, rows, columns = self._box(scene)
        height, width = scene.size
        color = np.zeros((height, width, 3), np.float32)
        alpha = np.zeros((height, width), np.float32)
        part = np.s_[top : top + rows, left : left + columns]
        color[part], filled = self._filling(scene, part)
        alpha[part] = 1
        settings: Settings = {"top": top, "left": left, "height": rows, "width": columns, **filled}
        return Drawn(color, alpha, settings)

    def _box(self, scene: Scene) -> tuple[int, int, int, int]:
        """Top, left, height, width, all inside the photo."""
        rng, (height, width) = scene.rng, scene.size
        if self.boxes == "crop":
            sides = rng.integers(*_SIDE, 2, endpoint=True)
            corner = np.array([rng.integers(*one, endpoint=True) for one in (_TOP, _LEFT)])
            scale = np.array([height, width]) / 224
            top, left = (corner * scale).astype(int)
            rows, columns = np.maximum(sides * scale, 1).astype(int)
            return (
                int(top),
                int(left),
                int(min(rows, height - top)),
                int(min(columns, width - left)),
            )
        for _ in range(_TRIES):
            area = rng.uniform(*self.area) * height * width
            ratio = math.exp(rng.uniform(*np.log(self.aspect)))
            rows, columns = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 1 <= rows <= height and 1 <= columns <= width:
                top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
                return int(top), int(left), rows, columns
        raise ValueError(f"no box of area {self.area} and aspect {self.aspect} fits {scene.size}")

    def _filling(self, scene: Scene, part: tuple) -> tuple[np.ndarray, Settings]:
        """Colours of the box in [0, 1], and what was drawn."""
        rng, box = scene.rng, scene.photo[part]
        if self.fill == "noise":
            return rng.uniform(size=box.shape).astype(np.float32), {"fill": "noise"}
        fill, noisy = self.fill, False
        if fill == "release":
            fill = "flat" if rng.random() < 0.5 else "mean"
            noisy = bool(rng.random() < 0.5)
        color = rng.uniform(size=3) if fill == "flat" else box.reshape(-1, 3).mean(0) / 255
        filled = np.broadcast_to(color, box.shape).astype(np.float32)
        if noisy:
            filled = np.clip(filled + rng.uniform(-0.25, 0.25, box.shape), 0, 1)
        listed = [float(value) for value in color]
        return filled.astype(np.float32), {"fill": fill, "color": listed, "noisy": int(noisy)}
