import numpy as np
import pytest
from scipy import stats

from cfr.occluders.erasing import Erasing
from cfr.occluders.kinds import occlude
from cfr.occluders.types import Occluded


def boxes(photo: np.ndarray, points: np.ndarray, options: Erasing, draws: int) -> np.ndarray:
    """Top, left, height, width of each draw, as the mask shows them."""
    found = []
    for seed in range(draws):
        done = occlude(photo, points, "erasing", seed, options=options)
        rows, columns = np.nonzero(done.alpha)
        box = rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1
        assert set(np.unique(done.alpha)) <= {0.0, 1.0}
        assert (done.alpha == 1).sum() == box[2] * box[3]
        assert list(box) == [
            done.record.settings[name] for name in ("top", "left", "height", "width")
        ]
        found.append(box)
    return np.array(found)


def test_area_and_aspect_are_those_of_zhong(photo: np.ndarray, points: np.ndarray) -> None:
    found = boxes(photo, points, Erasing(), 600)
    area = found[:, 2] * found[:, 3] / 224**2
    aspect = found[:, 2] / found[:, 3]
    assert 0.0195 < area.min() < 0.03
    assert 0.37 < area.max() < 0.405
    assert 0.28 < aspect.min() < aspect.max() < 3.6
    # Large boxes of extreme aspect do not fit and are drawn again, as in the paper.
    rng = np.random.default_rng(0)
    share, ratio = (
        rng.uniform(0.02, 0.4, 20000),
        np.exp(rng.uniform(np.log(0.3), -np.log(0.3), 20000)),
    )
    fits = (np.sqrt(share * ratio) <= 1) & (np.sqrt(share / ratio) <= 1)
    assert float(stats.ks_2samp(area, share[fits]).pvalue) > 1e-4  # pyright: ignore
    assert float(stats.ks_2samp(np.log(aspect), np.log(ratio[fits])).pvalue) > 1e-4  # pyright: ignore


def test_crop_boxes_are_those_of_the_release(photo: np.ndarray, points: np.ndarray) -> None:
    found = boxes(photo, points, Erasing(boxes="crop", fill="flat"), 600)
    for values, low, high in zip(found.T, (67, 67, 5, 5), (156, 168, 73, 73), strict=True):
        assert low <= values.min() < low + 3
        assert high - 3 < values.max() <= high


def fill(
    photo: np.ndarray, points: np.ndarray, kind: str, seed: int = 1
) -> tuple[Occluded, np.ndarray]:
    options = Erasing(fill=kind)  # pyright: ignore
    done = occlude(photo, points, "erasing", seed, options=options)
    return done, done.image[done.alpha == 1].astype(float)


def test_fillings(photo: np.ndarray, points: np.ndarray) -> None:
    done, flat = fill(photo, points, "flat")
    assert not flat.std(0).any()
    assert flat[0] == pytest.approx(255 * np.array(done.record.settings["color"]), abs=0.51)
    done, mean = fill(photo, points, "mean")
    assert mean[0] == pytest.approx(photo[done.alpha == 1].mean(0), abs=0.51)
    _, noise = fill(photo, points, "noise")
    assert noise.std(0) == pytest.approx(np.full(3, 255 / np.sqrt(12)), rel=0.1)
    drawn = {}
    for seed in range(40):
        done, filled = fill(photo, points, "release", seed)
        settings = done.record.settings
        drawn[str(settings["fill"]), settings["noisy"]] = filled
        if settings["noisy"]:
            color = 255 * np.array(settings["color"])
            assert np.abs(filled - color).max() <= 0.25 * 255 + 0.51
            assert filled.std() > 5
    assert set(drawn) == {(name, noisy) for name in ("flat", "mean") for noisy in (0, 1)}


def test_small_photos(photo: np.ndarray, points: np.ndarray) -> None:
    for options in (Erasing(boxes="crop"), Erasing(area=(0.02, 1.0))):
        part = np.ascontiguousarray(photo[:9, :14])
        for seed in range(20):
            assert occlude(part, points, "erasing", seed, options=options).alpha.any()


def test_bad_options(photo: np.ndarray, points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="area"):
        Erasing(area=(0.0, 0.4))
    with pytest.raises(ValueError, match="aspect"):
        Erasing(aspect=(2.0, 1.0))
    options = Erasing(area=(0.9, 1.0), aspect=(5.0, 6.0))
    with pytest.raises(ValueError, match="no box of area"):
        occlude(photo, points, "erasing", 0, options=options)
