"""Pictures keep their content, shrink together to a budget, and are named when left out."""

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from protocols.images import save_image
from results.report import pictures
from results.report.pictures import Embedded, embed_all


def decoded(one: Embedded) -> np.ndarray:
    kind, content = one.uri.split(",")
    assert kind == "data:image/webp;base64"
    image = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def noise(seed: int, side: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_curves_lose_nothing(tmp_path: Path) -> None:
    image = np.full((60, 90, 3), 255, np.uint8)
    cv2.line(image, (5, 50), (80, 8), (0, 114, 178), 1, cv2.LINE_AA)
    save_image(tmp_path / "curve.png", image)
    found = embed_all([tmp_path / "curve.png"]).pictures[tmp_path / "curve.png"]
    assert (found.width, found.height) == (90, 60)
    assert (decoded(found) == image).all()


def test_photos_become_smaller_and_stay_alike(tmp_path: Path) -> None:
    y, x = np.mgrid[:400, :2000]
    smooth = np.stack([x / 8, y / 2, (x + y) / 10], axis=-1)
    image = (smooth + np.random.default_rng(0).normal(0, 3, smooth.shape)).clip(0, 255)
    save_image(tmp_path / "photo.png", image.astype(np.uint8))
    found = embed_all([tmp_path / "photo.png"]).pictures[tmp_path / "photo.png"]
    assert (found.width, found.height) == (1600, 320)
    assert len(found.uri) < (tmp_path / "photo.png").stat().st_size / 4
    expected = cv2.resize(image.astype(np.uint8), (1600, 320), interpolation=cv2.INTER_AREA)
    assert np.abs(decoded(found).astype(int) - expected).mean() < 3


def test_a_budget_shrinks_all_and_then_leaves_out_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "SIDES", (128, 64))
    paths = [tmp_path / f"{at}.png" for at in range(3)]
    for at, path in enumerate(paths):
        save_image(path, noise(at, 100))
    whole = embed_all(paths)
    assert {one.width for one in whole.pictures.values()} == {100}
    size = sum(len(one.uri) for one in whole.pictures.values()) * 3 // 4
    smaller = embed_all(paths, budget=size - 1000)
    assert {one.width for one in smaller.pictures.values()} == {64}
    assert smaller.problems == ()
    least = sum(len(one.uri) for one in smaller.pictures.values()) * 3 // 4
    cut = embed_all(paths, budget=least - 1000)
    assert list(cut.pictures) == paths[:2]
    assert cut.problems == (
        f"Left out, so that the page stays small enough to open: {tmp_path.name}/2.png.",
    )


def test_a_damaged_picture_is_named_and_a_file_is_taken_once(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    save_image(good, noise(0, 8))
    bad.write_bytes(good.read_bytes()[:40])
    album = embed_all([bad, good, good])
    assert list(album.pictures) == [good]
    assert len(album.problems) == 1
    assert "bad.png" in album.problems[0]
