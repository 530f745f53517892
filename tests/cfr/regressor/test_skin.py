from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cfr.regressor.skin import skin_colored


def by_formula(red: float, green: float, blue: float) -> bool:
    """ITU-R BT.601 chroma of 8 bits."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    blue_chroma, red_chroma = 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)
    return 77 <= blue_chroma <= 127 and 133 <= red_chroma <= 173


def test_skin_is_a_range_of_chroma() -> None:
    levels = np.random.default_rng(3).integers(0, 256, (2, 3, 20, 30))
    found = skin_colored(torch.from_numpy(levels / 255).float())
    expected = np.zeros((2, 20, 30), bool)
    for sample, row, column in np.ndindex(2, 20, 30):
        expected[sample, row, column] = by_formula(*levels[sample, :, row, column].tolist())
    assert 0.02 < expected.mean() < 0.5
    # Colours on the very edge of the range may fall either way.
    assert (found.numpy() != expected).mean() < 0.01


def test_light_and_dark_skin_but_not_grass_sky_or_grey() -> None:
    colors = [(224, 172, 150), (141, 85, 60), (70, 42, 30), (60, 120, 40), (90, 140, 220)]
    colors += [(128, 128, 128), (255, 255, 255), (0, 0, 0)]
    picture = torch.tensor(colors).float().T[None, :, None] / 255
    assert skin_colored(picture).flatten().tolist() == [True] * 3 + [False] * 5


def test_most_labelled_skin_is_found(shared: Path) -> None:
    """Photos of CelebAMask-HQ with their label maps: 1 is skin."""
    folder = shared / "faces" / "celebamaskhq_samples"
    photos = sorted(folder.glob("*.jpg"))
    assert len(photos) == 4
    for path in photos:
        labels = np.asarray(Image.open(path.with_suffix(".png")))
        size = labels.shape[1], labels.shape[0]
        photo = np.asarray(Image.open(path).convert("RGB").resize(size, Image.Resampling.BOX))
        floats = torch.tensor(photo).permute(2, 0, 1)[None].float() / 255
        found = skin_colored(floats)[0].numpy()
        assert found[labels == 1].mean() > 0.8
