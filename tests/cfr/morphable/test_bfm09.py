"""The licensed model, in files that the tests write: published formats, contents of our own."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

from cfr.morphable import bfm09
from cfr.morphable.sources import load_model
from protocols.errors import BadInput, BadOption, DatasetUnavailable

Fields = dict[str, np.ndarray]


def test_deep3ds_file(front: Path, front_fields: Fields) -> None:
    model = bfm09.load(front)
    assert str(model).endswith("(35,709 vertices, 70,789 triangles, 80/64/80 modes)")
    assert model.layout().size == 257
    mean = front_fields["meanshape"].reshape(-1, 3)
    vector = torch.randn(2, 257)
    coefficients = model.layout().split(vector)
    # Eq. 1 in NumPy, with interleaved columns and the mean's centroid removed.
    flat = front_fields["idBase"] @ vector[:, :80].numpy().T
    flat = flat + front_fields["exBase"] @ vector[:, 80:144].numpy().T
    expected = flat.T.reshape(2, -1, 3) + mean - mean.mean(0)
    assert np.allclose(model.shape(coefficients).numpy(), expected, atol=1e-4)
    colors = front_fields["meantex"] + (front_fields["texBase"] @ vector[:, 144:224].numpy().T).T
    albedo = model.albedo(coefficients).numpy()
    assert np.allclose(albedo, colors.reshape(2, -1, 3) / 255, atol=1e-4)
    assert np.array_equal(model.landmarks.numpy() + 1, front_fields["keypoints"][0])
    assert np.array_equal(model.triangles.numpy() + 1, front_fields["tri"])
    assert np.array_equal(model.skin.numpy(), front_fields["skinmask"][0] == 1)


def test_the_authors_file_is_the_same_model(
    front: Path, authors_fields: Fields, tmp_path: Path
) -> None:
    savemat(tmp_path / "BFM_model_80.mat", authors_fields)
    ours, theirs = bfm09.load(front), bfm09.load(tmp_path)  # a folder, too, is enough
    for name in ("triangles", "landmarks", "skin", "mean_shape"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))
    assert torch.allclose(ours.mean_texture, theirs.mean_texture)
    with pytest.raises(BadInput, match=r"field tri: expected indices from 1 .* found 0 to 35708"):
        bfm09.load_front(tmp_path / "BFM_model_80.mat")


def without(field: str) -> Callable[[Fields], Fields]:
    return lambda fields: {name: value for name, value in fields.items() if name != field}


def changed(field: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Fields], Fields]:
    return lambda fields: {**fields, field: change(fields[field])}


def one_wrong(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.astype(np.float64)
        array.flat[7] = value
        return array

    return change


def sparse(array: np.ndarray) -> np.ndarray:
    return cast("np.ndarray", csc_matrix(array))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (without("texBase"), r"field texBase: expected real numbers .* found no such field"),
        (without("point_buf"), r"field point_buf: .* found no such field"),
        (changed("idBase", lambda a: a[:, :79]), r"field idBase: .*\(107127, 80\), found .*79"),
        (changed("idBase", one_wrong(np.nan)), r"field idBase: expected finite numbers"),
        (changed("meantex", lambda a: a / 255), r"field meantex: expected colours from 0 to 255"),
        (changed("tri", lambda a: a - 1), r"field tri: expected indices from 1 to 35709"),
        (changed("tri", lambda a: np.minimum(a + 1, 35709)), r"field tri: expected every vertex"),
        (changed("tri", one_wrong(2.5)), r"field tri: expected whole numbers"),
        (changed("keypoints", lambda a: a * 0), r"field keypoints: .*\(this file counts from 1\)"),
        (
            changed("keypoints", lambda a: a[:, :5]),
            r"field keypoints: .*\(1, 68\), found .*\(1, 5\)",
        ),
        (
            changed("point_buf", lambda a: np.maximum(a - 1, 1)),
            r"field point_buf: expected the tri",
        ),
        (changed("point_buf", one_wrong(70_791)), r"field point_buf: expected indices from 1 to"),
        (changed("skinmask", lambda a: a * 255), r"field skinmask: expected zeros and ones"),
        (changed("meanshape", lambda a: a.astype(str)), r"field meanshape: expected real numbers"),
        (
            changed("skinmask", sparse),
            r"field skinmask: expected a full array",
        ),
        (changed("tri", one_wrong(1e300)), r"field tri: expected indices .* found 1 to 1e\+300"),
    ],
)
def test_a_damaged_file_names_the_field(
    front_fields: Fields, tmp_path: Path, damage: Callable[[Fields], Fields], told: str
) -> None:
    path = tmp_path / "BFM_model_front.mat"
    savemat(path, damage(front_fields))
    with pytest.raises(BadInput, match=f"BFM_model_front.mat, {told}"):
        bfm09.load(path)


@pytest.mark.parametrize(
    "content", [b"", b"MATLAB 5.0 MAT-file" + bytes(100), b"\x89HDF\r\n\x1a\n"]
)
def test_another_file_is_one_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "BFM_model_front.mat").write_bytes(content)
    with pytest.raises(BadInput, match=r"expected a MATLAB file|no such field"):
        bfm09.load(tmp_path)


def test_what_is_absent_is_said_with_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetUnavailable, match=r"01_MorphableModel.mat\. Register at https://faces"
    ):
        bfm09.load(tmp_path)
    with pytest.raises(DatasetUnavailable, match=r"Basel Face Model 2009 is not at .*nowhere"):
        load_model("bfm09", tmp_path / "nowhere")
    with pytest.raises(BadOption, match="flame: expected any of builtin, bfm09, ict"):
        load_model("flame")


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, front_fields: Fields) -> Path:
    """The raw files at full size; modes beyond the used ones are zero, to be quick."""
    folder = tmp_path_factory.mktemp("raw")
    rng = np.random.default_rng(8)
    basel: Fields = {}
    for kind, size in (("shape", 1e3), ("tex", 1.0)):
        modes = np.zeros((3 * 53_490, 199), np.float32)
        modes[:, :80] = np.resize(rng.normal(0, 1, (997, 80)), (3 * 53_490, 80))
        basel[f"{kind}PC"] = modes
        basel[f"{kind}EV"] = rng.uniform(0.5, 1.5, (199, 1)).astype(np.float32) * size
        basel[f"{kind}MU"] = rng.uniform(50, 200, (3 * 53_490, 1)).astype(np.float32) * size
    savemat(folder / "01_MorphableModel.mat", basel)
    with (folder / "Exp_Pca.bin").open("wb") as file:
        np.array([79], "<i4").tofile(file)
        np.full(3 * 53_215, 1e9, "<f4").tofile(file)  # the mean, which is ignored
        np.resize(rng.normal(0, 1, 9973), 79 * 3 * 53_215).astype("<f4").tofile(file)
    np.savetxt(folder / "std_exp.txt", rng.uniform(500, 1500, (1, 79)))
    trim = np.sort(rng.choice(53_490, 53_215, replace=False)) + 1
    savemat(folder / "BFM_exp_idx.mat", {"trimIndex": trim[:, None].astype(np.uint16)})
    front = np.sort(rng.choice(53_215, 35_709, replace=False)) + 1
    savemat(folder / "BFM_front_idx.mat", {"idx": front[:, None].astype(np.float32)})
    topology = ("tri", "point_buf", "keypoints", "skinmask")
    savemat(folder / "facemodel_info.mat", {name: front_fields[name] for name in topology})
    return folder


def test_the_raw_files(raw: Path) -> None:
    """Against Deep3D's construction, vertex by vertex in plain NumPy."""
    model = bfm09.load(raw)
    assert model.layout().size == 257
    basel = loadmat(raw / "01_MorphableModel.mat")
    front = loadmat(raw / "BFM_front_idx.mat")["idx"].ravel().astype(int) - 1
    trim = loadmat(raw / "BFM_exp_idx.mat")["trimIndex"].ravel().astype(int) - 1
    deviations = np.loadtxt(raw / "std_exp.txt")
    binary = np.fromfile(raw / "Exp_Pca.bin", "<f4")[1 + 3 * 53_215 :].reshape(79, -1)
    vector = torch.randn(1, 257)
    weights = vector[0].numpy()
    shape = model.shape(model.layout().split(vector))[0].numpy()
    albedo = model.albedo(model.layout().split(vector))[0].numpy()
    centre = basel["shapeMU"].reshape(-1, 3)[trim[front]].mean(0) / 1e5
    for vertex in (0, 1, 777, 35_708):
        for axis in range(3):
            whole = 3 * trim[front[vertex]] + axis
            expected = basel["shapeMU"][whole, 0] / 1e5 - centre[axis]
            modes = basel["shapePC"][whole, :80] * basel["shapeEV"][:80, 0] / 1e5
            expected += modes @ weights[:80]
            expression = binary[:64, 3 * front[vertex] + axis] * deviations[:64] / 1e5
            expected += expression @ weights[80:144]
            assert shape[vertex, axis] == pytest.approx(expected, abs=1e-4)
            colors = basel["texPC"][whole, :80] * basel["texEV"][:80, 0]
            expected = (basel["texMU"][whole, 0] + colors @ weights[144:224]) / 255
            assert albedo[vertex, axis] == pytest.approx(expected, abs=1e-4)


def test_raw_files_that_do_not_fit_are_named(raw: Path, tmp_path: Path) -> None:
    for path in raw.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "std_exp.txt").unlink()
    with pytest.raises(DatasetUnavailable, match=r"std_exp\.txt\. It comes with"):
        bfm09.load(tmp_path)
    (tmp_path / "std_exp.txt").write_text("1 2 three")
    with pytest.raises(BadInput, match=r"std_exp\.txt: expected 79 numbers"):
        bfm09.load(tmp_path)
    (tmp_path / "Exp_Pca.bin").unlink()
    (tmp_path / "Exp_Pca.bin").write_bytes(b"\x4f\0\0\0")
    with pytest.raises(BadInput, match=r"Exp_Pca\.bin: expected 51,086,404 bytes, found 4"):
        bfm09.load(tmp_path)


def test_deep3ds_real_index_files(shared: Path, front_fields: Fields, tmp_path: Path) -> None:
    """The real topology, key points and skin mask, in a file with bases of our own."""
    published = shared / "face_models/deep3dfacerecon_indices"
    info = loadmat(published / "facemodel_info.mat")
    topology = {name: info[name] for name in ("tri", "point_buf", "keypoints", "skinmask")}
    savemat(tmp_path / "BFM_model_front.mat", {**front_fields, **topology})
    model = bfm09.load(tmp_path)
    assert int(model.skin.sum()) == 9_642
    incident = (model.incident < 70_789).sum(1)
    assert int(incident.max()) == 8
