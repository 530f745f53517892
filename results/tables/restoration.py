"""How near restored faces are to the true ones: a table a data set, one row a method."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from protocols.errors import BadOption, DatasetUnavailable, PackageUnavailable
from recognizers.types import Device
from results.export.ground import torch_device
from results.export.work import Show, no_bar
from results.option_checks import require_least
from results.tables.result import Result

if TYPE_CHECKING:  # what computes is imported when something is computed
    from cfr.landmarks.face import Landmarker
    from cfr.lpips import Kind
    from cfr.morphable.model import MorphableModel
    from results.restoration.cases import CaseSet
    from results.restoration.measuring import Judges

Data = Literal["masked-pairs", "renders", "unoccluded"]


@dataclass(frozen=True)
class Restoration:
    """Restored faces against the truth: where something is hidden, and where nothing is."""

    data: tuple[Data, ...] = ("masked-pairs", "renders", "unoccluded")
    """masked-pairs: 30 photos with and without a mask pasted on; renders: made-up people behind
    drawn occluders; unoccluded: made-up people and LFW's folds 1-4, frontal, nothing hidden."""
    weights: tuple[str, ...] = ()
    """Of cfr-gan, ours first: names or files. By default mini, and those of its ablations that are
    there."""
    rotate_and_render: str | None = None
    """Weights of the row rotate-and-render; its own default otherwise."""
    root: Path | None = None
    """Folder of the masked pairs; beats CFR_DATA, data.toml and data/masked-pairs."""
    lfw_root: Path | None = None
    """Folder of LFW, likewise."""
    landmarks: Literal["dlib", "dlib-hog", "insightface", "retinaface", "sidecar", "tddfa"] = (
        "tddfa"
    )
    """What finds the 68 points of photos (docs/landmarks.md)."""
    landmarks_root: Path | None = None
    """Folder of its weights, or of the points' files."""
    lpips: str | None = None
    """alex:FILE, vgg:FILE or squeeze:FILE: torchvision's weights of that network."""
    lpips_root: Path | None = None
    """Folder of LPIPS's linear heads; beats CFR_DATA, data.toml and data/lpips."""
    count: int = 200
    """Made-up people behind occluders; half as many without."""
    photos: int = 100
    """Photos of LFW."""
    size: int = 112
    """Pixels along each side of the crops that are compared."""
    shown: int = 8
    """Faces of the figure."""
    resamples: int = 2000
    """Of the bootstrap, for 95 % intervals."""
    seed: int = 0
    """Of the bootstrap."""
    device: Device = "cpu"
    """Where networks run."""

    def __post_init__(self) -> None:
        """Refuse what nothing could be measured with."""
        least = {"count": 2, "photos": 1, "size": 32, "shown": 1, "resamples": 100, "seed": 0}
        require_least(self, least)
        if not self.data:
            raise BadOption("--data", "any of masked-pairs, renders, unoccluded")
        if self.lpips is not None:
            from cfr.lpips import split_option

            split_option(self.lpips)


def compute(config: Restoration, show: Show = no_bar) -> Iterator[Result]:
    """Restore, judge, compare: a table a data set, as soon as it is measured.

    Raises:
        DatasetUnavailable: Weights, or the network of points, are absent.
        BadInput: A file is damaged.
        BadOption: There is no such device.
    """
    from cfr.morphable.sources import load_model
    from results.restoration.measuring import measure
    from results.restoration.methods import load_methods
    from results.restoration.tabulating import Tabulating, tabulate

    config = replace(config, device=torch_device(config.device))
    methods = load_methods(config.weights, config.rotate_and_render, config.device)
    judges = load_judges(config)
    model = load_model("builtin").to(config.device)
    for load in _loaders(config, model):
        started = time.perf_counter()
        cases = load(show=show)
        measured = measure(cases, methods, judges, size=config.size, shown=config.shown, show=show)
        numbers = Tabulating(config.resamples, config.seed, config.device)
        yield tabulate(cases, methods, judges, measured, numbers, _plain(config), started)


def _loaders(config: Restoration, model: "MorphableModel") -> Iterator[partial["CaseSet"]]:
    """What makes each data set that was asked for."""
    from results.restoration.cases import draw_renders

    if "masked-pairs" in config.data:
        yield partial(_masked, config)
    if "renders" in config.data:
        yield partial(draw_renders, model, config.count, occluded=True)
    if "unoccluded" in config.data:
        yield partial(draw_renders, model, config.count // 2, occluded=False)
        yield partial(_frontal, config, model)


def _masked(config: Restoration, show: Show) -> "CaseSet":
    from protocols.masked_pairs import HOW, TITLE
    from protocols.roots import require_root
    from results.restoration.cases import CaseSet, load_masked

    return _of_photos(
        config,
        lambda: require_root("masked-pairs", TITLE, HOW, config.root),
        lambda root, landmarker: load_masked(root, landmarker, show),
        lambda why: CaseSet("masked-pairs", TITLE, "real", True, (), absent=why),
    )


def _frontal(config: Restoration, model: "MorphableModel", show: Show) -> "CaseSet":
    from protocols.lfw import HOW
    from protocols.roots import require_root
    from results.restoration.cases import CaseSet, load_frontal

    title = "frontal photos of LFW"
    return _of_photos(
        config,
        lambda: require_root("lfw", "LFW", HOW, config.lfw_root),
        lambda root, landmarker: load_frontal(root, model, landmarker, config.photos, show),
        lambda why: CaseSet("unoccluded-lfw", title, "real", False, (), absent=why),
    )


def _of_photos(
    config: Restoration,
    find: Callable[[], Path],
    load: "Callable[[Path, Landmarker], CaseSet]",
    without: "Callable[[str], CaseSet]",
) -> "CaseSet":
    """Photos may be absent, and are then told; what finds their points may not."""
    try:
        root = find()
    except DatasetUnavailable as error:
        return without(str(error))
    landmarker = _landmarker(config)
    try:
        return load(root, landmarker)
    except DatasetUnavailable as error:
        return without(str(error))


def _landmarker(config: Restoration) -> "Landmarker":
    from cfr.landmarks.sources import load_landmarker

    return load_landmarker(
        config.landmarks, config.landmarks_root, device=config.device, need_68=True
    )


def load_judges(config: Restoration) -> "Judges":
    """The recognizers and LPIPS that are there; the others say how to get them.

    Raises:
        DatasetUnavailable: LPIPS was asked for, and a file of it is absent.
    """
    from cfr.lpips import HOW_BACKBONE, load_lpips, split_option
    from recognizers.sources import load_recognizer
    from results.restoration.judges import IdentityJudge
    from results.restoration.measuring import (
        IDENTITY,
        IN_THE_LOSS,
        LPIPS,
        LPIPS_FACE,
        Judges,
    )

    identity: dict[str, IdentityJudge] = {}
    unavailable: dict[str, str] = {}
    weights: dict[str, str] = {}
    measures: dict[str, tuple[str, Literal["distance", "cosine"]]] = {
        IDENTITY: ("dlib", "distance"),
        IN_THE_LOSS: ("mobilefacenet", "cosine"),
    }
    for column, (name, measure) in measures.items():
        try:
            identity[column] = IdentityJudge(load_recognizer(name, device=config.device), measure)
            weights[name] = identity[column].recognizer.identity["weights"]
        except (DatasetUnavailable, PackageUnavailable) as error:
            unavailable[column] = str(error)
    distance = None
    if config.lpips is None:
        told = f"no network was given. {HOW_BACKBONE}"
        unavailable |= {LPIPS: told, LPIPS_FACE: told}
    else:
        kind, backbone = split_option(config.lpips)
        distance = load_lpips(kind, backbone, config.lpips_root, device=config.device)
        weights |= _digests(f"lpips {kind}", kind, backbone, config.lpips_root)
    between = None if distance is None else distance.between
    return Judges(identity, between, unavailable, weights)


def _digests(name: str, kind: "Kind", backbone: Path, root: Path | None) -> dict[str, str]:
    from cfr.lpips import heads_file
    from protocols.types import InputFile

    files = {name: backbone, f"{name}, heads": heads_file(kind, root)}
    return {title: InputFile.of(path).sha256 for title, path in files.items()}


def _plain(config: Restoration) -> dict[str, str | int]:
    """What decides the numbers, without paths of this machine."""
    return {
        "landmarks": config.landmarks,
        "count": config.count,
        "photos": config.photos,
        "size": config.size,
        "resamples": config.resamples,
        "lpips": "none" if config.lpips is None else config.lpips.partition(":")[0],
    }
