"""RAF-DB with versions: a whole root in its format; what is tested on stays as it was."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols import rafdb
from protocols.errors import BadInput, BadOption
from results.augmenting.rafdb_writer import check_numbers
from results.augmenting.running import augment_set
from results.augmenting.sets import load_set
from results.export.work import no_bar

LABELS = {"train_00001": 5, "train_00002": 1, "test_0001": 7, "train_00007": 4, "test_0002": 4}
OCCLUDED = "test_0002_aligned 3 1\r\n"


@pytest.fixture
def root(crops: Any, tmp_path: Path) -> Path:
    """Pictures of two test photos and three training photos, the last of which has no face."""
    root = tmp_path / "rafdb"
    for folder in ("basic/EmoLabel", "basic/Image/aligned", "lists"):
        (root / folder).mkdir(parents=True)
    lines = [f"{name}.jpg {label}" for name, label in LABELS.items()]
    (root / "basic/EmoLabel" / rafdb.PARTITION).write_bytes("\r\n".join(lines).encode())
    (root / "lists/challenge_rafdb_occlusion_list.txt").write_bytes(OCCLUDED.encode())
    pictures = dict(zip(LABELS, (0, 1, 3, 2, 5), strict=True))
    for name, at in pictures.items():
        path = root / "basic/Image/aligned" / f"{name}_aligned.jpg"
        path.write_bytes(crops.contents[at])
    with root.with_suffix(".csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", *(f"{axis}{i}" for i in range(1, 69) for axis in "xy")])
        for name in ("train_00001", "train_00002"):
            points = crops.points[pictures[name]] + 5.0
            rows.writerow([f"{name}_aligned.jpg", *points.ravel().tolist()])
    counts = {"train": 3, "test": 2, "occlusion": 1}
    counts |= {f"test {name}": int(name in ("neutral", "happiness")) for name in rafdb.CLASSES}
    (root / "counts.json").write_text(json.dumps({"why": "five photos", "counts": counts}))
    return root


def test_training_photos_get_versions_and_the_rest_stays(
    crops: Any, root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = augment_set(crops.options(root, out, each=2), no_bar)
    assert sum(found.record["added"].values()) == 4
    assert found.record["failures"] == {"no face": 1, "no fit": 0, "damaged": 0}
    before, after = rafdb.load(root), rafdb.load(out)
    names = after.samples.photos.names
    assert [names[at] for at in after.subsets["train"]] == [
        f"train_{number:05d}_aligned.jpg" for number in (1, 2, 7, 8, 9, 10, 11)
    ]
    assert after.labels[after.subsets["train"]].tolist() == [4, 0, 3, 4, 4, 0, 0]
    for subset in ("test", "occlusion"):
        for protocol_rows in zip(before.subsets[subset], after.subsets[subset], strict=True):
            one, other = map(int, protocol_rows)
            assert before.samples.photos.names[one] == names[other]
            assert before.samples.photos.content(one) == after.samples.photos.content(other)
            assert before.labels[one] == after.labels[other]
    assert (out / "challenge_rafdb_occlusion_list.txt").read_bytes() == OCCLUDED.encode()
    for name in ("train_00001", "train_00007"):
        path = f"Image/aligned/{name}_aligned.jpg"
        assert (out / path).read_bytes() == (root / "basic" / path).read_bytes()
    # Cut otherwise than ArcFace's crops: five pixels further right and down, as the points say.
    template = np.array(found.record["settings"]["method"]["template"])
    assert np.abs(template - np.array([38.3, 51.7]) - 5)[0].max() < 3


def test_without_its_face_a_photo_can_be_left_out(crops: Any, root: Path, tmp_path: Path) -> None:
    augment_set(crops.options(root, tmp_path / "out", missing="drop"), no_bar)
    after = rafdb.load(tmp_path / "out")
    assert len(after.subsets["train"]) == 4
    assert "train_00007_aligned.jpg" not in after.samples.photos.names


def test_what_its_format_cannot_hold_is_refused(crops: Any, root: Path, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="--to records with RAF-DB"):
        augment_set(crops.options(root, tmp_path / "out", to="records"), no_bar)
    with pytest.raises(BadOption, match="--landmarks aligned with RAF-DB"):
        augment_set(crops.options(root, tmp_path / "out", landmarks="aligned"), no_bar)
    source = load_set(root, "auto")
    check_numbers(source, 333_330)
    with pytest.raises(BadInput, match="numbers below 1,000,000 for all versions"):
        check_numbers(source, 333_331)
