"""The sources of faces and points that commands know by name."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cfr.landmarks import retinaface, sidecar, tddfa, with_dlib, with_insightface
from cfr.landmarks.face import Landmarker, With68
from protocols.errors import BadOption

SOURCES: Mapping[str, Callable[[Path | None, str], Landmarker]] = {
    "dlib": with_dlib.load,
    "dlib-hog": with_dlib.load_hog,
    "insightface": with_insightface.load,
    "retinaface": retinaface.load,
    "sidecar": sidecar.load,
    "tddfa": tddfa.load,
}
"""Name → loader, which takes the root (or None) and the device."""
FIVE_ONLY = ("insightface", "retinaface", "sidecar")
"""Sources whose faces may have no 68 points of their own."""


def weight_files(name: str, root: Path | None = None) -> tuple[Path, ...]:
    """The files that decide what a source answers; none of ``sidecar``, which answers from files.

    Args:
        name: A key of :data:`SOURCES`.
        root: As of :func:`load_landmarker`.

    Raises:
        BadOption: There is no source of this name.
        DatasetUnavailable: A file is absent.
        PackageUnavailable: The package that holds it is not installed.
    """
    _check_name(name)
    return tuple(_FILES[name](root)) if name in _FILES else ()


def load_landmarker(
    name: str, root: Path | None = None, *, device: str = "cpu", need_68: bool = False
) -> Landmarker:
    """Load a source of faces by name. Nothing is ever downloaded.

    Args:
        name: A key of :data:`SOURCES`.
        root: The value of ``--root``: the folder of its weights; for ``sidecar`` the CSV file or
            the folder of text files. By default the usual places (docs/landmarks.md).
        device: Where networks run; dlib decides for itself.
        need_68: Whether every face has to have 68 points. A source of five gets them from dlib's
            predictor.

    Raises:
        BadOption: There is no source of this name.
        DatasetUnavailable: Its weights are absent; says how to get them.
        PackageUnavailable: Its package is not installed, or dlib's predictor is needed.
        BadInput: A weight file is not what it has to be.
    """
    _check_name(name)
    landmarker = SOURCES[name](root, device)
    if not need_68 or name not in FIVE_ONLY:
        return landmarker
    return With68(landmarker, with_dlib.load_predictor())


def _check_name(name: str) -> None:
    if name not in SOURCES:
        raise BadOption(f"landmarks {name}", f"any of {', '.join(SOURCES)}")


def _dlib(root: Path | None) -> Iterable[Path]:
    return [with_dlib.weights(one, root) for one in with_dlib.FILES]


def _dlib_hog(root: Path | None) -> Iterable[Path]:
    return [with_dlib.weights(with_dlib.PREDICTOR_FILE, root)]


def _insightface(root: Path | None) -> Iterable[Path]:
    return sorted(with_insightface.find_pack(root).glob("*.onnx"))


_FILES: Mapping[str, Callable[[Path | None], Iterable[Path]]] = {
    "dlib": _dlib,
    "dlib-hog": _dlib_hog,
    "insightface": _insightface,
    "retinaface": retinaface.files,
    "tddfa": tddfa.files,
}
