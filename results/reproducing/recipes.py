"""What tables are made from, as stages: data sets, augmented training sets, trainings."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from cfr.frontalizers.sources import weight_file
from cfr.landmarks.sources import SOURCES, weight_files
from cfr.morphable.builtin import FILE as FACE_MODEL
from results.export.ground import torch_device
from results.reproducing.profiles import Profile
from results.reproducing.stages import Needed, Site, Stage
from results.synthetic.options import MakeSynthetic, Name, Scale
from results.tables.table4_loading import regressor_file

Method = Literal["cfr-gan", "rotate-and-render"]
_PHOTOS = ("numpy", "opencv-python", "pillow", "scipy", "torch")
_VERSIONS = (*_PHOTOS, "dlib-bin", "matplotlib", "scikit-image")
_NETWORKS = ("numpy", "lightning", "onnx", "timm", "torch", "torchvision")
_TRAINING = (
    "recognizers.onnx_about",
    "recognizers.onnx_export",
    "recognizers.training.drawing",
    "recognizers.training.loop",
)
_RECOGNIZER = (
    *_TRAINING,
    "recognizers.iresnet",
    "recognizers.training.arcface",
    "recognizers.training.presets",
    "results.training.recognizer_data",
    "results.training.recognizer_options",
)
_EXPRESSION = (
    *_TRAINING,
    "protocols.rafdb",
    "recognizers.vgg",
    "recognizers.training.expression",
    "results.training.expression_options",
    "results.training.expression_photos",
    "results.training.expression_weights",
)
_AUGMENTING = ("results.augmenting.making", "results.augmenting.assembling")
_PHOTOS_A_SECOND = 25
_VERSIONS_A_SECOND = 8


def made_up(name: Name, scale: Scale, photos: int) -> Stage:
    """A data set of the synthetic world.

    Args:
        name: Which.
        scale: How large.
        photos: How many photos that is.
    """
    return Stage(
        title=f"made-up {name} {scale}",
        config={"what": "world", "set": name, "scale": scale, "seed": 0},
        make=partial(_make_world, name, scale),
        seconds=5 + photos / _PHOTOS_A_SECOND,
        modules=("results.synthetic.making",),
        packages=_PHOTOS,
        files=(FACE_MODEL,),
        many=True,
    )


def _make_world(name: Name, scale: Scale, site: Site) -> None:
    from results.synthetic.making import make_synthetic

    config = MakeSynthetic(site.folder, scale=scale, sets=(name,), jobs=site.jobs)
    make_synthetic(config, site.show)


def augmented(
    source: Needed, below: str, method: Method, options: Mapping[str, Any], photos: int
) -> Stage:
    """A training set with versions of its photos by a method.

    Args:
        source: The set.
        below: Its root in the source's folder.
        method: What makes them.
        options: Of ``augment.py``; ``points`` names a file of facial points beside the photos, in
            the source's folder.
        photos: How many photos it has, roughly.
    """
    return Stage(
        title=f"augmented {below or 'set'} {method}",
        config={
            "what": "augmented",
            "below": below,
            "method": method,
            "options": dict(options),
            "device": torch_device("auto"),
        },
        make=partial(_augment, below, method, dict(options)),
        seconds=10 + photos / _VERSIONS_A_SECOND,
        modules=_AUGMENTING,
        packages=_VERSIONS,
        files=tuple(_files(method, options)),
        needs=(source,),
        many=True,
    )


def _files(method: Method, options: Mapping[str, Any]) -> Iterator[Path]:
    yield FACE_MODEL
    if (weights := weight_file(method)) is not None:
        yield weights
    if options.get("coefficients") == "regressor":
        yield regressor_file("stage2")
    if options.get("landmarks") in SOURCES:
        yield from weight_files(options["landmarks"])


def _augment(below: str, method: Method, options: Mapping[str, Any], site: Site) -> None:
    from results.augmenting.options import Augment
    from results.augmenting.running import augment_set

    (source,) = site.needs
    told = dict(options)
    if points := told.pop("points", None):
        told |= {"landmarks": "sidecar", "landmarks_root": source / points}
    out = site.folder / "set"
    augment_set(Augment(source / below, out, method=method, jobs=site.jobs, **told), site.show)


def recognizer(title: str, source: Needed, below: str, profile: Profile, seed: int) -> Stage:
    """A training of a recognizer.

    Args:
        title: What tables call its training set.
        source: The training set.
        below: Its root in the source's folder.
        profile: How long.
        seed: Of everything drawn.
    """
    options = {**profile.recognizer, "name": network_name(title, seed)}
    return Stage(
        title=f"{title} seed {seed}",
        config={"what": "recognizer", "below": below, "options": options, "seed": seed},
        make=partial(_train_recognizer, below, options, seed),
        seconds=profile.seconds[0],
        modules=_RECOGNIZER,
        packages=_NETWORKS,
        needs=(source,),
        many=profile.one_by_one,
    )


def _train_recognizer(below: str, options: Mapping[str, Any], seed: int, site: Site) -> None:
    from results.training.recognizer import train_recognizer
    from results.training.recognizer_options import TrainRecognizer

    (source,) = site.needs
    config = TrainRecognizer(
        data=str(source / below),
        seed=seed,
        threads=site.jobs,
        workers=_readers(site),
        out=site.folder,
        **options,
    )
    train_recognizer(config, Console(quiet=True), site.show)


def expression(title: str, source: Needed, below: str, profile: Profile, seed: int) -> Stage:
    """A training of an expression classifier: arguments as of :func:`recognizer`."""
    options = {**profile.expression, "name": network_name(title, seed)}
    start = options.get("start")
    told = {**options, "start": start.name} if start else options
    return Stage(
        title=f"{title} seed {seed}",
        config={"what": "expression", "below": below, "options": told, "seed": seed},
        make=partial(_train_expression, below, options, seed),
        seconds=profile.seconds[1],
        modules=_EXPRESSION,
        packages=_NETWORKS,
        files=() if start is None else (start,),
        needs=(source,),
        many=profile.one_by_one,
    )


def _train_expression(below: str, options: Mapping[str, Any], seed: int, site: Site) -> None:
    from results.training.expression import train_expression
    from results.training.expression_options import TrainExpression

    (source,) = site.needs
    config = TrainExpression(
        data=source / below,
        seeds=(seed,),
        threads=site.jobs,
        workers=_readers(site),
        jobs=site.jobs,
        out=site.folder,
        **options,
    )
    train_expression(config, Console(quiet=True), site.show)


def _readers(site: Site) -> int:
    """Processes that draw batches; none where every core trains a network of its own."""
    return min(4, site.jobs - 1)


TRAININGS = {"recognizer": recognizer, "expression": expression}
"""What is trained → the recipe of one training."""


def network_name(title: str, seed: int) -> str:
    """What a training's files are called: after what its set was augmented by."""
    return f"{title.partition(' ')[2]}-{seed}"


def network_of(kind: str, title: str, folder: Path, seed: int) -> Path:
    """The network that a training leaves in its folder, as ONNX."""
    name = network_name(title, seed)
    if kind == "expression":
        return folder / f"seed-{seed}" / f"{name}.onnx"
    return folder / f"recognizer-{name}.onnx"
