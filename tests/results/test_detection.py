"""Detection rates: against a loop on real photos, and what happens where something is absent."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from results.tables.detection import Detection, compute
from results.tables.layout import to_markdown


@pytest.fixture
def two_photos(tmp_path: Path) -> Path:
    """A folder with one face, one cat, and something else."""
    from skimage import data

    (tmp_path / "photos" / "deeper").mkdir(parents=True)
    Image.fromarray(data.astronaut()[:300, 100:400]).save(tmp_path / "photos" / "a.png")
    Image.fromarray(data.chelsea()).save(tmp_path / "photos" / "deeper" / "b.JPEG")
    (tmp_path / "photos" / "notes.txt").write_text("not a photo")
    return tmp_path / "photos"


def wilson(found: int, count: int) -> list[float]:
    """Wilson's interval as its paper writes it, in %."""
    z, p = 1.959963984540054, found / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(p * (1 - p) / count + z * z / (4 * count**2))
    return [100 * (middle - half), 100 * (middle + half)]


def test_a_folder_counts_photos_with_a_face(two_photos: Path) -> None:
    pytest.importorskip("dlib")
    config = Detection(detectors=("dlib-hog",), folder=(f"mine={two_photos}",), every=0)
    record = compute(config).record
    cell = record.cell("dlib-hog", "mine")
    assert (cell.value, cell.n) == (50.0, 2)
    assert cell.interval == pytest.approx(wilson(1, 2))
    assert record.status == "without AFLW2000-3D"
    assert str(two_photos) not in record.to_json()
    assert "50.000" in to_markdown(record)


def test_rates_by_yaw_equal_a_loop(shared: Path) -> None:
    import torch
    from torchvision.ops import box_iou

    from cfr.landmarks import retinaface
    from protocols.images import read_image

    root, weights = shared / "aflw2000", shared / "networks" / "foamliu_mobilefacenet"
    config = Detection(
        detectors=("retinaface",), root=root, weights=weights, every=25, overlap=0.62
    )
    record = compute(config).record
    detector = retinaface.load(weights)
    names = (root / "AFLW2000-3D_crop.list").read_text().split()
    points = np.load(root / "labels" / "AFLW2000-3D.pts68.npy")
    yaw = np.abs(np.load(root / "labels" / "AFLW2000-3D-new.pose.npy"))
    there = [row for row, name in enumerate(names) if (root / "AFLW2000-3D" / name).is_file()]
    hits: list[list[bool]] = [[], [], []]
    for row in there[::25]:
        faces = detector(read_image(root / "AFLW2000-3D" / names[row]))
        truth = [*points[row, :2].min(1), *points[row, :2].max(1)]
        best = max(
            (
                float(box_iou(torch.from_numpy(face.box)[None], torch.tensor([truth])))
                for face in faces
            ),
            default=0.0,
        )
        hits[0 if yaw[row] <= 30 else 1 if yaw[row] <= 60 else 2].append(best >= 0.62)
    assert sum(map(sum, hits)) < 40  # so strict an overlap misses some: matching is tested
    for column, of_bin in zip(record.columns, hits, strict=True):
        cell = record.cell("retinaface", column)
        assert cell.n == len(of_bin)
        assert cell.value == pytest.approx(100 * np.mean(of_bin))
        assert cell.interval == pytest.approx(wilson(sum(of_bin), len(of_bin)))
    assert set(record.weights) == {retinaface.FILE}
    assert record.status == "every 25. of the 1,000 photos of AFLW2000-3D that are there"


def test_what_is_not_installed_is_unavailable_with_its_reason(
    two_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    config = Detection(
        detectors=("dlib", "retinaface"),
        folder=(f"mine={two_photos}",),
        weights=two_photos / "absent",
        every=0,
    )
    record = compute(config).record
    reasons = [cell.reason for cell in record.cells]
    assert {cell.origin for cell in record.cells} == {"unavailable"}
    assert "dlib is not installed" in reasons[0]
    assert "fetch.py mobilefacenet" in reasons[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": -1}, "--every -1"),
        ({"every": 0}, "--folder NAME=DIR"),
        ({"overlap": 0.0}, "--overlap 0.0"),
        ({"folder": ("masked",)}, "--folder masked: expected NAME=DIR"),
        ({"folder": ("a=x", "a=y")}, "another name"),
        ({"detectors": ()}, "at least one"),
        ({"detectors": ("dlib", "dlib")}, "each once"),
    ],
)
def test_bad_options_are_refused_before_any_work(options: dict, message: str) -> None:
    with pytest.raises(BadOption, match=message):
        Detection(**options)


def test_absent_photos_are_told(tmp_path: Path, aflw2000: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="--folder mine"):
        compute(Detection(folder=(f"mine={tmp_path / 'absent'}",), every=0))
    with pytest.raises(DatasetUnavailable, match="photo folder"):
        compute(Detection(root=aflw2000))


def test_a_bin_without_photos_is_told(shared: Path) -> None:
    with pytest.raises(BadOption, match=r"--every 900: .*30–60"):
        compute(Detection(root=shared / "aflw2000", every=900))


def test_a_broken_photo_is_named(two_photos: Path) -> None:
    pytest.importorskip("dlib")
    (two_photos / "z.jpg").write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match=r"z\.jpg"):
        compute(Detection(detectors=("dlib-hog",), folder=(f"mine={two_photos}",), every=0))
