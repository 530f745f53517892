"""What a folder of pairs says of itself: ``pairs.json``."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from cfr.pairs.rules import PRESETS
from protocols.errors import BadInput

FORMAT, ABOUT = "cfr-pairs-1", "pairs.json"
OCCLUDERS, RENDERS = "occluders", "renders"
"""What may be added to the paper's pairs."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WHAT = f"settings of pairs written by scripts/make_pairs.py ({FORMAT})"


@dataclass(frozen=True)
class PairSettings:
    """What decides the pairs of a folder; nothing about how fast, or where they were made.

    Attributes:
        size: Pixels a side.
        preset: Of :data:`cfr.pairs.rules.PRESETS`.
        swap: Whether what hides the face was exchanged.
        parser: Identity of the face parser.
        model: Digest of the face model.
        coefficients: What they come from: the fit and its numbers, or a regressor's digest.
        landmarks: What found the 68 points, and the digests of its weights.
        seed: Of everything drawn.
        each: Rotations of a photo.
        photos: Digest of the list of photos.
        rule: What photos these are, in words.
        shard: Photos of a shard.
        device: cpu or cuda: their last bits differ.
        ground: Versions of packages and the digest of the code that decide the pairs.
        added: What the paper's pairs have not: drawn occluders, rendered people. Empty without,
            and then not written, as before there were any.
    """

    size: int
    preset: str
    swap: bool
    parser: Mapping[str, str]
    model: str
    coefficients: Mapping[str, str]
    landmarks: Mapping[str, str]
    seed: int
    each: int
    photos: str
    rule: str
    shard: int
    device: str
    ground: Mapping[str, str]
    added: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> dict[str, Any]:
        """As JSON has them."""
        found = asdict(self)
        if not self.added:
            del found["added"]
        return found


@dataclass(frozen=True)
class Shard:
    """A shard that is whole.

    Attributes:
        pairs: How many.
        index: sha256 of its index, which has those of the pictures.
        coefficients: sha256 of its coefficients; empty without any.
    """

    pairs: int
    index: str
    coefficients: str


@dataclass(frozen=True)
class About:
    """The content of ``pairs.json``.

    Attributes:
        settings: What decides the pairs.
        finished: Whether all shards are there; what follows is empty before.
        shards: In order.
        pairs: How many, over all.
        left_out: Photo → why there is no pair of it.
        digest: Of settings and shards.
    """

    settings: PairSettings
    finished: bool = False
    shards: tuple[Shard, ...] = ()
    pairs: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    def text(self) -> str:
        """As it is written."""
        what = {"format": FORMAT, **asdict(self), "settings": self.settings.written()}
        return json.dumps(what, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def finished(
    settings: PairSettings, shards: tuple[Shard, ...], left_out: Mapping[str, str]
) -> About:
    """What a folder says when all of its shards are there."""
    what = {"settings": settings.written(), "shards": [asdict(one) for one in shards]}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    pairs = sum(one.pairs for one in shards)
    return About(settings, True, shards, pairs, dict(sorted(left_out.items())), digest)


def read_about(folder: Path) -> About:
    """What a folder says of itself, finished or not.

    Raises:
        BadInput: There is no ``pairs.json``, or it is damaged or of another format.
    """
    path = folder / ABOUT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(path, "", _WHAT, error.strerror or str(error)) from error
    except ValueError as error:
        raise BadInput(path, "", _WHAT, f"damage ({error})") from error
    of = found.get("format") if isinstance(found, dict) else None
    if of != FORMAT:
        raise BadInput(path, "format", FORMAT, repr(of)[:80])
    try:
        about = _about(path, found)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(path, "", _WHAT, f"damage ({type(error).__name__}: {error})") from error
    if about.finished and finished(about.settings, about.shards, about.left_out) != about:
        raise BadInput(path, "digest", "that of the settings and shards beside it", "another")
    return about


def _about(path: Path, found: dict[str, Any]) -> About:
    settings = {"added": {}, **found["settings"]}
    for one in fields(PairSettings):
        value = settings[one.name]
        kind = {"int": int, "bool": bool, "str": str}.get(str(getattr(one.type, "__name__", "")))
        if not (type(value) is kind if kind else _is_text(value)):
            raise BadInput(path, f"settings, {one.name}", str(one.type), repr(value)[:80])
    if set(settings) != {one.name for one in fields(PairSettings)}:
        raise BadInput(path, "settings", "the names that this version writes", "others")
    if settings["preset"] not in PRESETS or settings["size"] < 1:
        found_there = f"{settings['preset']!r:.40} at {settings['size']} pixels"
        raise BadInput(path, "settings", f"one of {', '.join(PRESETS)}, and a size", found_there)
    shards = tuple(Shard(**one) for one in found["shards"])
    for one in shards:
        if type(one.pairs) is not int or not _SHA256.fullmatch(one.index):
            raise BadInput(path, "shards", "numbers of pairs and sha256", repr(one)[:80])
    if not _is_text(found["left_out"]):
        raise BadInput(path, "left_out", "photo → why", repr(found["left_out"])[:80])
    rest = {name: found[name] for name in ("finished", "pairs", "left_out", "digest")}
    return About(PairSettings(**settings), shards=shards, **rest)


def _is_text(value: Any) -> bool:
    """Whether it is a dictionary from text to text."""
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
