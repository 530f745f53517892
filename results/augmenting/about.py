"""What decides a set's versions: written down before the first, checked whenever a run goes on."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cfr.landmarks.sources import SOURCES, weight_files
from protocols.errors import BadInput
from protocols.types import InputFile
from results.augmenting.making import Turn
from results.augmenting.options import Augment
from results.augmenting.orders import turner
from results.augmenting.sets import SourceSet
from results.cache.durable import remove_leftovers, write_durably
from results.pair_settings import differences

ABOUT, WORK = "augmented.json", ".augment"
"""The record of a finished set, and the folder of what is made until then."""
_BEGUN = "begun.json"
_FORMAT = "augmented-1"


def settings_of(
    config: Augment, source: SourceSet, to: str, landmarks: str, turn: Turn, block: int
) -> dict[str, Any]:
    """Everything that decides the bytes, as plain values without paths of this machine.

    Args:
        config: The options.
        source: The set.
        to: The format to write.
        landmarks: Who finds faces.
        turn: The map stage.
        block: Pictures of a part.
    """
    # The identity tells weights and face model by their digests, not by a path.
    order = {
        name: one for name, one in asdict(turn.order).items() if name not in ("weights", "model")
    }
    settings = {
        "set": {"kind": source.kind, "rule": source.rule, "digest": source.digest},
        "to": to,
        "method": {**order, "identity": _identity(turn)},
        "poses": asdict(config.poses),
        "seed": config.seed,
        "missing": config.missing,
        "damaged": config.damaged,
        "landmarks": _landmarks(landmarks, config.landmarks_root),
        "block": block,
        "ground": turn.ground.seen(),
    }
    return json.loads(json.dumps(settings))


def begin(out: Path, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Say what the folder will hold, or check that it is what it holds already.

    Returns:
        The record of a run that has finished, if one has.

    Raises:
        BadInput: It holds something else, or was begun with other options; says which.
        CacheFailed: It cannot be written to.
    """
    work = out / WORK
    if (out / ABOUT).exists():
        record = _read(out / ABOUT)
        _check(out / ABOUT, record, settings)
        return record
    if (work / _BEGUN).exists():
        _check(work / _BEGUN, _read(work / _BEGUN), settings)
        remove_leftovers(work)
        return None
    others = [one.name for one in out.iterdir() if not one.name.startswith(".")]
    if others:
        raise BadInput(out, "", "an empty folder, or a set that was begun here", others[0])
    work.mkdir(exist_ok=True)
    write_durably(work / _BEGUN, _text({"format": _FORMAT, "settings": dict(settings)}))
    return None


def finish(out: Path, settings: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Write the record of a finished set."""
    record = {"format": _FORMAT, "settings": dict(settings), **found}
    write_durably(out / ABOUT, _text(record))
    return record


def _identity(turn: Turn) -> dict[str, str]:
    """What the method says of itself; its own yaw turns no face here."""
    return {name: one for name, one in turner(turn.order).identity.items() if name != "yaw"}


def _landmarks(name: str, root: Path | None) -> dict[str, str]:
    files = weight_files(name, root) if name in SOURCES else weight_files("dlib-hog")
    if name == "sidecar" and root is not None and root.is_file():
        files = (root,)
    return {"by": name, **{path.name: InputFile.of(path).sha256 for path in files}}


def _check(path: Path, record: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    if record.get("format") != _FORMAT or not isinstance(record.get("settings"), dict):
        raise BadInput(path, "", f"the format {_FORMAT}", "another")
    changed = list(differences(record["settings"], settings))
    if changed:
        expected = "the options that this set was begun with (or give another folder)"
        raise BadInput(path, "", expected, "; ".join(changed))


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(path, "", "JSON", str(error)) from error
    if not isinstance(record, dict):
        raise BadInput(path, "", "a JSON object", type(record).__name__)
    return record


def _text(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()
