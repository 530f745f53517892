"""The Basel Face Model 2009, cropped and given expressions as Deep3D does.

Licensed by registration, non-commercial; nothing of it is part of this project. Three forms are in
use, and each is read by its own function, because they differ in what a mistake would not show:

==========================  ===========  ================  =======================
form                        indices      texture           from
==========================  ===========  ================  =======================
``BFM_model_front.mat``     from 1       0 to 255          microsoft, sicxu (Deep3D)
``BFM_model_80.mat``        from 0       0 to 1            the paper's authors
raw files (a folder)        from 1       0 to 255          Basel, Guo et al., Deep3D
==========================  ===========  ================  =======================

All give 35,709 vertices, 70,789 triangles and 80, 64, 80 modes, built as in Deep3D's ``utils.py``.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from cfr.morphable.model import ModelArrays, MorphableModel
from cfr.normals import incident_triangles
from protocols.errors import BadInput, DatasetUnavailable
from protocols.matfile import read_indices, read_mat

TITLE = "the Basel Face Model 2009"
HOW = (
    "Register at https://faces.dmi.unibas.ch, "
    "then convert as microsoft/Deep3DFaceReconstruction says."
)
HOW_INDICES = "It is part of sicxu/Deep3DFaceRecon_pytorch (folder BFM)."

VERTICES, TRIANGLES = 35_709, 70_789
_FULL, _WITH_EXPRESSIONS, _AROUND = 53_490, 53_215, 8
_RAW_MODES, _RAW_EXPRESSIONS = 199, 79
_MODES: Mapping[str, int] = {"idBase": 80, "exBase": 64, "texBase": 80}
_INDEX_FIELDS = {
    "tri": (TRIANGLES, 3),
    "point_buf": (VERTICES, _AROUND),
    "keypoints": (1, 68),
    "skinmask": (1, VERTICES),
}
_MODEL_FIELDS = {
    "meanshape": (1, 3 * VERTICES),
    "meantex": (1, 3 * VERTICES),
    **{name: (3 * VERTICES, modes) for name, modes in _MODES.items()},
}


def load(path: Path) -> MorphableModel:
    """Read whichever form ``path`` is: a file by its published name, or a folder with one.

    Raises:
        DatasetUnavailable: No form is there.
        BadInput: A file is not what its name promises.
    """
    if path.is_dir():
        if (path / "BFM_model_front.mat").is_file():
            return load_front(path / "BFM_model_front.mat")
        if (path / "BFM_model_80.mat").is_file():
            return load_authors(path / "BFM_model_80.mat")
        return load_raw(path)
    if path.name == "BFM_model_80.mat":
        return load_authors(path)
    return load_front(path)


def load_front(path: Path) -> MorphableModel:
    """Read Deep3D's ``BFM_model_front.mat``: indices from 1, texture from 0 to 255.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: A field is absent, of another shape, or counts from another base; names it.
    """
    return _load_converted(path, base=1, white=255.0)


def load_authors(path: Path) -> MorphableModel:
    """Read the paper authors' ``BFM_model_80.mat``: indices from 0, texture from 0 to 1.

    Raises:
        DatasetUnavailable: It is absent.
        BadInput: A field is absent, of another shape, or counts from another base; names it.
    """
    return _load_converted(path, base=0, white=1.0)


def load_raw(folder: Path) -> MorphableModel:
    """Build the model from the files that Basel, Guo et al. and Deep3D publish.

    ``01_MorphableModel.mat`` (Basel), ``Exp_Pca.bin`` and ``std_exp.txt`` (Guo et al., with
    Juyong/3DFace), ``BFM_front_idx.mat``, ``BFM_exp_idx.mat`` and ``facemodel_info.mat`` (Deep3D).

    Raises:
        DatasetUnavailable: One is absent; names it.
        BadInput: One is damaged, or of another shape; names the field.
    """
    basel = folder / "01_MorphableModel.mat"
    rows = {"MU": (3 * _FULL, 1), "PC": (3 * _FULL, _RAW_MODES), "EV": (_RAW_MODES, 1)}
    fields = {f"{kind}{part}": rows[part] for kind in ("shape", "tex") for part in rows}
    raw = read_mat(basel, fields, title=TITLE, how=HOW)
    front = _vertex_indices(folder / "BFM_front_idx.mat", "idx", VERTICES, _WITH_EXPRESSIONS)
    trimmed = _vertex_indices(folder / "BFM_exp_idx.mat", "trimIndex", _WITH_EXPRESSIONS, _FULL)
    kept = trimmed[front]

    def mean(field: str) -> np.ndarray:
        return raw[field].reshape(-1, 3)[kept]

    def modes(kind: str, number: int) -> np.ndarray:
        basis = raw[f"{kind}PC"][:, :number] * raw[f"{kind}EV"].reshape(-1)[:number]
        return basis.reshape(-1, 3, number)[kept].transpose(2, 0, 1)

    expression = _read_expressions(folder)[:, front]
    info = folder / "facemodel_info.mat"
    read = read_mat(info, _INDEX_FIELDS, title="Deep3D's topology", how=HOW_INDICES)
    return _model(
        shape=mean("shapeMU") / 1e5,
        identity=modes("shape", _MODES["idBase"]) / 1e5,
        expression=expression[: _MODES["exBase"]] / 1e5,
        texture=mean("texMU") / 255,
        texture_modes=modes("tex", _MODES["texBase"]) / 255,
        indices=_indices(info, read, base=1),
    )


def _load_converted(path: Path, *, base: int, white: float) -> MorphableModel:
    read = read_mat(path, _MODEL_FIELDS | _INDEX_FIELDS, title=TITLE, how=HOW)
    indices = _indices(path, read, base=base)
    brightest = float(read["meantex"].max())
    if (brightest > 2) != (white == 255.0):
        raise BadInput(
            path, "field meantex", f"colours from 0 to {white:.0f}", f"values to {brightest:.3g}"
        )

    def modes(field: str) -> np.ndarray:
        return read[field].T.reshape(-1, VERTICES, 3)

    return _model(
        shape=read["meanshape"].reshape(-1, 3),
        identity=modes("idBase"),
        expression=modes("exBase"),
        texture=read["meantex"].reshape(-1, 3) / white,
        texture_modes=modes("texBase") / white,
        indices=indices,
    )


def _model(
    *,
    shape: np.ndarray,
    identity: np.ndarray,
    expression: np.ndarray,
    texture: np.ndarray,
    texture_modes: np.ndarray,
    indices: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> MorphableModel:
    """Put the mean shape's centroid at the origin (never the sample's), and build the model."""
    triangles, landmarks, skin = indices

    def real(values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values, np.float32)

    arrays = ModelArrays(
        mean_shape=real(shape - shape.mean(0)),
        identity=real(identity),
        expression=real(expression),
        mean_texture=real(texture),
        texture=real(texture_modes),
        triangles=triangles,
        landmarks=landmarks,
        skin=skin,
    )
    return MorphableModel("bfm09", arrays)


def _indices(
    path: Path, read: Mapping[str, np.ndarray], *, base: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles, landmarks and skin, counted from 0; the triangles around each vertex must agree.

    ``point_buf`` is what we compute ourselves, but a file in which it disagrees has mixed bases.
    """
    triangles = read_indices(path, "tri", read["tri"], base=base, count=VERTICES)
    landmarks = read_indices(path, "keypoints", read["keypoints"], base=base, count=VERTICES)
    around = read_indices(path, "point_buf", read["point_buf"], base=base, count=TRIANGLES + 1)
    if triangles.min() != 0 or triangles.max() != VERTICES - 1:
        expected = f"every vertex from {base} to {base + VERTICES - 1} in some triangle"
        found = f"{triangles.min() + base} to {triangles.max() + base}"
        raise BadInput(path, "field tri", expected, found)
    ours = np.full((VERTICES, _AROUND), TRIANGLES)
    incident = incident_triangles(torch.from_numpy(triangles), VERTICES).numpy()[:, :_AROUND]
    ours[:, : incident.shape[1]] = incident
    differ = np.flatnonzero((np.sort(ours, axis=1) != np.sort(around, axis=1)).any(1))
    if len(differ):
        expected = f"the triangles around each vertex, counted from {base}, padded with "
        expected += f"{TRIANGLES + base}"
        found = f"others at vertex {differ[0] + base} and {len(differ) - 1} more"
        raise BadInput(path, "field point_buf", expected, found)
    skin = read["skinmask"].reshape(-1)
    if not np.isin(skin, (0, 1)).all():
        raise BadInput(path, "field skinmask", "zeros and ones", f"values to {skin.max()}")
    return triangles, landmarks.reshape(-1), skin > 0


def _vertex_indices(path: Path, field: str, rows: int, count: int) -> np.ndarray:
    read = read_mat(path, {field: (rows, 1)}, title="Deep3D's index file", how=HOW_INDICES)
    return read_indices(path, field, read[field], base=1, count=count).reshape(-1)


def _read_expressions(folder: Path) -> np.ndarray:
    """``(79, 53215, 3)`` expression modes times their deviations; their mean is ignored.

    ``Exp_Pca.bin`` is an int32 with the number of modes, then float32: a mean, then the modes.
    """
    binary, deviations = folder / "Exp_Pca.bin", folder / "std_exp.txt"
    how = "It comes with Juyong/3DFace (Guo et al.); std_exp.txt is part of Deep3D."
    for path in (binary, deviations):
        if not path.is_file():
            raise DatasetUnavailable("Guo et al.'s expressions", path, how)
    expected = 4 * (1 + 3 * _WITH_EXPRESSIONS * (1 + _RAW_EXPRESSIONS))
    if binary.stat().st_size != expected:
        raise BadInput(binary, "", f"{expected:,} bytes", f"{binary.stat().st_size:,}")
    with binary.open("rb") as file:
        number = int(np.fromfile(file, "<i4", 1)[0])
        if number != _RAW_EXPRESSIONS:
            raise BadInput(binary, "number of modes", str(_RAW_EXPRESSIONS), str(number))
        values = np.fromfile(file, "<f4").reshape(1 + number, _WITH_EXPRESSIONS, 3)
    try:
        spread = np.loadtxt(deviations).reshape(-1)
    except ValueError as error:
        raise BadInput(deviations, "", f"{_RAW_EXPRESSIONS} numbers", str(error)) from error
    if len(spread) != _RAW_EXPRESSIONS or not np.isfinite(spread).all():
        raise BadInput(deviations, "", f"{_RAW_EXPRESSIONS} numbers", f"{len(spread)}")
    if not np.isfinite(values).all():
        raise BadInput(binary, "", "finite numbers", "NaN or infinity")
    return values[1:] * spread[:, None, None]
