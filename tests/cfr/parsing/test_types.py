"""The labels' order is the data set's, on its own label maps."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfr.parsing.types import Label

# The data set's own names, in the order in which its label maps are made (g_mask.py).
NAMES = [
    *("background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear"),
    *("r_ear", "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
]
SHORT = {
    Label.GLASSES: "eye_g",
    Label.INNER_MOUTH: "mouth",
    Label.UPPER_LIP: "u_lip",
    Label.LOWER_LIP: "l_lip",
    Label.EARRING: "ear_r",
    Label.NECKLACE: "neck_l",
}


def short(label: Label) -> str:
    name = label.name.lower().replace("left_", "l_").replace("right_", "r_")
    return SHORT.get(label, name)


def test_labels_are_in_the_order_of_the_data_set() -> None:
    assert [short(label) for label in Label] == NAMES
    assert [label.value for label in Label] == list(range(19))


@pytest.mark.parametrize("photo", range(4))
def test_sides_and_heights_are_those_of_its_label_maps(shared: Path, photo: int) -> None:
    labels = np.array(Image.open(shared / f"faces/celebamaskhq_samples/{photo}.png"))

    def middle(label: Label) -> np.ndarray:
        return np.argwhere(labels == label).mean(0)

    # The person's left is at the right of a photo from the front.
    assert middle(Label.LEFT_EYE)[1] > middle(Label.NOSE)[1] > middle(Label.RIGHT_EYE)[1]
    assert middle(Label.LEFT_BROW)[1] > middle(Label.RIGHT_BROW)[1]
    order = (Label.LEFT_BROW, Label.LEFT_EYE, Label.NOSE, Label.UPPER_LIP, Label.LOWER_LIP)
    heights = [middle(label)[0] for label in (*order, Label.NECK)]
    assert heights == sorted(heights)
