"""Table 4 from models: against loops written here, on a small copy of AFLW2000-3D's folder."""

import hashlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cfr.align import align_deep3d, five_from_68
from cfr.landmarks.face import FoundFace
from cfr.morphable.model import MorphableModel
from cfr.morphable.sources import load_model
from cfr.occluders.kinds import occlude
from cfr.regressor.landmarks import points_in_photos
from cfr.regressor.network import MINI, build
from cfr.regressor.weights import load, save
from protocols.aflw2000 import load as load_labels
from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.images import read_image
from results.cache.store import Cache
from results.paper import BASELINE
from results.publish import write
from results.record import RunRecord
from results.tables import table4_running
from results.tables.result import Result
from results.tables.table4 import Table4, compute
from results.tables.table4_crops import FaceFinder, View, crop_of_face, judged
from results.tables.table4_methods import FITTED_TO_FIVE, IN_CROP, OfTddfa
from results.tables.table4_photos import LabelledPhotos
from results.tables.table4_words import printed

SIDE = 200


@pytest.fixture(scope="module")
def builtin() -> MorphableModel:
    return load_model("builtin")


@pytest.fixture(scope="module")
def root(
    tmp_path_factory: pytest.TempPathFactory, aflw2000_arrays: dict, builtin: MorphableModel
) -> Path:
    """Labels of 2,000 turned mean faces, and twelve photos: a real face, and noise."""
    from skimage import data

    folder = tmp_path_factory.mktemp("aflw2000")
    rng = np.random.default_rng(4)
    mean = builtin.mean_shape[builtin.landmarks].double().numpy()
    yaw = np.radians(rng.uniform(-60, 60, 2000))
    x = np.cos(yaw)[:, None] * mean[:, 0] + np.sin(yaw)[:, None] * mean[:, 2]
    points = np.stack((100 + 45 * x, np.tile(105 - 45 * mean[:, 1], (2000, 1))), 1)
    points = (points + rng.normal(0, 1, points.shape)).astype(np.float32)
    arrays = dict(aflw2000_arrays)
    arrays["labels/AFLW2000-3D.pts68.npy"] = np.concatenate((points, points[:, :1]), 1)
    arrays["labels/AFLW2000-3D-Reannotated.pts68.npy"] = points + np.float32(1.5)
    for path, array in arrays.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / path, array)
    names = [f"image{2 * index + 2:05d}" for index in range(2000)]
    (folder / "AFLW2000-3D_crop.list").write_text("\n".join(f"{one}.jpg" for one in names))
    size = np.abs(arrays["labels/AFLW2000-3D-new.pose.npy"])
    bins = [np.flatnonzero((low < size) & (size <= high)) for low, high in
            ((-1, 30), (30, 60), (60, 999))]  # fmt: skip
    chosen = sorted(int(row) for rows in bins for row in rows[:4])
    (folder / "AFLW2000-3D").mkdir()
    face = Image.fromarray(data.astronaut()).resize((369, 369))
    face = face.crop((62, -17, 62 + SIDE, SIDE - 17))  # where the labels are
    for index, row in enumerate(chosen):
        noise = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        picture = face if not index else Image.fromarray(noise)
        picture.save(folder / "AFLW2000-3D" / f"{names[row]}.jpg", quality=95)
    (folder / "twelve.txt").write_text("\n".join(names[row] for row in chosen))
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, builtin: MorphableModel) -> list[Path]:
    """Two regressors with random weights whose faces stay near the crop's middle."""
    paths = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        net = build(MINI, builtin.layout(), size=112)
        for one in net.heads.parameters():
            torch.nn.init.normal_(one, 0, 0.002)
        paths.append(tmp_path_factory.mktemp("weights") / f"r{seed}.safetensors")
        save(paths[-1], net, {"data": "none"})
    return paths


@pytest.fixture(scope="module")
def options(root: Path, weights: list[Path]) -> Table4:
    return Table4(
        source="models",
        root=root,
        subset=root / "twelve.txt",
        regressor=(f"first={weights[0]}", f"second={weights[1]}"),
        others=("controls",),
        resamples=200,
    )


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def whole(options: Table4, artifacts: Path) -> Result:
    """The table by these options."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFR_ARTIFACTS", str(artifacts))
        return compute(options)


@pytest.fixture
def config(options: Table4, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table4:
    """The same options, for a test that computes something itself."""
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("CFR_DATA", str(tmp_path / "no-data"))
    return options


def labels(root: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, 68 points and the bin of the twelve, read here."""
    names = (root / "AFLW2000-3D_crop.list").read_text().replace(".jpg", "").split()
    rows = [names.index(one) for one in (root / "twelve.txt").read_text().split()]
    points = np.load(root / "labels/AFLW2000-3D.pts68.npy")[rows, :2].astype(float)
    yaw = np.abs(np.load(root / "labels/AFLW2000-3D-new.pose.npy")[rows])
    bins = np.array([0 if one <= 30 else 1 if one <= 60 else 2 for one in yaw])
    return [names[row] for row in rows], points.transpose(0, 2, 1), bins


def columns_of(points: np.ndarray, truth: np.ndarray, bins: np.ndarray) -> list[float]:
    """Bin means, their mean, spread, and the mean of images, in plain loops."""
    errors = []
    for found, right in zip(points, truth, strict=True):
        size = math.sqrt(np.ptp(right[:, 0]) * np.ptp(right[:, 1]))
        apart = [math.dist(a, b) for a, b in zip(found.tolist(), right.tolist(), strict=True)]
        errors.append(100 * sum(apart) / 68 / size)
    means = [float(np.mean([e for e, b in zip(errors, bins, strict=True) if b == k]))
             for k in range(3)]  # fmt: skip
    mean = sum(means) / 3
    spread = math.sqrt(sum((one - mean) ** 2 for one in means) / 3)
    return [*means, mean, spread, sum(errors) / len(errors)]


def row(record: RunRecord, name: str) -> list[float | None]:
    return [record.cell(name, column).value for column in record.columns]


def drawn_lines(record: RunRecord, artifacts: Path) -> list[dict]:
    (name,) = (one for one in record.inputs if one.startswith("table4-hands/"))
    content = (artifacts / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == record.inputs[name]
    return [json.loads(line) for line in content.splitlines()]


def test_regressors_equal_a_loop_on_both_kinds_of_photos(
    whole: Result, root: Path, weights: list[Path], builtin: MorphableModel
) -> None:
    record = whole.record
    names, truth, bins = labels(root)
    for name, path in zip(("first", "second"), weights, strict=True):
        net = load(path, builtin.layout())
        for kind in ("", ", occluded"):
            points = []
            for image, right in zip(names, truth, strict=True):
                photo = read_image(root / "AFLW2000-3D" / f"{image}.jpg")
                if kind:
                    digits = hashlib.sha256(f"0 {image}".encode()).hexdigest()[:12]
                    photo = occlude(photo, right, "hand", int(digits, 16)).image
                crop = align_deep3d(five_from_68(right), 112)
                points.append(points_in_photos(net, builtin, [photo], [crop])[0])
            expected = columns_of(np.stack(points), truth, bins)
            assert row(record, name + kind) == pytest.approx(expected, abs=1e-3)
    assert row(record, "first") != row(record, "first, occluded")
    assert {cell.origin for cell in record.cells} == {"measured on real data"}
    assert all(cell.paper is None for cell in record.cells)
    assert record.weights == {
        f"{name}: {path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in zip(("first", "second"), weights, strict=True)
    }


def test_controls_equal_brute_force(whole: Result, root: Path, builtin: MorphableModel) -> None:
    record = whole.record
    _, truth, bins = labels(root)
    mean = builtin.mean_shape[builtin.landmarks].double().numpy()
    depth = 10 - mean[:, 2]
    shown = np.stack((111.5 + 1015 * mean[:, 0] / depth, 111.5 - 1015 * mean[:, 1] / depth), 1)
    in_crop, fitted = [], []
    for right in truth:
        crop = align_deep3d(five_from_68(right))
        in_crop.append((shown - crop.matrix[:, 2]) / crop.matrix[0, 0])
        five = np.stack([(mean[36] + mean[39]) / 2, (mean[42] + mean[45]) / 2, *mean[[30, 48, 54]]])
        goal = np.stack(
            [(right[36] + right[39]) / 2, (right[42] + right[45]) / 2, *right[[30, 48, 54]]]
        )
        one = np.column_stack((five, np.ones(5)))
        solved = np.linalg.solve(one.T @ one, one.T @ goal)  # normal equations
        fitted.append(np.column_stack((mean, np.ones(68))) @ solved)
    assert row(record, IN_CROP) == pytest.approx(columns_of(np.stack(in_crop), truth, bins))
    assert row(record, f"{IN_CROP}, occluded") == row(record, IN_CROP)
    assert row(record, FITTED_TO_FIVE) == pytest.approx(columns_of(np.stack(fitted), truth, bins))
    assert f"{FITTED_TO_FIVE}, occluded" not in record.rows
    # The mean face itself was turned to make these labels: only their noise is left.
    assert (record.cell(FITTED_TO_FIVE, "Mean").value or 9) < 4


def test_hands_can_be_drawn_again(
    whole: Result, artifacts: Path, config: Table4, root: Path, tmp_path: Path
) -> None:
    names, truth, _ = labels(root)
    lines = drawn_lines(whole.record, artifacts)
    assert [one["image"] for one in lines] == names
    for line, right in zip(lines, truth, strict=True):
        photo = read_image(root / "AFLW2000-3D" / f"{line['image']}.jpg")
        again = occlude(photo, right, line["kind"], line["seed"])
        assert hashlib.sha256(again.image.tobytes()).hexdigest() == line["sha256"]
        assert again.record.settings == line["settings"]
        assert line["options"]["style"] == "flat"
        assert not np.array_equal(again.image, photo)
    assert len({one["seed"] for one in lines}) == 12
    other = compute(replace(config, seed=1)).record
    assert all(
        a["sha256"] != b["sha256"]
        for a, b in zip(lines, drawn_lines(other, tmp_path / "artifacts"), strict=True)
    )


def test_a_detector_that_finds_nothing_is_counted(
    config: Table4, whole: Result, artifacts: Path, root: Path
) -> None:
    """dlib finds nothing in noise: the whole photo is the crop. What is kept is of other crops."""
    pytest.importorskip("dlib")
    detected = replace(config, crop="detected", detector="dlib-hog", cache=artifacts / "cache")
    record = compute(detected).record
    assert "crops by five points of dlib-hog, on the photo that the method sees" in record.rule
    assert record.config["crop"] == "detected"
    told = [note for note in record.notes if note.startswith("dlib-hog, original photos")]
    assert "found in 1, no face in 11, another face in 0 " in told[0]
    names, truth, bins = labels(root)
    model = load_model("builtin")
    mean = model.mean_shape[model.landmarks].double().numpy()
    depth = 10 - mean[:, 2]
    # A photo of 200 pixels fills the crop's 224, outer edges on outer edges.
    shown = np.stack((112 + 1015 * mean[:, 0] / depth, 112 - 1015 * mean[:, 1] / depth), 1)
    filling = np.tile(shown * SIDE / 224 - 0.5, (12, 1, 1))
    expected = columns_of(filling, truth, bins)
    assert names[0] not in names[1:]
    for column, value, bin_index in zip(record.columns[:3], expected, range(3), strict=False):
        if bins[0] != bin_index:  # the bins without the photo in which a face may be found
            assert record.cell(IN_CROP, column).value == pytest.approx(value)
    by_labels = whole.record
    assert "crops by five original labelled points" in by_labels.rule
    assert row(by_labels, IN_CROP) != row(record, IN_CROP)


def test_the_fit_of_dlibs_points_equals_a_loop(
    config: Table4, root: Path, builtin: MorphableModel
) -> None:
    """In the found face, or in the whole photo, with a contour that slides."""
    pytest.importorskip("dlib")
    from cfr.camera import Camera
    from cfr.fit import FitSettings, fit_points
    from cfr.landmarks import with_dlib
    from cfr.mesh import reconstruct

    asked = replace(
        config, regressor=("none=no",), others=("fit",), detector="dlib-hog", fit_points="dlib"
    )
    record = compute(asked).record
    landmarker, fitted, found = with_dlib.load_hog(), [], 0
    names, truth, bins = labels(root)
    for name, right in zip(names, truth, strict=True):
        photo = read_image(root / "AFLW2000-3D" / f"{name}.jpg")
        faces = landmarker(photo)
        points = landmarker.predictor.points_in_box(photo, np.array([-0.5, -0.5, 199.5, 199.5]))
        if faces and judged(faces[0], right) == "found" and faces[0].points is not None:
            points, found = faces[0].points, found + 1
        crop = align_deep3d(five_from_68(points))
        inside = torch.from_numpy(crop.to_crop(points)).float()[None]
        fit = fit_points(builtin, inside, settings=FitSettings(contour="sliding"))
        mesh = reconstruct(builtin, fit).vertices[:, builtin.landmarks]
        fitted.append(crop.to_photo(Camera().project(mesh)[0, :, :2].double().numpy()))
    expected = columns_of(np.stack(fitted), truth, bins)
    assert row(record, "fit of dlib's points") == pytest.approx(expected, abs=1e-2)
    assert found == 1
    assert set(record.weights) == {
        f"{user}: {with_dlib.PREDICTOR_FILE}" for user in ("fit of dlib's points", "dlib-hog")
    }


def test_no_label_reaches_a_method_but_by_its_crop(
    config: Table4, root: Path, builtin: MorphableModel, tmp_path: Path
) -> None:
    """Scrambled labels: the same answers, as long as the five that place the crop stay."""
    from results.tables.table4_loading import load_methods

    names, truth, _ = labels(root)
    methods, reasons = load_methods(config, builtin, None)
    assert not reasons
    rng = np.random.default_rng(0)
    kept = [36, 39, 42, 45, 30, 48, 54]
    moved = truth + rng.normal(0, 20, truth.shape)
    moved[:, kept] = truth[:, kept]

    def answers(points: np.ndarray, cache: str, *, detected: bool) -> dict:
        photos = LabelledPhotos(root / "AFLW2000-3D", tuple(names), points, 0)
        finder = None
        if detected:
            store = Cache(tmp_path / cache, {"what": "faces"})
            finder = FaceFinder(_Fixed(), store)
        found = table4_running.predict(
            photos, methods, finder, tmp_path / cache, _no_bar, detected=detected
        )
        return dict(found.points["original"])

    def same(a: dict, b: dict) -> list[bool]:
        return [np.array_equal(a[one.name], b[one.name]) for one in methods]

    before = answers(truth, "a", detected=False)
    assert all(same(before, answers(moved, "b", detected=False)))
    assert not any(same(before, answers(truth + 5, "c", detected=False)))
    # Under detection nothing of the labels is left but which face is meant.
    before = answers(truth, "d", detected=True)
    assert all(same(before, answers(truth + rng.normal(0, 3, truth.shape), "e", detected=True)))
    assert not any(same(before, answers(truth + 500, "f", detected=True)))  # another face's


def _no_bar(title: str, total: int):
    from contextlib import nullcontext

    return nullcontext(lambda advance: None)


class _Fixed:
    """A detector whose answer is known: the place of all faces, and a larger one at the border."""

    name = "fixed"

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        five = np.array([(82.0, 85), (118, 85), (100, 105), (86, 125), (114, 125)])
        far = FoundFace(np.array([0.0, 0, 90, 90]), 0.9, five - 60, None, "fixed")
        return [far, FoundFace(np.array([60.0, 60, 140, 150]), 0.8, five, None, "fixed")]


def test_a_killed_run_goes_on_to_the_same_numbers(
    config: Table4, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from results.tables import table4_methods

    monkeypatch.setattr(table4_running, "_AT_ONCE", 5)
    asked: list[int] = []
    real = table4_methods.points_in_photos

    def counted(net, model, photos, alignments):
        if len(asked) == stop:
            raise KeyboardInterrupt
        asked.append(len(photos))
        return real(net, model, photos, alignments)

    monkeypatch.setattr(table4_methods, "points_in_photos", counted)
    stop = -1
    whole = compute(replace(config, cache=tmp_path / "whole")).record
    assert sum(asked) == 48  # twelve photos, two kinds, two regressors
    asked.clear()
    stop = 7
    with pytest.raises(KeyboardInterrupt):
        compute(replace(config, cache=tmp_path / "killed"))
    done, stop = sum(asked), -1
    asked.clear()
    resumed = compute(replace(config, cache=tmp_path / "killed")).record
    assert sum(asked) == 48 - done
    assert resumed.cells == whole.cells
    assert resumed.comparisons == whole.comparisons
    assert resumed.inputs == whole.inputs
    asked.clear()
    assert compute(replace(config, cache=tmp_path / "killed")).record.cells == whole.cells
    assert not asked


def test_what_is_absent_is_told_and_the_rest_computed(
    config: Table4, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = replace(
        config,
        regressor=(config.regressor[0], f"second={tmp_path / 'no.safetensors'}"),
        others=("tddfa", "fit", "controls"),
    )
    record = compute(some).record
    absent = {cell.row: cell.reason for cell in record.cells if cell.value is None}
    assert "no.safetensors" in absent["second, occluded"]
    assert "fetch.py mobilefacenet" in absent["3DDFA-V2"]
    assert "fetch.py mobilefacenet" in absent["fit of 3DDFA-V2's points, occluded"]
    assert f"3DDFA-V2's {FITTED_TO_FIVE}" in absent
    assert record.cell("first", "Mean").value is not None
    assert record.status.startswith("12 of the 2,000 images; without second, 3DDFA-V2, fit")
    monkeypatch.setattr("results.tables.table4_loading.project_root", lambda: tmp_path)
    reasons = {
        cell.row: cell.reason for cell in compute(replace(config, regressor=())).record.cells
    }
    for name in ("baseline", "stage1", "stage2"):
        assert f"train_regressor.py {name}" in reasons[name]
    nothing = compute(replace(config, regressor=("no=no",), others=()))
    assert {cell.origin for cell in nothing.record.cells} == {"unavailable"}
    assert not nothing.figures
    with pytest.raises(DatasetUnavailable, match="RetinaFace"):
        compute(replace(config, crop="detected"))


def test_rows_of_another_face_model_are_unavailable(
    config: Table4, tmp_path: Path, small_model: MorphableModel
) -> None:
    torch.manual_seed(0)
    save(tmp_path / "small.safetensors", build(MINI, small_model.layout(), size=64), {})
    other = replace(config, regressor=(f"small={tmp_path / 'small.safetensors'}",))
    assert "made with face model" in compute(other).record.cell("small", "Mean").reason
    published = replace(config, regressor=(f"theirs=cfr-gan:{tmp_path / 'x.pth'}",))
    assert "bfm09" in compute(published).record.cell("theirs", "Mean").reason.lower()


def test_broken_input_is_an_error(config: Table4, tmp_path: Path, builtin) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    with pytest.raises(BadInput, match=r"broken\.safetensors"):
        compute(replace(config, regressor=(f"mine={broken}",)))
    torch.manual_seed(0)
    net = build(MINI, builtin.layout(), size=112)
    net.std.fill_(0)  # what follows is infinite
    save(tmp_path / "wild.safetensors", net, {})
    with pytest.raises(BadInput, match="NaN or infinity"):
        compute(replace(config, regressor=(f"wild={tmp_path / 'wild.safetensors'}",)))


def test_only_the_photos_at_hand_count(
    config: Table4, whole: Result, root: Path, tmp_path: Path
) -> None:
    record = compute(replace(config, subset=None)).record
    listed = whole.record
    assert [cell.value for cell in record.cells] == [cell.value for cell in listed.cells]
    assert record.status == "12 of the 2,000 images"
    assert "of which 12 photos are there" in record.rule
    absent = tmp_path / "absent.txt"
    absent.write_text((root / "twelve.txt").read_text() + "\nimage04000")
    with pytest.raises(DatasetUnavailable, match=r"image04000\.jpg"):
        compute(replace(config, subset=absent))


def test_the_scoring_truth_does_not_move_photos_or_crops(config: Table4, whole: Result) -> None:
    original = whole.record
    other = compute(replace(config, truth="reannotated")).record
    hands = [one for one in original.inputs if "hands" in one]
    assert [one for one in other.inputs if "hands" in one] == hands
    assert row(other, "first") != row(original, "first")
    assert any("take the original points all the same" in note for note in other.notes)


def test_comparisons_and_losses(whole: Result) -> None:
    record = whole.record
    pairs = list(dict.fromkeys((one.left, one.right) for one in record.comparisons))
    assert pairs == [
        ("first", "second"),
        ("first, occluded", "second, occluded"),
        ("first, occluded", "first"),
        ("second, occluded", "second"),
        ("first: loss under occlusion", "second: loss under occlusion"),
    ]
    found = {(one.left, one.column): one.difference for one in record.comparisons}
    loss = [found[f"{name}, occluded", "Mean"] for name in ("first", "second")]
    assert found["first: loss under occlusion", "Mean"] == pytest.approx(loss[0] - loss[1])
    (told,) = (note for note in record.notes if note.startswith("Under occlusion the Mean of"))
    assert f"Mean of second grows by {loss[1]:.3f}, that of first by {loss[0]:.3f}" in told
    part = f"{loss[1] / loss[0]:.3f} of it" if loss[0] > 0 else "no part of what is no loss"
    assert part in told


def test_figures_are_drawn_and_the_photos_chosen_by_rule(
    whole: Result, root: Path, artifacts: Path, tmp_path: Path
) -> None:
    result = whole
    assert [figure.name for figure in result.figures if figure.row is None] == [
        "original photos", "occluded photos", "points on photos",
    ]  # fmt: skip
    photos = result.figures[-1].draw()
    names, _, bins = labels(root)
    expected = [
        names[np.flatnonzero(bins == index)[place]] for index in range(3) for place in (1, 3)
    ]
    shown = [axis.get_ylabel() for axis in photos.axes if axis.get_ylabel()]
    assert shown == [f"{one}.jpg" for one in expected]
    titles = [axis.get_title() for axis in photos.axes if axis.get_title()]
    assert titles == ["photo", "ground truth", "first", "second"]
    hands = {one["image"]: one["sha256"] for one in drawn_lines(result.record, artifacts)}
    for name, axis in zip(expected, photos.axes[::4], strict=True):
        picture = np.asarray(axis.images[0].get_array())
        assert hashlib.sha256(picture.tobytes()).hexdigest() == hands[name]
    write(result, tmp_path)
    assert (tmp_path / "table4-points-on-photos.png").stat().st_size > 10_000
    for folder in (root, artifacts):
        assert str(folder) not in result.record.to_json()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"source": "released"}, "expected --source models"),
        ({"regressor": ("file.safetensors",)}, "expected NAME=FILE"),
        ({"regressor": ("a=x", "a=y")}, "another name for each regressor"),
        ({"regressor": (f"{IN_CROP}=x",)}, "a name that no other row has"),
        ({"regressor": ("a=x", "a, occluded=y")}, "a name that no other row has"),
    ],
)
def test_useless_options_are_refused(config: Table4, changed: dict, told: str) -> None:
    with pytest.raises(BadOption, match=re.escape(told)):
        compute(replace(config, **changed))


def test_own_weights_never_stand_beside_the_papers_numbers(config: Table4) -> None:
    named = replace(config, regressor=(f"{BASELINE}={config.regressor[0].partition('=')[2]}",))
    record = compute(named).record
    assert record.cell(BASELINE, "Mean").value is not None
    assert all(cell.paper is None for cell in record.cells)
    assert any("Deng et al. (baseline), occluded 5.605" in note for note in record.notes)


def test_published_weights_stand_beside_the_papers_numbers_by_its_conventions(root: Path) -> None:
    protocol, paper = load_labels(root), Table4(source="models")
    found = printed(paper, protocol, (BASELINE, "mine"))
    assert {name for name, _ in found} == {BASELINE}
    assert found[BASELINE, "Mean"] == 3.486
    assert len(found) == 5
    assert not printed(paper, protocol, ("mine",))
    assert not printed(replace(paper, crop="detected"), protocol, (BASELINE,))
    assert not printed(replace(paper, truth="reannotated"), protocol, (BASELINE,))
    part = load_labels(root, subset=root / "twelve.txt")
    assert not printed(paper, part, (BASELINE,))


def test_3ddfa_and_the_fit_start_from_the_detectors_face(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builtin: MorphableModel
) -> None:
    from cfr.camera import Camera
    from cfr.fit import fit_points
    from cfr.landmarks import tddfa
    from cfr.mesh import reconstruct

    data = tmp_path / "data"
    (data / "tddfa").mkdir(parents=True)
    (data / "mobilefacenet").symlink_to(shared / "networks" / "foamliu_mobilefacenet")
    for folder in ("3ddfa_v2", "3ddfa_v1_sparse_basis"):
        for path in (shared / "networks" / folder).iterdir():
            if path.name in (tddfa.NETWORK_FILE, tddfa.STATISTICS_FILE, *tddfa.BASIS_FILES):
                (data / "tddfa" / path.name).symlink_to(path)
    monkeypatch.setenv("CFR_DATA", str(data))
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path / "artifacts"))
    root = shared / "aflw2000"
    names = (root / "AFLW2000-3D_crop.list").read_text().replace(".jpg", "").split()
    yaw = np.abs(np.load(root / "labels/AFLW2000-3D-new.pose.npy"))
    bins = np.digitize(yaw, (30, 60), right=True)
    there = [(root / "AFLW2000-3D" / f"{one}.jpg").is_file() for one in names]
    rows = np.sort(np.concatenate([np.flatnonzero((bins == k) & there)[:2] for k in range(3)]))
    listed = tmp_path / "six.txt"
    listed.write_text("\n".join(names[row] for row in rows))
    truth = np.load(root / "labels/AFLW2000-3D.pts68.npy")[rows, :2].transpose(0, 2, 1)
    record = compute(
        Table4(source="models", root=root, subset=listed, regressor=("none=no",))
    ).record
    landmarker = tddfa.load()
    placed, fitted = [], []
    for name in (names[row] for row in rows):
        photo = read_image(root / "AFLW2000-3D" / f"{name}.jpg")
        middle = (np.array(photo.shape[1::-1]) - 1) / 2
        faces = sorted(landmarker(photo), key=lambda face: math.dist(face.centre, middle))
        points = faces[0].points
        assert points is not None
        placed.append(points)
        crop = align_deep3d(five_from_68(points))
        found = fit_points(builtin, torch.from_numpy(crop.to_crop(points)).float()[None])
        mesh = reconstruct(builtin, found).vertices[:, builtin.landmarks]
        fitted.append(crop.to_photo(Camera().project(mesh)[0, :, :2].double().numpy()))
    expected = columns_of(np.stack(placed), truth, bins[rows])
    assert row(record, "3DDFA-V2") == pytest.approx(expected)
    expected = columns_of(np.stack(fitted), truth, bins[rows])
    assert row(record, "fit of 3DDFA-V2's points") == pytest.approx(expected, abs=1e-3)
    assert (record.cell("3DDFA-V2", "Mean").value or 99) < 6
    assert record.config["crop"] == "truth"
    # Without a face it looks at the whole photo, then around what it saw.
    regressor, photo = landmarker.regressor, np.full((200, 300, 3), 90, np.uint8)
    view = View(photo, crop_of_face(photo, None), None)
    first = regressor.points_in_square(photo, np.array([-0.5, -50.5, 299.5, 249.5]))
    second = regressor.points_in_square(photo, tddfa.square_of_points(first))
    np.testing.assert_allclose(OfTddfa(regressor, ()).place(view), second)
