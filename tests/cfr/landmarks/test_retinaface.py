"""RetinaFace: anchors and decoding against loops, the network against a published list."""

import csv
import math
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from cfr.landmarks import retinaface
from cfr.landmarks.retinaface import RetinaFace
from cfr.landmarks.retinaface_network import RetinaFaceNetwork, anchors, decode
from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.images import read_image


@pytest.fixture(scope="module")
def detector(shared: Path) -> RetinaFace:
    return retinaface.load(shared / "networks" / "foamliu_mobilefacenet")


def test_anchors_equal_a_loop() -> None:
    expected = [
        ((column + 0.5) * stride, (row + 0.5) * stride, side)
        for stride, sides in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
        for row in range(math.ceil(37 / stride))
        for column in range(math.ceil(50 / stride))
        for side in sides
    ]
    np.testing.assert_allclose(anchors(37, 50).numpy(), expected)
    network = RetinaFaceNetwork().eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 37, 50))[1].shape == (1, len(expected))


def test_decoding_equals_the_definition() -> None:
    rng = np.random.default_rng(0)
    offsets, points = rng.normal(size=(4, 4)), rng.normal(size=(4, 10))
    places = rng.uniform(10, 90, (4, 3))
    boxes, five = decode(*(torch.from_numpy(one) for one in (offsets, points, places)))
    for index, (x, y, side) in enumerate(places):
        dx, dy, dw, dh = offsets[index]
        width, height = side * math.exp(0.2 * dw), side * math.exp(0.2 * dh)
        left, top = x + 0.1 * dx * side - width / 2, y + 0.1 * dy * side - height / 2
        np.testing.assert_allclose(boxes[index], [left, top, left + width, top + height])
        for k in range(5):
            at = (x + 0.1 * points[index, 2 * k] * side, y + 0.1 * points[index, 2 * k + 1] * side)
            np.testing.assert_allclose(five[index, k], at)


def test_a_published_list_comes_from_this_network(shared: Path, detector: RetinaFace) -> None:
    """Each row is what one anchor says, to the last digit printed: score, box and points.

    Its makers kept another anchor of the face than the surest, seldom far from it.
    """
    with (shared / "lfw" / "landmarks_retinaface_mnet025.csv").open() as file:
        listed = {name: list(map(float, rest)) for name, *rest in list(csv.reader(file))[1:]}
    names = (shared / "lfw" / "lists" / "train_photos_strict.txt").read_text().split()[::200]
    assert len(names) >= 7
    for name in names:
        score, *numbers = listed[Path(name).name]
        photo = read_image(shared / "lfw" / "lfw-deepfunneled" / name)
        pixels = photo[..., ::-1].astype(np.float32) - (104, 117, 123)
        given = torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1).copy())[None]
        with torch.inference_mode():
            offsets, scores, points = detector.network(given)
        boxes, five = decode(offsets[0], points[0], anchors(250, 250))
        every = np.concatenate((boxes, five.reshape(-1, 10)), axis=1)
        gap = np.abs(every - numbers).max(1)
        best = int(gap.argmin())
        assert gap[best] < 0.0055
        assert float(scores[0, best]) == pytest.approx(score, abs=6e-5)
        face = max(detector(photo), key=lambda one: one.score)
        assert np.abs(face.five - np.reshape(numbers[4:], (5, 2))).max() < 8


def test_a_face_is_found_and_a_cat_is_not(
    detector: RetinaFace, astronaut: np.ndarray, cat: np.ndarray
) -> None:
    (face,) = detector(astronaut)
    np.testing.assert_allclose(face.five[:2], [(103, 100), (147, 103)], atol=4)
    assert (face.points, face.found_by, detector.name) == (None, "retinaface", "retinaface")
    assert face.score > 0.99
    assert detector(cat) == []


def test_blue_is_not_taken_for_red(detector: RetinaFace, astronaut: np.ndarray) -> None:
    """The other channel order still finds faces, but is less sure of its anchors."""
    (right,) = detector(astronaut)
    wrong = max(detector(np.ascontiguousarray(astronaut[..., ::-1])), key=lambda one: one.score)
    assert not np.allclose(right.five, wrong.five)


@pytest.mark.parametrize("zoom", [2, 3])
def test_a_shrunk_photo_gives_places_in_the_photo(
    detector: RetinaFace, astronaut: np.ndarray, zoom: int
) -> None:
    large = cv2.resize(astronaut, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    bounded = RetinaFace(detector.network, longest_side=300)
    (small,), (face,) = detector(astronaut), bounded(large)
    np.testing.assert_allclose((face.five + 0.5) / zoom - 0.5, small.five, atol=2)
    np.testing.assert_allclose((face.box + 0.5) / zoom - 0.5, small.box, atol=4)


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (33, 31)])
def test_photos_of_any_size_are_looked_at(detector: RetinaFace, shape: tuple[int, int]) -> None:
    assert detector(np.zeros((*shape, 3), np.uint8)) == []


def test_several_faces_are_several(shared: Path, detector: RetinaFace) -> None:
    assert len(detector(read_image(shared / "faces" / "3ddfa_v2" / "trump_hillary.jpg"))) == 2


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / retinaface.FILE
    with pytest.raises(DatasetUnavailable, match=r"fetch.py mobilefacenet"):
        retinaface.load(tmp_path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match=r"RetinaFace mobilenet0\.25 weights"):
        retinaface.load(tmp_path)
    state = RetinaFaceNetwork().state_dict()
    torch.save({f"module.{name}": one for name, one in state.items()}, path)
    retinaface.load(tmp_path)
    for change in ({"body.extra": torch.zeros(1)}, {"fpn.output1.0.weight": torch.zeros(2)}):
        torch.save(state | change, path)
        with pytest.raises(BadInput, match=re.escape(retinaface.FILE)):
            retinaface.load(tmp_path)


def test_bad_options_are_refused() -> None:
    network = RetinaFaceNetwork()
    options: dict[str, Any]
    for options in ({"threshold": 0.0}, {"threshold": 1.0}, {"longest_side": 4}):
        with pytest.raises(BadOption):
            RetinaFace(network, **options)
