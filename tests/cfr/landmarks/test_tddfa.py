"""3DDFA-V2: the known error on AFLW2000-3D, its crop against OpenCV, its files against damage."""

import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from cfr.align import five_from_68
from cfr.landmarks import retinaface, tddfa
from cfr.landmarks.face import FoundFace
from cfr.landmarks.tddfa import Regressor, Tddfa, square_of_box, square_of_points
from cfr.landmarks.tddfa_network import TddfaNetwork
from protocols.errors import BadInput, DatasetUnavailable
from protocols.images import read_image


@pytest.fixture(scope="module")
def real_files(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published files in one folder, as ``fetch.py`` puts them."""
    folder = tmp_path_factory.mktemp("tddfa")
    for name in (tddfa.NETWORK_FILE, tddfa.STATISTICS_FILE):
        shutil.copyfile(shared / "networks" / "3ddfa_v2" / name, folder / name)
    for name in tddfa.BASIS_FILES:
        shutil.copyfile(shared / "networks" / "3ddfa_v1_sparse_basis" / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def regressor(real_files: Path) -> Regressor:
    return tddfa.load_regressor(real_files)


@pytest.fixture
def random_files(tmp_path: Path) -> Path:
    """Files of the published form with random numbers, so that damage is tested anywhere."""
    rng = np.random.default_rng(0)
    state = {f"module.{name}": one for name, one in TddfaNetwork().state_dict().items()}
    state = {name.replace(".fc.", ".fc_param."): one for name, one in state.items()}
    state["module.fc_lm.weight"] = torch.zeros(136, 512)
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / tddfa.NETWORK_FILE)
    statistics = {name: rng.normal(size=62).astype("f4") for name in ("mean", "std")}
    (tmp_path / tddfa.STATISTICS_FILE).write_bytes(pickle.dumps(statistics, 3))
    for name, shape in tddfa.BASIS_FILES.items():
        np.savetxt(tmp_path / name, rng.normal(size=shape))
    return tmp_path


def as_published(points: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Where the authors' code would put our points: crop pixels times scale plus corner."""
    left, side = square[:2] + 0.5, (square[2:] - square[:2]) / 120
    return ((points - square[:2]) / side - 0.5) * side + left


def bin_errors(points: np.ndarray, truth: np.ndarray, yaw: np.ndarray) -> list[float]:
    """Normalised mean error in % by yaw bin."""
    errors = np.linalg.norm(points - truth, axis=2).mean(1)
    errors *= 100 / np.sqrt(np.ptp(truth, axis=1).prod(1))
    return [
        errors[(low < yaw) & (yaw <= high)].mean() for low, high in ((-1, 30), (30, 60), (60, 999))
    ]


def test_the_published_error_on_aflw2000(shared: Path, regressor: Regressor) -> None:
    """Every fourth image in the labels' crops; by pixel areas the error is smaller."""
    root = shared / "aflw2000"
    names = (root / "AFLW2000-3D_crop.list").read_text().split()[::4]
    truth = np.load(root / "labels" / "AFLW2000-3D.pts68.npy")[::4, :2].transpose(0, 2, 1)
    yaw = np.abs(np.load(root / "labels" / "AFLW2000-3D.pose.npy"))[::4]
    squares = np.load(root / "labels" / "AFLW2000-3D_crop.roi_box.npy")[::4].astype(float) - 0.5
    ours = np.stack(
        [
            regressor.points_in_square(read_image(root / "AFLW2000-3D" / name), square)
            for name, square in zip(names, squares, strict=True)
        ]
    )
    published = np.stack([as_published(*one) for one in zip(ours, squares, strict=True)])
    errors = bin_errors(published, truth, yaw)
    np.testing.assert_allclose(errors, [2.977, 3.577, 4.881], atol=0.01)
    assert np.mean(errors) == pytest.approx(3.812, abs=0.005)
    assert np.mean(bin_errors(ours, truth, yaw)) == pytest.approx(3.731, abs=0.005)


def test_points_equal_a_plain_crop_and_the_published_formula(
    shared: Path, regressor: Regressor
) -> None:
    """A slice, OpenCV's resize, and the authors' formulas, for squares within their photos."""
    root = shared / "aflw2000"
    names = (root / "AFLW2000-3D_crop.list").read_text().split()
    boxes = np.load(root / "labels" / "AFLW2000-3D_crop.roi_box.npy")
    basis = [
        np.loadtxt(shared / "networks" / "3ddfa_v1_sparse_basis" / name)
        for name in tddfa.BASIS_FILES
    ]
    for row in (4, 8, 16):
        photo = read_image(root / "AFLW2000-3D" / names[row])
        left, top, right, bottom = boxes[row].round().astype(int).tolist()
        assert min(left, top) >= 0
        assert max(right, bottom) <= 450
        crop = cv2.resize(photo[top:bottom, left:right, ::-1], (120, 120))
        given = torch.from_numpy((crop.transpose(2, 0, 1).astype(np.float32) - 127.5) / 128)
        with torch.inference_mode():
            numbers = (
                regressor.network(given[None])[0].numpy() * regressor.deviation + regressor.mean
            )
        shape = (
            basis[0]
            + basis[1].reshape(204, 40) @ numbers[12:52]
            + basis[2].reshape(204, 10) @ numbers[52:]
        )
        camera = numbers[:12].reshape(3, 4)
        placed = camera[:, :3] @ shape.reshape(3, 68, order="F") + camera[:, 3:]
        x = (placed[0] - 1) * (right - left) / 120 + left
        y = (120 - placed[1]) * (bottom - top) / 120 + top
        square = np.array([left, top, right, bottom]) - 0.5
        points = as_published(regressor.points_in_square(photo, square), square)
        np.testing.assert_allclose(points, np.stack((x, y), 1), atol=0.5)
        assert np.abs(points - np.stack((x, y), 1)).mean() < 0.1


def test_found_faces_get_points_that_agree_with_the_detectors(
    regressor: Regressor, retinaface_root: Path, astronaut: np.ndarray, cat: np.ndarray
) -> None:
    detector = retinaface.load(retinaface_root)
    (before,), (face,) = detector(astronaut), Tddfa(detector, regressor)(astronaut)
    assert face.points is not None
    assert (face.found_by, face.score) == ("tddfa", before.score)
    np.testing.assert_array_equal(face.five, five_from_68(face.points))
    np.testing.assert_allclose(face.five, before.five, atol=6)
    assert Tddfa(detector, regressor)(cat) == []


def test_a_second_look_moves_the_points_little(regressor: Regressor, astronaut: np.ndarray) -> None:
    box = np.array([80.0, 56, 171, 177])
    face = FoundFace(box, 1.0, np.zeros((5, 2)), None, "made up")
    once, twice, thrice = (regressor.points_of(astronaut, face, rounds=n) for n in (1, 2, 3))
    assert 0 < np.abs(twice - once).max() < 8
    assert np.abs(thrice - twice).mean() < np.abs(twice - once).mean()


def test_the_squares_are_the_authors() -> None:
    np.testing.assert_allclose(
        square_of_box(np.array([10.0, 20, 50, 80])),
        [30 - 39.5, 57 - 39.5, 30 + 39.5, 57 + 39.5],
    )
    points = np.zeros((68, 2))
    points[3], points[9] = (10, 30), (4, 50)
    half = 50 * 2**0.5 / 2
    np.testing.assert_allclose(square_of_points(points), [5 - half, 25 - half, 5 + half, 25 + half])


def test_a_square_beyond_the_photo_sees_black(regressor: Regressor, astronaut: np.ndarray) -> None:
    wide = np.pad(astronaut, ((200, 200), (200, 200), (0, 0)))
    square = np.array([20.0, -60, 420, 340]) - 0.5
    np.testing.assert_allclose(
        regressor.points_in_square(astronaut, square) + 200,
        regressor.points_in_square(wide, square + 200),
        atol=1.5,
    )


def test_damaged_files_are_named(random_files: Path) -> None:
    tddfa.load_regressor(random_files)
    damages = {
        tddfa.NETWORK_FILE: (b"nothing of the kind", "mb05 weights"),
        tddfa.STATISTICS_FILE: (pickle.dumps({"mean": np.zeros(62)}), "std: expected 62 numbers"),
        "u_base.txt": (b"1\n2\n", "a table"),
        "w_shp_base.txt": (b"1 2\nx 4\n", "a table"),
        "w_exp_base.txt": (("1 " * 9 + "nan\n").encode() * 204, "finite"),
    }
    for name, (content, message) in damages.items():
        good = (random_files / name).read_bytes()
        (random_files / name).write_bytes(content)
        with pytest.raises(BadInput, match=f"{name}.*{message}"):
            tddfa.load_regressor(random_files)
        (random_files / name).unlink()
        with pytest.raises(DatasetUnavailable, match=f"{name}.*fetch.py tddfa"):
            tddfa.load_regressor(random_files)
        (random_files / name).write_bytes(good)


def test_a_network_that_lacks_a_weight_is_refused(random_files: Path) -> None:
    path = random_files / tddfa.NETWORK_FILE
    content = torch.load(path, weights_only=True)
    content["state_dict"].pop("module.dw6.bn_sep.bias")
    torch.save(content, path)
    with pytest.raises(BadInput, match=r"dw6\.bn_sep\.bias"):
        tddfa.load_regressor(random_files)
