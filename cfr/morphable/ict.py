"""ICT-FaceKit's light face model (MIT): identities and named expressions, no texture modes.

Read from the release's folder of OBJ files, or from a compact npz of the same content
(``neutral``, ``identity``, ``expression``, ``expression_names``, ``faces``, ``landmarks68``).
The face region is cut out: the first vertices and polygons, as the release's readme lists them.
Source: ICT-VGL/ICT-FaceKit; Li et al., Learning Formation of Physically-Based Face Attributes.
"""

import json
from pathlib import Path
from typing import Literal

import numpy as np

from cfr.align import CANONICAL_FIVE, five_from_68
from cfr.morphable.model import ModelArrays, MorphableModel
from protocols.errors import BadInput, DatasetUnavailable

TITLE = "ICT-FaceKit's face model"
COMPACT = "ict_face_headneck.npz"
HOW = "Clone ICT-VGL/ICT-FaceKit (MIT) and point to its folder FaceXModel."
_KINDS = {"f": "real numbers", "iu": "whole numbers", "U": "names"}
Region = Literal["narrow", "face", "head"]
_VERTICES: dict[Region, int] = {"narrow": 6_706, "face": 9_409, "head": 11_248}
_ALL_VERTICES, _IDENTITIES = 26_719, 100
# The model has no texture: one skin tone, so that light and shape can be seen.
_TONE = (0.80, 0.62, 0.53)


def load(path: Path, region: Region = "narrow") -> MorphableModel:
    """Read the release's folder or the compact npz.

    The model is scaled and shifted so that the mean face's five points fit Deep3D's best: then an
    aligned crop needs no translation, as with the Basel model.

    Args:
        path: The npz or its folder, the release's folder, or its folder ``FaceXModel``.
        region: ``narrow`` is what the Basel crop covers; ``face`` adds ears, scalp and neck,
            ``head`` the rest of the skull.

    Raises:
        DatasetUnavailable: There is no such file or folder.
        BadInput: A file or field is absent, damaged, or of another shape; names it.
    """
    if path.is_dir() and (path / COMPACT).is_file():
        path = path / COMPACT
    if path.is_dir():
        inner = path / "FaceXModel"
        parts = _read_release(inner if inner.is_dir() else path)
    elif path.is_file():
        parts = _read_npz(path)
    else:
        raise DatasetUnavailable(TITLE, path, HOW)
    neutral, identity, expression, names, polygons, landmarks = parts
    kept = _VERTICES[region]
    if landmarks.shape != (68,) or landmarks.min() < 0 or landmarks.max() >= _VERTICES["narrow"]:
        found = f"{landmarks.shape}, {landmarks.reshape(-1)[:3]}…"
        raise BadInput(path, "landmarks", "68 indices of face vertices", found)
    five = five_from_68(neutral[landmarks].astype(np.float64))
    if np.ptp(five, axis=0).max() < 1e-3:
        raise BadInput(path, "landmarks", "points that span a face", "all in one place")
    spread, wanted = five - five.mean(0), CANONICAL_FIVE - CANONICAL_FIVE.mean(0)
    scale = (spread * wanted).sum() / np.square(spread).sum()
    arrays = ModelArrays(
        mean_shape=_float(scale * (neutral - five.mean(0)) + CANONICAL_FIVE.mean(0), kept),
        identity=_float(scale * identity, kept),
        expression=_float(scale * expression, kept),
        mean_texture=np.tile(np.array(_TONE, np.float32), (kept, 1)),
        texture=np.zeros((0, kept, 3), np.float32),
        triangles=_triangles(polygons[(polygons < kept).all(1)]),
        landmarks=landmarks,
        skin=np.arange(kept) < _VERTICES["narrow"],
    )
    return MorphableModel("ict", arrays, expression_names=names, blendshapes=True)


_Parts = tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...], np.ndarray, np.ndarray]


def _read_npz(path: Path) -> _Parts:
    fields = ("neutral", "identity", "expression", "expression_names", "faces", "landmarks68")
    try:
        # The handle is ours: np.load leaks its own when the archive is broken.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            missing = [name for name in fields if name not in archive]
            if missing:
                raise BadInput(path, f"field {missing[0]}", "an array", "no such field")
            read = {name: archive[name] for name in fields}
    except BadInput:
        raise
    except Exception as error:  # zip, zlib, header and type errors of many kinds
        raise BadInput(
            path, "", "a whole npz archive", f"{type(error).__name__}: {error}"
        ) from error
    names, vertices = read["expression_names"], _VERTICES["head"]
    shapes: dict[str, tuple[tuple[int, ...], str]] = {
        "expression_names": ((names.size,), "U"),
        "neutral": ((vertices, 3), "f"),
        "identity": ((_IDENTITIES, vertices, 3), "f"),
        "expression": ((names.size, vertices, 3), "f"),
        "faces": ((len(read["faces"]) if read["faces"].ndim else 0, 4), "iu"),
        "landmarks68": ((68,), "iu"),
    }
    for name, (shape, kinds) in shapes.items():
        if read[name].shape != shape or read[name].dtype.kind not in kinds or not read[name].size:
            found = f"{read[name].dtype} {read[name].shape}"
            raise BadInput(path, f"field {name}", f"{_KINDS[kinds]} of shape {shape}", found)
        if kinds == "f" and not np.isfinite(read[name]).all():
            raise BadInput(path, f"field {name}", "finite numbers", "NaN or infinity")
    polygons = read["faces"].astype(np.int64)
    corners = polygons[:, :3]
    if not 0 <= corners.min() <= polygons.max() < vertices or polygons.min() < -1:
        expected = f"indices below {vertices}, −1 in the last column for a triangle"
        raise BadInput(path, "field faces", expected, f"{polygons.min()} to {polygons.max()}")
    return (
        read["neutral"],
        read["identity"],
        read["expression"],
        tuple(str(name) for name in names),
        polygons,
        read["landmarks68"].astype(np.int64),
    )


def _read_release(folder: Path) -> _Parts:
    base = folder / "generic_neutral_mesh.obj"
    if not base.is_file():
        raise DatasetUnavailable(TITLE, base, HOW)
    neutral = _read_vertices(base)
    polygons = _read_polygons(base)
    identities = [folder / f"identity{number:03d}.obj" for number in range(_IDENTITIES)]
    known = {base, *identities}
    expressions = sorted(path for path in folder.glob("*.obj") if path not in known)
    if not expressions:
        raise BadInput(folder, "", "an OBJ file for each expression", "none")
    kept = _VERTICES["head"]
    moved = (_read_vertices(path)[:kept] for path in (*identities, *expressions))
    # In the precision of the compact file: the same numbers are the same model, by digest.
    stacked = np.stack([(one - neutral[:kept]).astype(np.float32) for one in moved])
    listed = folder / "vertex_indices.json"
    if not listed.is_file():
        raise DatasetUnavailable("ICT-FaceKit's landmark list", listed, HOW)
    try:
        landmarks = np.array(json.loads(listed.read_text())["idx_to_landmark_verts"], np.int64)
    except (ValueError, KeyError, TypeError) as error:
        expected = "JSON with a list idx_to_landmark_verts"
        raise BadInput(listed, "", expected, f"{type(error).__name__}: {error}") from error
    names = tuple(path.stem for path in expressions)
    return (
        neutral[:kept].astype(np.float32),
        stacked[:_IDENTITIES],
        stacked[_IDENTITIES:],
        names,
        polygons,
        landmarks,
    )


def _read_vertices(path: Path) -> np.ndarray:
    """``(26719, 3)`` vertices of an OBJ file, in its unit."""
    if not path.is_file():
        raise DatasetUnavailable(f"{TITLE}: {path.name}", path, HOW)
    lines = [line[2:] for line in path.read_bytes().splitlines() if line.startswith(b"v ")]
    if len(lines) != _ALL_VERTICES:
        raise BadInput(path, "vertices", f"{_ALL_VERTICES:,} lines 'v x y z'", f"{len(lines):,}")
    try:
        vertices = np.array(b" ".join(lines).split(), np.float64).reshape(_ALL_VERTICES, 3)
    except ValueError as error:
        raise BadInput(path, "vertices", "three numbers a line", str(error)) from error
    if not np.isfinite(vertices).all():
        raise BadInput(path, "vertices", "finite numbers", "NaN or infinity")
    return vertices


def _read_polygons(path: Path) -> np.ndarray:
    """``(n, 4)`` vertex indices from 0 of the OBJ's triangles (padded with −1) and quads."""
    polygons = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.startswith(b"f "):
            continue
        try:
            corners = [int(corner.split(b"/")[0]) - 1 for corner in line[2:].split()]
        except ValueError:
            corners = []
        if not 3 <= len(corners) <= 4 or not 0 <= min(corners) <= max(corners) < _ALL_VERTICES:
            raise BadInput(path, f"line {number}", "three or four vertices", repr(line[:80]))
        polygons.append([*corners, -1][:4])
    if not polygons:
        raise BadInput(path, "", "polygons", "none")
    return np.array(polygons, np.int64)


def _triangles(polygons: np.ndarray) -> np.ndarray:
    """Quads cut along their first diagonal."""
    first = polygons[:, [0, 1, 2]]
    second = polygons[polygons[:, 3] >= 0][:, [0, 2, 3]]
    return np.ascontiguousarray(np.concatenate((first, second)))


def _float(values: np.ndarray, kept: int) -> np.ndarray:
    return np.ascontiguousarray(values[..., :kept, :], np.float32)
