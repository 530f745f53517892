"""Each row's picture: what stands where, and which weights are needed."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cfr.align import Alignment
from cfr.frontalizers.types import InPlace
from protocols.errors import BadOption, DatasetUnavailable
from results.restoration import methods as rows
from results.restoration.methods import Methods, common_frame, load_methods


def flat(level: int) -> np.ndarray:
    return np.full((56, 56, 3), level, np.uint8)


@pytest.fixture
def one() -> InPlace:
    """Flat pictures: whoever shows 10 shows the photo, 20 R_p, 30 R_e, 40 the painting."""
    face, occlusion = np.zeros((56, 56), bool), np.zeros((56, 56), bool)
    face[10:50, 10:50] = occlusion[20:30, 20:40] = True
    alignment = Alignment(np.array([[1.0, 0, 0], [0, 1, 0]]), 56)
    return InPlace(flat(10), flat(20), flat(30), flat(40), face, occlusion, alignment)


@pytest.mark.parametrize(
    ("make", "level", "everywhere"),
    [
        (rows.photo_itself, 10, True),
        (rows.render, 20, True),
        (rows.estimated, 30, True),
        (rows.painted, 40, True),
        (rows.guide, 30, False),
        (rows.blended, 40, False),
    ],
)
def test_what_each_row_shows(one: InPlace, make, level: int, everywhere: bool) -> None:
    picture = make(one)
    assert (picture[25, 30] == level).all()  # hidden
    assert (picture[45, 15] == (level if everywhere else 10)).all()  # face, not hidden
    assert (picture[~one.face] == 10).all()  # beside the face


def test_blending_needs_a_mask(one: InPlace) -> None:
    with pytest.raises(ValueError, match="without a mask"):
        rows.blended(replace(one, occlusion=None))


def test_another_size_shows_the_same_part_of_the_photo(one: InPlace) -> None:
    """A point of the photo lies in the middle of the same coarse pixel."""
    projected, estimated, painted, face, occlusion = (
        np.asarray(part).repeat(2, 0).repeat(2, 1)
        for part in (one.projected, one.estimated, one.painted, one.face, one.occlusion)
    )
    alignment = Alignment(np.array([[2.0, 0, 0.5], [0, 2, 0.5]]), 112)
    crop = one.crop.repeat(2, 0).repeat(2, 1)
    larger = InPlace(crop, projected, estimated, painted, face, occlusion, alignment)
    found = common_frame(larger, one.crop)
    np.testing.assert_allclose(found.alignment.matrix, one.alignment.matrix, atol=1e-12)
    np.testing.assert_array_equal(found.face, one.face)
    np.testing.assert_array_equal(found.painted, one.painted)


def test_rows_and_where_they_come_from(methods: Methods, weights: tuple[str, str]) -> None:
    names = [row.name for row in methods.rows]
    assert names[:4] == ["none", "render", "guide", "estimated"]
    assert names[4:] == [
        "rotate-and-render",
        "cfr-gan",
        "cfr-gan, blended",
        "guide, true mask",
        "cfr-gan, true mask",
        "cfr-gan:blind",
    ]
    clear = [row.name for row in methods.rows_of(occluded=False)]
    assert [name for name in names if name not in clear] == names[7:9]
    assert methods.ours == f"cfr-gan:{weights[0]}"
    assert set(methods.weights) >= {"cfr-gan:tiny", "cfr-gan:blind"}


def test_ablations_that_are_not_there_are_rows_and_named_ones_are_errors(
    weights: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "WEIGHTS", (weights[0], "no-such-ablation"))
    found = load_methods((), None)
    assert "train_gan.py" in found.unavailable["cfr-gan:no-such-ablation"]
    with pytest.raises(DatasetUnavailable, match="no-such-ablation"):
        load_methods((weights[0], "no-such-ablation"), None)


def test_weights_of_one_name_are_refused(weights: tuple[str, str], tmp_path: Path) -> None:
    again = shutil.copy(weights[1], tmp_path)
    with pytest.raises(BadOption, match="files with different names"):
        load_methods((*weights, str(again)), None)
