"""insightface's FaceAnalysis with a model pack that the user has; nothing is downloaded.

Source of the conventions: deepinsight/insightface, Python package 2.1, ``app/face_analysis.py``.
It takes BGR. Its positions are kept as it gives them: it divides those of the resized photo by
the scale, which is up to half a photo pixel off where it enlarges.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from cfr.landmarks.face import FoundFace
from protocols.errors import BadInput, DatasetUnavailable
from protocols.roots import resolve_root

PACK = "buffalo_l"
HOW = (
    f"Unpack a model pack there, such as {PACK}.zip of https://github.com/deepinsight/insightface "
    "(for non-commercial research), or point to its folder."
)
_MODULES = ["detection", "landmark_3d_68"]


@dataclass(frozen=True, eq=False)
class InsightFace:
    """A prepared ``FaceAnalysis``.

    Attributes:
        analysis: It, with the models of one pack.
        name: What commands print.
    """

    analysis: Any
    name: str = "insightface"

    def __call__(
        self, photo: UInt8[np.ndarray, "h w 3"], path: Path | None = None
    ) -> list[FoundFace]:
        """Find the faces of a photo; with 68 points where the pack has a model for them.

        Raises:
            BadInput: The pack's detector gives no points.
        """
        return to_faces(self.analysis.get(np.ascontiguousarray(photo[..., ::-1])))


def to_faces(found: Iterable[Any]) -> list[FoundFace]:
    """Convert insightface's ``Face`` objects.

    Raises:
        BadInput: A face has no five points: the pack's detector was made without.
    """
    faces = []
    for one in found:
        if one.kps is None:
            raise BadInput(Path("insightface"), "detector", "one with five points", "boxes only")
        solid = one.landmark_3d_68
        points = None if solid is None else np.asarray(solid, np.float64)[:, :2]
        box, five = np.asarray(one.bbox, np.float64), np.asarray(one.kps, np.float64)
        faces.append(FoundFace(box, float(one.det_score), five, points, "insightface"))
    return faces


def load(root: Path | None = None, device: str = "cpu") -> InsightFace:
    """Load a model pack from a folder that is there.

    Args:
        root: The pack's folder. By default that of the root ``insightface``, if there is one, else
            insightface's own place, ``~/.insightface/models/buffalo_l``.
        device: ``cpu``, or a CUDA device (with ``onnxruntime-gpu``).

    Raises:
        DatasetUnavailable: There is no pack; says where it was looked for.
        BadInput: The pack holds no detector, or a damaged model.
    """
    folder = find_pack(root)
    from insightface.app import FaceAnalysis

    on_gpu = device.startswith("cuda")
    providers = ["CUDAExecutionProvider"] * on_gpu + ["CPUExecutionProvider"]
    try:
        # A folder, unlike a name, is never downloaded.
        analysis = FaceAnalysis(str(folder), allowed_modules=_MODULES, providers=providers)
        analysis.prepare(0 if on_gpu else -1)
    except Exception as error:  # onnxruntime and protobuf raise many kinds, an assertion among them
        found = " ".join(str(error).split())[:200] or "none"
        raise BadInput(folder, "", "a model pack with a detector", found) from error
    return InsightFace(analysis)


def find_pack(root: Path | None = None) -> Path:
    """The folder of a model pack; errors as of :func:`load`."""
    folder = root
    if folder is None:
        folder = resolve_root("insightface").path
        if not folder.is_dir():
            folder = Path.home() / ".insightface" / "models" / PACK
    if not any(folder.glob("*.onnx")):
        raise DatasetUnavailable("insightface's model pack", folder, HOW)
    return folder
