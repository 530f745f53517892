"""The project's own face model: nothing to download, nothing licensed.

36,679 vertices, open eyes, a mouth with teeth; 80 identity, 64 expression and 80 texture modes. It
was learned from photos of people who are in no LFW pair, by ``scripts/build_face_model.py``; the
file holds no photo and nothing of a single person. Research use only, as the photos' terms say.

Shape modes are smooth: the file keeps them on every third row and column of each sheet of the
mesh, and cubic splines give the rest. Texture modes are symmetric, but for the eyes, which look
both the same way: the file keeps one half.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import CubicSpline
from threadpoolctl import threadpool_limits

from cfr.morphable.model import ModelArrays, MorphableModel
from cfr.morphable.sculpt.mesh import STRIDE, Mesh, build_mesh
from protocols.errors import BadInput, DatasetUnavailable

TITLE = "the built-in face model"
HOW = "It is part of the project; python scripts/build_face_model.py makes it anew."
FILE = Path(__file__).with_name("builtin.npz")
# Two readers of one file must not call different models by one name.
_FORMAT = "cfr-builtin-1"
_FIELDS = {
    "format": "U",
    "mean_shape": "f",
    "shape_modes": "i",
    "shape_steps": "f",
    "identities": "i",
    "mean_texture": "f",
    "texture_modes": "i",
    "texture_steps": "f",
    "landmarks": "i",
    "skin": "b",
    "regions": "u",
    "expression_names": "U",
    "expression_low": "f",
    "expression_high": "f",
}


@dataclass(frozen=True, eq=False)
class DenseModel:
    """A model before it is packed; shapes in decimetres, colours RGB in [0, 1].

    Attributes:
        mean_shape: ``(v, 3)``.
        identity: ``(80, v, 3)``.
        expression: ``(64, v, 3)``.
        mean_texture: ``(v, 3)``.
        texture: ``(80, v, 3)``.
        landmarks: ``(68,)`` vertex indices.
        skin: ``(v,)`` bare skin.
        regions: ``(v,)`` positions in :data:`cfr.morphable.model.REGIONS`.
        names: Of the expressions.
        low: ``(64,)`` lowest weights.
        high: ``(64,)`` highest weights.
    """

    mean_shape: Float64[np.ndarray, "v 3"]
    identity: Float64[np.ndarray, "i v 3"]
    expression: Float64[np.ndarray, "e v 3"]
    mean_texture: Float64[np.ndarray, "v 3"]
    texture: Float64[np.ndarray, "t v 3"]
    landmarks: np.ndarray
    skin: np.ndarray
    regions: np.ndarray
    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray


def load(path: Path = FILE) -> MorphableModel:
    """Unpack the model.

    It is named by the digest of its file: the splines' last bits differ between machines. On one
    machine they are the same in every process, as one thread computes them.

    Raises:
        DatasetUnavailable: The file is absent.
        BadInput: It is damaged, or of another format.
    """
    if not path.is_file():
        raise DatasetUnavailable(TITLE, path, HOW)
    content = path.read_bytes()
    packed = _read(path, content)
    mesh = build_mesh()
    split = int(packed["identities"])
    with threadpool_limits(1):
        shape_modes = _unpack_shape(mesh, packed["shape_modes"], packed["shape_steps"])
    arrays = ModelArrays(
        mean_shape=packed["mean_shape"].astype(np.float32),
        identity=np.ascontiguousarray(shape_modes[:split]),
        expression=np.ascontiguousarray(shape_modes[split:]),
        mean_texture=packed["mean_texture"].astype(np.float32),
        texture=_unpack_texture(mesh, packed["texture_modes"], packed["texture_steps"]),
        triangles=mesh.triangles,
        landmarks=packed["landmarks"].astype(np.int64),
        skin=packed["skin"],
        symmetry=mesh.symmetry,
        regions=packed["regions"].astype(np.int64),
    )
    return MorphableModel(
        "builtin",
        arrays,
        expression_names=tuple(str(name) for name in packed["expression_names"]),
        expression_range=(packed["expression_low"], packed["expression_high"]),
        digest=hashlib.sha256(content).hexdigest(),
    )


def save(path: Path, model: DenseModel) -> None:
    """Pack a model; the same model gives the same bytes.

    Raises:
        OSError: The file cannot be written.
    """
    mesh = build_mesh()
    shape = np.concatenate((model.identity, model.expression))[:, _kept_for_shape(mesh)]
    shape_modes, shape_steps = _quantised(shape, np.int16)
    texture_modes, texture_steps = _quantised(model.texture[:, kept_for_texture(mesh)], np.int8)
    packed = {
        "format": np.array(_FORMAT),
        "mean_shape": model.mean_shape.astype(np.float32),
        "shape_modes": shape_modes,
        "shape_steps": shape_steps,
        "identities": np.array(len(model.identity)),
        "mean_texture": model.mean_texture.astype(np.float16),
        "texture_modes": texture_modes,
        "texture_steps": texture_steps,
        "landmarks": model.landmarks,
        "skin": model.skin,
        "regions": model.regions.astype(np.uint8),
        "expression_names": np.array(model.names),
        "expression_low": model.low.astype(np.float32),
        "expression_high": model.high.astype(np.float32),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **packed)
    path.write_bytes(buffer.getvalue())


def _read(path: Path, content: bytes) -> dict[str, np.ndarray]:
    expected = f"a face model of format {_FORMAT}"
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            packed = {name: archive[name] for name in archive.files}
    except Exception as error:  # zip, zlib, header and type errors of many kinds
        raise BadInput(path, "", expected, f"{type(error).__name__}: {error}") from error
    if str(packed.get("format")) != _FORMAT:
        raise BadInput(path, "field format", expected, str(packed.get("format")))
    for name, kind in _FIELDS.items():
        if name not in packed or packed[name].dtype.kind != kind:
            found = str(packed[name].dtype) if name in packed else "no such field"
            raise BadInput(path, f"field {name}", f"an array of kind {kind}", found)
    return packed


def _kept_for_shape(mesh: Mesh) -> np.ndarray:
    """The vertices on every third row and column of the sheets, sheet by sheet."""
    coarse = [ids[::STRIDE, ::STRIDE].reshape(-1) for ids in mesh.sheets.values()]
    return np.concatenate(coarse)


def _unpack_shape(mesh: Mesh, modes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    found = np.empty((len(modes), mesh.vertices, 3), np.float32)
    first = 0
    for ids in mesh.sheets.values():
        rows, columns = (len(range(0, size, STRIDE)) for size in ids.shape)
        part = modes[:, first : first + rows * columns].reshape(len(modes), rows, columns, 3)
        first += rows * columns
        down, across = (_splines(size) for size in ids.shape)
        scaled = part.astype(np.float32) * steps.astype(np.float32)[:, None, None, None]
        wide = np.einsum("kijc,xj->kixc", scaled, across, optimize=True)
        found[:, ids] = np.einsum("kixc,yi->kyxc", wide, down, optimize=True)
    return found


def _splines(size: int) -> np.ndarray:
    """``(size, n)`` takes values at every third place to values at every place."""
    at = np.arange(0, size, STRIDE)
    return CubicSpline(at, np.eye(len(at)), bc_type="natural")(np.arange(size)).astype(np.float32)


def kept_for_texture(mesh: Mesh) -> np.ndarray:
    """Vertices whose texture modes the file holds: one half of the skin, and both eyes.

    The inside of the mouth is the same for everybody.
    """
    half = np.arange(mesh.vertices) <= mesh.symmetry
    return np.flatnonzero(mesh.skin & half | mesh.of("left eye", "right eye"))


def _unpack_texture(mesh: Mesh, modes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return mirrored(mesh, modes.astype(np.float32) * steps.astype(np.float32)[:, None, None])


def mirrored(mesh: Mesh, values: np.ndarray) -> np.ndarray:
    """``(k, v, 3)`` from fields on the vertices that :func:`kept_for_texture` names.

    The skin's other half is the mirror image; the inside of the mouth is 0.
    """
    kept = kept_for_texture(mesh)
    half = ~mesh.of("left eye", "right eye")[kept]
    found = np.zeros((len(values), mesh.vertices, 3), values.dtype)
    found[:, mesh.symmetry[kept[half]]] = values[:, half]
    found[:, kept] = values
    return found


def _quantised(modes: np.ndarray, kind: type) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers, and the step of each mode."""
    largest = np.abs(modes).reshape(len(modes), -1).max(1)
    steps = np.where(largest > 0, largest, 1.0) / np.iinfo(kind).max
    rounded = np.round(modes / steps[:, None, None])
    return rounded.astype(kind), steps.astype(np.float32)
