"""What decides the pairs of a folder, written down before the first and checked ever after."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from cfr.fit import FitSettings
from cfr.landmarks.sources import weight_files
from cfr.pairs.about import ABOUT, OCCLUDERS, RENDERS, About, PairSettings, read_about
from cfr.parsing.from_model import ModelParser
from protocols.errors import BadInput
from protocols.training_photos import TrainingPhotos
from protocols.types import InputFile
from results.cache.durable import remove_leftovers, write_durably
from results.export.ground import Ground
from results.faces_to_pair import WORST
from results.pair_orders import FIT, PairOrder, face_model, face_parser, landmarker, regressor
from results.pair_renders import RENDERED

PACKAGES = (
    "dlib-bin",
    "kornia",
    "numpy",
    "opencv-python",
    "pillow",
    "safetensors",
    "timm",
    "torch",
)
"""Packages whose version may change a pair."""
_MODULES = ("results.pair_shards", "cfr.pairs.about")
_ABSENT = "(absent)"


def settings_of(
    order: PairOrder, found: TrainingPhotos, shard: int, renders: int = 0
) -> PairSettings:
    """What decides the pairs; everything is loaded once here, so that what is absent is told.

    Args:
        order: What pairs are to be made of.
        found: The photos.
        shard: Photos of a shard.
        renders: Made-up people after the photos.

    Raises:
        DatasetUnavailable: The face model, a regressor or weights are absent.
        BadInput: One of them is broken.
        BadOption: There is no such face model, parser or source of points.
    """
    if regressor(order) is None:
        coefficients = {"by": FIT, "settings": repr(asdict(FitSettings())), "worst": str(WORST)}
    else:
        sha256 = InputFile.of(Path(order.coefficients)).sha256
        coefficients = {"by": "regressor", "sha256": sha256}
    return PairSettings(
        size=order.size,
        preset=order.preset,
        swap=order.swap,
        parser=dict((face_parser(order) or ModelParser()).identity),
        model=face_model(order.model, order.device).digest,
        coefficients=coefficients,
        landmarks=_landmarks(order, found),
        seed=order.seed,
        each=order.each,
        photos=found.digest,
        rule=found.rule,
        shard=shard,
        device=_device(order.device),
        ground=Ground.here(_MODULES, PACKAGES).seen(),
        added=_added(order, renders),
    )


def _added(order: PairOrder, renders: int) -> dict[str, str]:
    """What the paper's pairs have not."""
    added = {}
    if order.occluded:
        added[OCCLUDERS] = f"{order.occluded:g} of pairs: {', '.join(order.occluders)}"
    if renders:
        added[RENDERS] = f"{renders:,} people, {RENDERED!r}"
    return added


def _landmarks(order: PairOrder, found: TrainingPhotos) -> dict[str, str]:
    """Who says where faces are, and the digests of what decides that."""
    if all(photo.points is not None for photo in found.photos):
        return {"by": "the photos' own points"}
    name, root = order.landmarks, order.landmarks_root
    landmarker(order)
    files = weight_files(name, root)
    if name == "sidecar" and root is not None and root.is_file():
        files = (root,)
    return {"by": name, **{path.name: InputFile.of(path).sha256 for path in files}}


def _device(device: str) -> str:
    if device == "cpu":
        return device
    return f"{device} ({torch.cuda.get_device_name()})"


def begin(out: Path, settings: PairSettings) -> None:
    """Say what the folder will hold, or check that it is what it holds already.

    Raises:
        BadInput: It holds something else, or pairs made with other options; says which.
        CacheFailed: It cannot be written to.
    """
    remove_leftovers(out)
    if (out / ABOUT).exists():
        before, now = asdict(read_about(out).settings), asdict(settings)
        changed = list(differences(before, now))
        if changed:
            expected = "the options that these pairs were begun with (or give another folder)"
            raise BadInput(out / ABOUT, "", expected, "; ".join(changed))
        return
    others = [one.name for one in out.iterdir() if not one.name.startswith(".")]
    if others:
        raise BadInput(out, "", "an empty folder, or pairs", f"{others[0]}")
    write_durably(out / ABOUT, About(settings).text().encode())


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What is not the same, in words."""
    for name in [*before, *(one for one in now if one not in before)]:
        one, other = before.get(name, _ABSENT), now.get(name, _ABSENT)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from (f"{name}, {what}" for what in differences(one, other))
        elif one != other:
            yield f"{name} {one} before, {other} now"
