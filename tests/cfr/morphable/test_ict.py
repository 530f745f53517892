"""ICT-FaceKit's model: the real compact file, and release folders that the tests write."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from cfr.align import CANONICAL_FIVE
from cfr.morphable import ict
from protocols.errors import BadInput, DatasetUnavailable

ALL, HEAD = 26_719, 11_248


@pytest.fixture(scope="module")
def npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compact file of the published shapes, with a sheet instead of a face."""
    rng = np.random.default_rng(4)
    side = 106  # 106² = 11,236 vertices in a grid, the last twelve alone
    x, y = np.meshgrid(np.linspace(-9, 9, side), np.linspace(12, -16, side))
    neutral = np.zeros((HEAD, 3))
    neutral[: side * side] = np.stack((x, y, 9 - (x**2 + y**2) / 40), -1).reshape(-1, 3).round(6)
    index = np.arange(side * side).reshape(side, side)
    quads = np.stack((index[1:, :-1], index[1:, 1:], index[:-1, 1:], index[:-1, :-1]), -1)
    faces = quads.reshape(-1, 4).astype(np.int32)
    faces[::7, 3] = -1
    path = tmp_path_factory.mktemp("ict") / "ict.npz"

    def modes(number: int) -> np.ndarray:
        """What is left of them in an OBJ file of six decimals."""
        deltas = np.tile(rng.normal(0, 0.1, (number, HEAD // 16, 3)), (1, 16, 1))
        return ((neutral + deltas).round(6) - neutral).astype(np.float32)

    np.savez(
        path,
        neutral=neutral.astype(np.float32),
        identity=modes(100),
        expression=modes(3),
        expression_names=np.array(["browDown_L", "jawOpen", "mouthSmile_L"]),
        faces=faces,
        landmarks68=rng.choice(6_706, 68, replace=False).astype(np.int32),
    )
    return path


def write_obj(path: Path, vertices: np.ndarray, polygons: list[list[int]] | None = None) -> None:
    lines = ["# a comment", "mtllib x.mtl"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += ["vt 0.5 0.5", "usemtl skin"]
    lines += ["f " + " ".join(f"{v + 1}/1/1" for v in one) for one in polygons or []]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def release(npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a release folder of OBJ files, the other geometries filled with zeros."""
    folder = tmp_path_factory.mktemp("release") / "FaceXModel"
    folder.mkdir()
    with np.load(npz) as compact:
        neutral = np.zeros((ALL, 3))
        neutral[:HEAD] = compact["neutral"]
        polygons = [[int(v) for v in one if v >= 0] for one in compact["faces"]]
        polygons.append([HEAD, HEAD + 1, HEAD + 2])  # of the mouth socket
        write_obj(folder / "generic_neutral_mesh.obj", neutral, polygons)
        modes = {f"identity{n:03d}": delta for n, delta in enumerate(compact["identity"])}
        modes |= dict(zip(compact["expression_names"], compact["expression"], strict=True))
        for name, delta in modes.items():
            moved = neutral.copy()
            moved[:HEAD] += delta
            write_obj(folder / f"{name}.obj", moved)
        listed = {"idx_to_landmark_verts": compact["landmarks68"].tolist()}
    (folder / "vertex_indices.json").write_text(json.dumps(listed))
    return folder.parent


def test_the_folder_and_the_compact_file_are_the_same_model(npz: Path, release: Path) -> None:
    compact = ict.load(npz)
    assert str(compact).endswith("100/3/0 modes)")
    assert compact.expression_names == ("browDown_L", "jawOpen", "mouthSmile_L")
    for path in (release, release / "FaceXModel"):
        model = ict.load(path)
        assert model.digest == compact.digest
        assert model.expression_names == compact.expression_names


@pytest.mark.parametrize(("region", "vertices"), [("narrow", 6706), ("face", 9409), ("head", HEAD)])
def test_the_region_is_cut_out(npz: Path, region: ict.Region, vertices: int) -> None:
    model = ict.load(npz, region)
    assert len(model.mean_shape) == vertices
    assert int(model.triangles.max()) < vertices
    with np.load(npz) as compact:
        faces = compact["faces"]
    whole = faces[(faces < vertices).all(1)]
    assert len(model.triangles) == len(whole) + (whole[:, 3] >= 0).sum()


def test_it_stands_where_an_aligned_crop_expects_it(npz: Path) -> None:
    model = ict.load(npz)
    points = model.mean_shape[model.landmarks].double().numpy()
    five = np.stack((points[[36, 39]].mean(0), points[[42, 45]].mean(0), *points[[30, 48, 54]]))
    assert np.allclose(five.mean(0), CANONICAL_FIVE.mean(0), atol=1e-5)


def test_the_real_model(shared: Path) -> None:
    model = ict.load(shared / "face_models/ict_facekit/ict_face_headneck.npz")
    assert str(model).endswith("(6,706 vertices, 13,120 triangles, 100/57/0 modes)")
    points = model.mean_shape[model.landmarks].double().numpy()
    five = np.stack((points[[36, 39]].mean(0), points[[42, 45]].mean(0), *points[[30, 48, 54]]))
    # Another face than Basel's, but eyes, nose and mouth lie within 4 mm of them.
    assert np.abs(five - CANONICAL_FIVE).max() < 0.04
    jaw = model.layout().zeros(1)
    jaw.expression[0, model.expression_names.index("jawOpen")] = 1
    opened = model.shape(jaw)[0] - model.mean_shape
    assert opened[model.landmarks[8], 1] < -0.1  # the chin falls by more than a centimetre
    assert opened[model.landmarks[27]].abs().max() < 3e-3  # the nose bridge stays


def test_the_real_neutral_obj(shared: Path, tmp_path: Path) -> None:
    """The release's own OBJ, with its comments, texture coordinates and materials."""
    published = shared / "face_models/ict_facekit"
    folder = tmp_path / "FaceXModel"
    folder.mkdir()
    content = gzip.decompress((published / "generic_neutral_mesh.obj.gz").read_bytes())
    (folder / "generic_neutral_mesh.obj").write_bytes(content)
    (folder / "vertex_indices.json").write_bytes((published / "vertex_indices.json").read_bytes())
    for number in range(100):
        (folder / f"identity{number:03d}.obj").symlink_to(folder / "generic_neutral_mesh.obj")
    (folder / "jawOpen.obj").symlink_to(folder / "generic_neutral_mesh.obj")
    compact = ict.load(published / "ict_face_headneck.npz")
    model = ict.load(folder)
    assert torch.equal(model.mean_shape, compact.mean_shape)
    assert torch.equal(model.triangles, compact.triangles)
    assert torch.equal(model.landmarks, compact.landmarks)


def test_a_damaged_npz_names_the_field(npz: Path, tmp_path: Path) -> None:
    with np.load(npz) as compact:
        fields = dict(compact)
    cases: list[tuple[str, np.ndarray | None, str]] = [
        ("identity", None, "field identity: expected an array, found no such field"),
        ("identity", fields["identity"][:99], r"field identity: .*\(100, 11248, 3\), found .*99"),
        ("neutral", np.full((HEAD, 3), np.nan), "field neutral: expected finite numbers"),
        ("expression", fields["expression"][:2], r"field expression: .*\(3, 11248, 3\)"),
        ("faces", fields["faces"] + HEAD, r"field faces: expected indices below 11248"),
        ("faces", fields["faces"].astype(str), "field faces: expected whole numbers"),
        ("faces", fields["faces"][:0], "field faces: expected whole numbers"),
        ("faces", np.roll(fields["faces"], 1, axis=1), "field faces: expected indices below"),
        ("landmarks68", fields["landmarks68"][:5], r"landmarks68: .* \(68,\)"),
        ("landmarks68", fields["landmarks68"] * 0.5, "landmarks68: expected whole numbers"),
        ("landmarks68", fields["landmarks68"].astype(str), "landmarks68: expected whole"),
        ("landmarks68", fields["landmarks68"] + 6_706, "landmarks: expected 68 indices of face"),
        ("expression_names", np.array("jawOpen"), "field expression_names: expected names"),
        ("neutral", fields["neutral"] * 0, "landmarks: expected points that span a face"),
        ("neutral", np.array([{}], dtype=object), "expected a whole npz archive"),
    ]
    for name, value, told in cases:
        changed = {key: array for key, array in fields.items() if key != name}
        if value is not None:
            changed[name] = value
        np.savez(tmp_path / "damaged.npz", **changed)
        with pytest.raises(BadInput, match=told):
            ict.load(tmp_path / "damaged.npz")
    (tmp_path / "damaged.npz").write_bytes(npz.read_bytes()[:5000])
    with pytest.raises(BadInput, match="expected a whole npz archive"):
        ict.load(tmp_path / "damaged.npz")


def test_a_damaged_release_names_the_file(release: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="Clone ICT-VGL/ICT-FaceKit"):
        ict.load(tmp_path)
    with pytest.raises(DatasetUnavailable, match="nowhere"):
        ict.load(tmp_path / "nowhere")
    for path in (release / "FaceXModel").iterdir():
        (tmp_path / path.name).symlink_to(path)

    def replace(name: str, content: str | None) -> None:
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_text(content)

    replace("vertex_indices.json", "{}")
    with pytest.raises(BadInput, match=r"vertex_indices\.json: expected JSON with a list"):
        ict.load(tmp_path)
    replace("vertex_indices.json", '{"idx_to_landmark_verts": []}')
    with pytest.raises(BadInput, match="landmarks: expected 68 indices"):
        ict.load(tmp_path)
    replace("vertex_indices.json", "{}")
    replace("identity042.obj", "v 1 2 3\n")
    with pytest.raises(BadInput, match=r"identity042\.obj, vertices: expected 26,719 lines"):
        ict.load(tmp_path)
    replace("identity042.obj", None)
    with pytest.raises(DatasetUnavailable, match=r"identity042\.obj"):
        ict.load(tmp_path)
    neutral = (release / "FaceXModel/generic_neutral_mesh.obj").read_text()
    replace("generic_neutral_mesh.obj", neutral + "f 1 2 99999\n")
    with pytest.raises(BadInput, match=r"generic_neutral_mesh\.obj, line \d+: expected three or f"):
        ict.load(tmp_path)
