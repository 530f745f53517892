"""The loaders read what was written, as the official sets, and find the truth in it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from cfr.align import ARCFACE_112, five_from_68
from protocols import aflw2000, casia, ijb_nist, ijb_release, ijba, lfw, rafdb
from protocols.errors import BadInput
from protocols.images import read_image
from protocols.photos import FolderPhotos
from results.synthetic.nist import SEEN
from results.synthetic.rafdb import NUMBER_OF
from results.synthetic.seeds import FIRST

WHY = "counts.json (made-up people, scale tiny, seed 0)"


def truth(root: Path) -> dict[str, dict[str, str]]:
    with (root / "truth.csv").open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def points(root: Path) -> dict[str, np.ndarray]:
    with (root / "points.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {row[0]: np.array(row[1:], float).reshape(68, 2) for row in rows}


def test_lfw(world: Path) -> None:
    root = world / "lfw"
    protocol = lfw.load(root)
    assert protocol.counted == WHY
    assert len(protocol.pairs) == 40
    assert protocol.pairs.fold is not None
    known, names = truth(root), protocol.samples.photos.names
    person = np.array([int(known[f"lfw-deepfunneled/{name}"]["person"]) for name in names])
    same = person[protocol.pairs.left] == person[protocol.pairs.right]
    np.testing.assert_array_equal(same, protocol.pairs.genuine)
    for fold in range(10):
        inside = protocol.pairs.fold == fold
        ours = {*person[protocol.pairs.left[inside]], *person[protocol.pairs.right[inside]]}
        theirs = {*person[protocol.pairs.left[~inside]], *person[protocol.pairs.right[~inside]]}
        assert not ours & theirs
    assert protocol.samples.photos.read(0).shape == (250, 250, 3)
    yaws = [abs(float(row["yaw_degrees"])) for row in known.values()]
    assert np.mean(np.array(yaws) < 25) > 0.9


def test_ijba(world: Path) -> None:
    root = world / "ijba"
    known, at = truth(root), points(root)
    for protocol in ijba.load_verification(root, (1, 10)):
        assert protocol.counted == WHY
        assert len(protocol.samples) == len(set(protocol.samples.photos.names))
        assert protocol.samples.boxes is not None
        assert protocol.samples.landmarks is not None
        for name, box, marks in zip(
            protocol.samples.photos.names,
            protocol.samples.boxes,
            protocol.samples.landmarks,
            strict=True,
        ):
            own, row = at[f"images/{name}"], known[f"images/{name}"]
            x, y, width, height = box.tolist()
            assert x <= own[:, 0].min() < own[:, 0].max() <= x + width + 0.01
            assert y <= own[:, 1].min() < own[:, 1].max() <= y + height + 0.01
            yaw = float(row["yaw_degrees"])
            five = five_from_68(own)
            np.testing.assert_allclose(marks[2], five[2], atol=1e-2)
            blank = np.isnan(marks[:2]).all(1)
            hidden = [yaw < -SEEN, yaw > SEEN]
            np.testing.assert_array_equal(blank, hidden)
            np.testing.assert_allclose(marks[:2][~blank], five[:2][~blank], atol=1e-2)
    for one in ijba.load_identification(root, (1, 10)):
        (gallery,), (probes,) = one.galleries.values(), one.probes.values()
        subjects = one.templates.subjects
        assert set(subjects[gallery]) < set(subjects[probes])
        shared = media_of(one.templates, gallery) & media_of(one.templates, probes)
        assert not shared


def media_of(templates: object, chosen: np.ndarray) -> set[int]:
    within = np.isin(templates.template, chosen)  # pyright: ignore[reportAttributeAccessIssue]
    return set(templates.media[within].tolist())  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("dataset", ["IJB-B", "IJB-C"])
def test_ijbb_and_ijbc_in_both_layouts(world: Path, dataset) -> None:
    root = world / dataset.replace("-", "").lower()
    released = ijb_release.load_verification(root, dataset)
    nist = ijb_nist.load_verification(root, dataset)
    assert released.counted == nist.counted == WHY
    for one in (released, nist):
        assert "lacking" not in one.rule
        assert "again" not in one.rule
    for name in ("left", "right", "genuine"):
        np.testing.assert_array_equal(getattr(released.pairs, name), getattr(nist.pairs, name))
    np.testing.assert_array_equal(released.templates.subjects, nist.templates.subjects)
    assert (~released.pairs.genuine).sum() == 30
    assert np.bincount(nist.templates.media).max() > 1  # frames of a video
    released_1n = ijb_release.load_identification(root, dataset)
    nist_1n = ijb_nist.load_identification(root, dataset)
    for gallery in released_1n.galleries:
        np.testing.assert_array_equal(released_1n.galleries[gallery], nist_1n.galleries[gallery])
        held = media_of(nist_1n.templates, nist_1n.galleries[gallery])
        assert not held & media_of(nist_1n.templates, nist_1n.probes[gallery])
    first, second = (set(nist_1n.templates.subjects[one]) for one in nist_1n.galleries.values())
    assert not first & second
    samples = released.samples
    assert samples.landmarks is not None
    assert samples.scores is not None
    crop = samples.photos.read(0)
    height, width = crop.shape[:2]
    middle = samples.landmarks[0].mean(0)
    assert (np.array((0.2, 0.2)) < middle / (width, height)).all()
    assert (middle / (width, height) < np.array((0.8, 0.8))).all()
    assert 0 < samples.scores.min() <= samples.scores.max() <= 1


def test_rafdb(world: Path) -> None:
    root = world / "rafdb"
    protocol = rafdb.load(root)
    assert protocol.counted == WHY
    known, names = truth(root), protocol.samples.photos.names
    rows = [known[f"Image/aligned/{name}"] for name in names]
    said = [protocol.classes[label] for label in protocol.labels]
    assert said == [row["expression"] for row in rows]
    test = set(protocol.subsets["test"].tolist())
    hidden = {at for at in test if rows[at]["occluder"] != "none"}
    assert set(protocol.subsets["occlusion"].tolist()) == hidden
    for degrees in (30, 45):
        turned = {at for at in test if abs(float(rows[at]["yaw_degrees"])) > degrees}
        assert set(protocol.subsets[f"pose > {degrees}°"].tolist()) == turned
    with (root / "rafdb_occlusion_list.txt").open("rb") as file:
        for line in file.read().decode().splitlines(keepends=True):
            assert line.endswith("\r\n")
            name, _, kind = line.split()
            assert int(kind) == NUMBER_OF[known[f"Image/aligned/{name}.jpg"]["occluder"]]


def test_aflw2000(world: Path) -> None:
    root = world / "aflw2000"
    protocol = aflw2000.load_folder(root, subset=root / "subset.txt")
    sizes = {name: len(one) for name, one in protocol.subsets.items()}
    assert sizes == {"0–30": 6, "30–60": 2, "60–90": 1}
    at = points(root)
    for name, marks in zip(protocol.images, protocol.landmarks, strict=True):
        np.testing.assert_allclose(marks, at[f"AFLW2000-3D/{name}.jpg"], atol=2e-3)
        assert read_image(root / f"AFLW2000-3D/{name}.jpg").shape == (450, 450, 3)


def test_aflw2000s_pose_is_that_of_its_points(world: Path) -> None:
    """Pose_Para as :func:`results.tables.fit_accuracy.pose_rotation` reads it turns the truth."""
    from scipy.spatial.transform import Rotation

    from results.tables.fit_accuracy import published_angles

    root = world / "aflw2000"
    protocol = aflw2000.load_folder(root, subset=root / "subset.txt")
    assert protocol.pose is not None
    for name, pose in zip(protocol.images, protocol.pose, strict=True):
        row = truth(root)[f"AFLW2000-3D/{name}.jpg"]
        pitch, yaw, roll = (float(row[f"{one}_degrees"]) for one in ("pitch", "yaw", "roll"))
        ours = Rotation.from_euler("ZYX", (roll, yaw, pitch), degrees=True).as_matrix()
        np.testing.assert_allclose(published_angles(ours[None])[0], pose, atol=1e-4)


def test_casia_as_records_and_as_folders(world: Path) -> None:
    root = world / "casia"
    packed, folders = (casia.load(root, layout=one) for one in ("records", "folders"))
    assert packed.counted == folders.counted == WHY
    np.testing.assert_array_equal(packed.labels, folders.labels)
    assert isinstance(folders.photos, FolderPhotos)
    for at in range(len(packed.labels)):
        assert packed.photos.content(at) == folders.photos.content(at)
    assert packed.photos.read(0).shape == (112, 112, 3)
    five = np.stack([five_from_68(one) for one in points(root).values()])
    frontal = [abs(float(row["yaw_degrees"])) < 15 for row in truth(root).values()]
    assert np.abs(five[frontal] - ARCFACE_112).max() < 8


def test_scores_on_it_are_not_called_real(world: Path, tmp_path: Path) -> None:
    """From the loader to the cells of a record."""
    from results.loading import Source
    from results.tables.scores import Score, compute

    count = len(lfw.load(world / "lfw").samples)
    embeddings = tmp_path / "random.npy"
    np.save(embeddings, np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32))
    source = Source("lfw", root=world / "lfw")
    result = compute(Score(source, embeddings=(f"random={embeddings}",)))
    origins = {cell.origin for cell in result.record.cells}
    assert origins == {"measured on the synthetic world", "unavailable"}


def test_points_are_a_sidecar(world: Path) -> None:
    from cfr.landmarks.sources import load_landmarker

    find = load_landmarker("sidecar", world / "lfw" / "points.csv")
    name, expected = next(iter(points(world / "lfw").items()))
    path = world / "lfw" / name
    (found,) = find(read_image(path), path)
    assert found.points is not None
    np.testing.assert_allclose(found.points, expected)


def test_everybody_is_in_one_part_alone(world: Path) -> None:
    about = json.loads((world / "synthetic.json").read_text())
    assert (about["scale"], about["seed"]) == ("tiny", 0)
    people: dict[str, set[int]] = {}
    occluders: dict[str, set[int]] = {"training": set(), "tests": set()}
    for name in about["sets"]:
        for file, row in truth(world / name).items():
            part = f"rafdb {'train' if 'train_' in file else 'test'}" if name == "rafdb" else name
            people.setdefault(part, set()).add(int(row["person"]))
            if row["occluder_seed"]:
                learns = part in ("casia", "rafdb train")
                occluders["training" if learns else "tests"].add(int(row["occluder_seed"]))
    assert len(people) == 8
    assert sum(map(len, people.values())) == len(set().union(*people.values()))
    assert min(min(one) for one in people.values()) >= FIRST
    assert occluders["training"]
    assert occluders["tests"]
    assert not occluders["training"] & occluders["tests"]


def test_a_count_that_does_not_fit_is_an_error(world: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "lfw"
    shutil.copytree(world / "lfw", root)
    counts = json.loads((root / "counts.json").read_text())
    counts["counts"]["pairs"] += 1
    (root / "counts.json").write_text(json.dumps(counts))
    with pytest.raises(BadInput, match="number of pairs"):
        lfw.load(root)


def test_each_set_has_a_sheet(world: Path) -> None:
    for name in ("casia", "rafdb", "lfw", "ijba", "ijbb", "ijbc", "aflw2000"):
        assert read_image(world / "sheets" / f"{name}.png").std() > 20
        assert not (world / name / ".work").exists()
