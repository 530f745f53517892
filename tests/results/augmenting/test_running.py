"""A set with versions: the same bytes however it was made, in every format, and nothing silent."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cfr.align import ARCFACE_112
from cfr.frontalizers.poses import Pose
from protocols import casia
from protocols.errors import BadInput, BadOption
from protocols.images import decode_image, read_image
from recognizers.templates import arcface
from results.augmenting import assembling
from results.augmenting.about import ABOUT, WORK
from results.augmenting.making import FaceToTurn, Turn, Turned
from results.augmenting.orders import AugmentOrder, turner
from results.augmenting.running import augment_set
from results.augmenting.versions import draw_versions
from results.export.faces import cut, restored_points
from results.export.work import no_bar

LABELS = (0, 0, 0, 1, 1, 2)


class Killed(BaseException):
    """What no code catches."""


def files(out: Path) -> dict[str, bytes]:
    found = (one for one in out.rglob("*") if one.is_file() and one.name != ".lock")
    return {one.relative_to(out).as_posix(): one.read_bytes() for one in found}


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.fixture(scope="module")
def made(crops: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A set in folders, and what became of it in one process without an interruption."""
    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("results.augmenting.running.PICTURES_A_PART", 2)
        dataset = crops.folders(root / "set")
        options = crops.options(dataset, root / "out", deoccluded=0.25, pitch=(-10.0, 10.0))
        augment_set(options, no_bar)
    return dataset, root / "out"


def test_versions_stand_beside_their_pictures(made: tuple[Path, Path]) -> None:
    dataset, out = made
    before, after = casia.load_folders(dataset, "set"), casia.load_folders(out, "out")
    assert after.identities == before.identities
    assert after.counted.startswith("counts.json (6 pictures with versions by cfr-gan")
    assert len(after.labels) == 6 + 4
    for name in before.photos.names:
        assert (out / name).read_bytes() == (dataset / name).read_bytes()
    versions = rows(out / "versions.csv")
    assert [row[1] for row in versions] == ["p0/0.jpg", "p0/1.jpg", "p1/3.jpg", "p2/5.jpg"]
    assert {row[2] for row in versions} >= {"turned", "frontal"}
    for name, source, *_ in versions:
        assert Path(name).parent == Path(source).parent
        assert read_image(out / name).shape == (112, 112, 3)
        assert not np.array_equal(read_image(out / name), read_image(out / source))
    failures = rows(out / "failures.csv")
    assert [row[:2] for row in failures] == [["p0/2.jpg", "no face"], ["p1/4.jpg", "no fit"]]
    assert "the fit misses the points by" in failures[1][2]
    assert not (out / WORK).exists()
    assert read_image(out / "sheet.png").shape[1] > 300


def test_a_version_is_what_the_frontalizer_makes_in_the_sets_alignment(
    crops: Any, made: tuple[Path, Path]
) -> None:
    """The restored face's own five points, taken along by its cut, lie as ArcFace wants them."""
    _, out = made
    points = tuple((x, y) for x, y in ARCFACE_112.tolist())
    order = AugmentOrder("cfr-gan", crops.weights, False, "builtin", points, 4.0, 95, True, "cpu")
    for name, source, kind, yaw, pitch in rows(out / "versions.csv"):
        if kind == "deoccluded":
            continue
        at = int(Path(source).stem)
        pose = Pose(np.radians(float(yaw)), np.radians(float(pitch)) if pitch else None)
        photo = read_image(out / source)
        (one,) = turner(order).restore_many([photo], [crops.points[at]], [pose])
        assert one.covered is not None
        image = np.where(one.covered[..., None], one.image, np.uint8(0))
        crop, five = cut(image, restored_points(one.points), arcface(112), smooth=True)
        assert np.linalg.norm(five - ARCFACE_112, axis=1).mean() < 4
        assert np.abs(crop.astype(int) - read_image(out / name)).mean() < 6


def test_a_killed_run_goes_on_to_the_same_bytes_in_any_number_of_processes(
    crops: Any, made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two parts, then while the set is written."""
    dataset, whole = made
    options = {"deoccluded": 0.25, "pitch": (-10.0, 10.0)}
    config = crops.options(dataset, tmp_path / "out", **options)
    call, calls = Turn.__call__, []

    def once(self: Turn, block: Sequence[FaceToTurn]) -> list[Turned]:
        calls.append(len(block))
        if len(calls) > 1:
            raise Killed
        return call(self, block)

    with monkeypatch.context() as patch:
        patch.setattr(Turn, "__call__", once)
        with pytest.raises(Killed):
            augment_set(config, no_bar)
    assert [one.name for one in sorted((tmp_path / "out" / WORK).glob("part-*"))] == [
        "part-000000.zip"
    ]
    added, add = [], assembling.ToFolders.add

    def stopped(self: assembling.ToFolders, entry: assembling.Entry) -> list[str]:
        added.append(entry.at)
        if len(added) > 3:
            raise Killed
        return add(self, entry)

    again = crops.options(dataset, tmp_path / "out", **options, jobs=2)
    with monkeypatch.context() as patch:
        patch.setattr(assembling.ToFolders, "add", stopped)
        with pytest.raises(Killed):
            augment_set(again, no_bar)
    with pytest.raises(BadInput, match=r"counts\.json says"):
        casia.load_folders(tmp_path / "out", "half a set")
    end = augment_set(again, no_bar)
    assert end.made == 0
    assert files(tmp_path / "out") == files(whole)
    assert augment_set(again, no_bar).record == end.record  # finished: nothing is done again
    assert files(tmp_path / "out") == files(whole)


def test_records_hold_what_folders_hold(crops: Any, tmp_path: Path) -> None:
    """From either to either, labels in order, and the same versions under the same seed."""
    dataset = crops.records(tmp_path / "packed")
    for to in ("same", "folders"):
        augment_set(crops.options(dataset, tmp_path / to, to=to), no_bar)
    packed = casia.load_records(tmp_path / "same", "packed")
    opened = casia.load_folders(tmp_path / "folders", "opened")
    assert packed.labels.tolist() == opened.labels.tolist()
    assert len(packed.labels) == 10
    for label in range(3):
        one, other = (
            sorted(faces.photos.content(int(at)) for at in np.flatnonzero(faces.labels == label))
            for faces in (packed, opened)
        )
        assert one == other
    assert packed.photos.content(0) == crops.contents[0]
    assert packed.rule == "train.rec (RecordIO, 112 × 112 pixels)"
    versions = rows(tmp_path / "same" / "versions.csv")
    assert [row[:2] for row in versions[:2]] == [
        ["record 2", "record 1"],
        ["record 4", "record 2"],
    ]


@pytest.mark.parametrize("method", ["render", "rotate-and-render"])
def test_other_methods(crops: Any, tmp_path: Path, method: str) -> None:
    dataset = crops.folders(tmp_path / "set")
    options = crops.options(
        dataset, tmp_path / "out", method=method, weights=None, yaws=(-20.0, 20.0), frontal=0.0
    )
    found = augment_set(options, no_bar)
    assert found.record["added"] == {"turned": 4}
    assert {row[3] for row in rows(tmp_path / "out" / "versions.csv")} <= {"-20", "20"}
    assert any("4 added: 4 turned" in line for line in found.sentences())


def test_what_has_no_face_is_dropped_or_an_error(crops: Any, tmp_path: Path) -> None:
    dataset = crops.folders(tmp_path / "set")
    found = augment_set(
        crops.options(dataset, tmp_path / "out", method="render", weights=None, missing="drop"),
        no_bar,
    )
    assert (found.record["pictures"], found.record["kept"]) == (6, 4)
    assert found.record["failures"] == {"no face": 1, "no fit": 1, "damaged": 0}
    assert not (tmp_path / "out" / "p0" / "2.jpg").exists()
    assert not (tmp_path / "out" / "p1" / "4.jpg").exists()
    assert len(casia.load_folders(tmp_path / "out", "out").labels) == 8
    with pytest.raises(BadInput, match=r"p0/2\.jpg: expected a face .*found none by sidecar"):
        augment_set(crops.options(dataset, tmp_path / "error", missing="error"), no_bar)
    (dataset / "p0/2.jpg").unlink()
    with pytest.raises(BadInput, match=r"p1/4\.jpg: expected a face .*the fit misses"):
        augment_set(crops.options(dataset, tmp_path / "more", missing="error"), no_bar)
    (dataset / "p1/3.jpg").unlink()
    with pytest.raises(BadInput, match="identity p1: expected a picture that is not left out"):
        augment_set(crops.options(dataset, tmp_path / "gone", missing="drop"), no_bar)


def test_a_damaged_picture_is_an_error_or_left_out(crops: Any, tmp_path: Path) -> None:
    dataset = crops.records(tmp_path / "packed")
    content = bytearray((dataset / "train.rec").read_bytes())
    start = content.index(crops.contents[1])
    content[start : start + 200] = bytes(200)
    (dataset / "train.rec").write_bytes(content)
    options = {"method": "render", "weights": None}
    with pytest.raises(BadInput, match=r"train\.rec, record 2: expected a picture"):
        augment_set(crops.options(dataset, tmp_path / "error", **options), no_bar)
    found = augment_set(crops.options(dataset, tmp_path / "o", damaged="drop", **options), no_bar)
    assert found.record["failures"] == {"no face": 1, "no fit": 1, "damaged": 1}
    faces = casia.load_records(tmp_path / "o", "o")
    assert len(faces.labels) == 5 + 3
    for at in range(len(faces.labels)):
        decode_image(faces.photos.content(at), tmp_path / "o")
    (dataset / "train.rec").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInput, match=r"train\.rec, record"):
        augment_set(crops.options(dataset, tmp_path / "cut", **options), no_bar)


def test_a_folder_is_of_one_set(crops: Any, made: tuple[Path, Path], tmp_path: Path) -> None:
    dataset, out = made
    with pytest.raises(BadInput, match=r"poses, frontal 0\.5 before, 0\.1 now; seed 3 before"):
        augment_set(
            crops.options(dataset, out, deoccluded=0.25, pitch=(-10.0, 10.0), frontal=0.1, seed=4),
            no_bar,
        )
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"an empty folder, or a set .* found thesis\.txt"):
        augment_set(crops.options(dataset, tmp_path), no_bar)
    with pytest.raises(BadOption, match="a folder that is not within the data set"):
        crops.options(dataset, dataset / "p0" / "out")
    with pytest.raises(BadInput, match="called like a version"):
        augment_set(crops.options(out, tmp_path / "twice"), no_bar)


def test_a_picture_that_changed_meanwhile_is_refused(
    crops: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = crops.folders(tmp_path / "set")
    config = crops.options(dataset, tmp_path / "out", method="render", weights=None)

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(assembling.Assembly, "write", killed)
        with pytest.raises(Killed):
            augment_set(config, no_bar)
    path = dataset / "p0/0.jpg"
    path.write_bytes(path.read_bytes()[:-2] + b"\xff\xd8")
    with pytest.raises(BadInput, match=r"p0/0\.jpg: expected the picture that versions were made"):
        augment_set(config, no_bar)
    part = tmp_path / "out" / WORK / "part-000001.zip"
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(BadInput, match="expected a whole part; delete it"):
        augment_set(config, no_bar)


def test_crops_of_another_alignment_are_refused(crops: Any, tmp_path: Path) -> None:
    dataset = crops.folders(tmp_path / "set")
    away = [None if one is None else one + 9.0 for one in crops.points]
    names = [f"p{label}/{at}.jpg" for at, label in enumerate(LABELS)]
    type(crops)(crops.contents, tuple(away), crops.root).write_points(dataset, names)
    config = crops.options(dataset, tmp_path / "out", method="render", weights=None)
    with pytest.raises(BadInput, match=r"faces cut as ArcFace wants them.* found 1\d\.\d pixels"):
        augment_set(config, no_bar)
    measured = crops.options(
        dataset, tmp_path / "out", method="render", weights=None, alignment="measured"
    )
    found = augment_set(measured, no_bar).record
    template = np.array(found["settings"]["method"]["template"])
    assert np.abs(template - ARCFACE_112 - 9).max() < 4


def test_nobody_to_turn_is_an_error(crops: Any, tmp_path: Path) -> None:
    dataset = crops.folders(tmp_path / "set")
    seed = next(s for s in range(99) if not any(drawn(crops, dataset, s)))
    config = crops.options(dataset, tmp_path / "out", share=0.01, seed=seed)
    with pytest.raises(BadInput, match="expected a face to turn, found none was drawn"):
        augment_set(config, no_bar)
    assert not (tmp_path / "out" / ABOUT).exists()


def drawn(crops: Any, dataset: Path, seed: int) -> list[tuple]:
    poses = crops.options(dataset, dataset.parent / "x", share=0.01).poses
    return [draw_versions(poses, seed, at) for at in range(len(LABELS))]
