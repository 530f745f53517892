"""Folders of pairs as make_pairs.py writes them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cfr.morphable.model import MorphableModel
from cfr.pairs.about import ABOUT, PairSettings, Shard, finished
from cfr.pairs.shards import COEFFICIENTS, INDEX, MadePair, shard_name, write_shard
from cfr.parsing.from_model import ModelParser
from cfr.types import Coefficients
from protocols.types import InputFile

Part = tuple[Sequence[MadePair], Coefficients | None]
Writer = Callable[[Path, MorphableModel, Sequence[Part]], Path]


@pytest.fixture(scope="session")
def settings() -> PairSettings:
    return PairSettings(
        size=64,
        preset="release",
        swap=True,
        parser=dict(ModelParser().identity),
        model="",
        coefficients={"by": "nobody"},
        landmarks={"by": "nobody"},
        seed=0,
        each=1,
        photos="",
        rule="made up",
        shard=2,
        device="cpu",
        ground={},
    )


@pytest.fixture(scope="session")
def write_folder(settings: PairSettings) -> Writer:
    """Writes shards and what they are, with the pairs' own size."""

    def write(out: Path, model: MorphableModel, parts: Sequence[Part]) -> Path:
        out.mkdir()
        shards = []
        for number, (pairs, coefficients) in enumerate(parts):
            folder = out / shard_name(number)
            write_shard(folder, pairs, coefficients, {f"bad-{number}.jpg": "no face was found"})
            index = InputFile.of(folder / INDEX).sha256
            numbers = InputFile.of(folder / COEFFICIENTS).sha256 if pairs else ""
            shards.append(Shard(len(pairs), index, numbers))
        about = finished(replace(settings, model=model.digest), tuple(shards), {})
        (out / ABOUT).write_text(about.text(), "utf-8")
        return out

    return write
