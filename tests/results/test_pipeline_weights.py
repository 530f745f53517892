"""A frontalizer with weights in the pipeline: named by its file, cached by what that holds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cfr.gan.generator import Generator, GeneratorSize
from cfr.gan.weights import save_generator
from protocols.errors import BadOption, DatasetUnavailable
from results.export.ground import OtherWeights, digest
from results.export.loaded import frontalizer_of
from results.export.stages import Embed, Located
from results.loading import Source, load_verification
from results.pipeline import Chosen, Embedding, embed


def train(path: Path, seed: int) -> None:
    torch.manual_seed(seed)
    save_generator(path, Generator(GeneratorSize(2, 0)), {"seed": str(seed)}, side=64)


@pytest.fixture
def few(face_world, tmp_path: Path) -> Source:
    """The first pairs alone."""
    lines = Path(face_world.pairs).read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:3]))
    return Source(str(tmp_path / "few.csv"), root=face_world.root)


@pytest.fixture
def options(face_world, tmp_path: Path) -> Embedding:
    return Embedding(
        landmarks="sidecar",
        landmarks_root=face_world.points,
        probe=False,
        mirrored=False,
        jobs=1,
        cache=tmp_path / "cache",
    )


def test_answers_belong_to_what_the_file_holds(face_world, few, options, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    train(path, 0)
    protocol = load_verification(few)[0]
    systems = [Chosen(face_world.recognizer), Chosen(face_world.recognizer, f"cfr-gan:{path}")]
    first = embed(protocol, systems, options)
    count = len(protocol.samples)
    assert first.exporter.computed == 2 * count
    plain, restored = first.embeddings
    assert (plain.name, restored.name) == ("small", "small, cfr-gan:mine")
    assert restored.against == "small"
    assert not np.array_equal(plain.faces, restored.faces)
    assert embed(protocol, systems, options).exporter.computed == 0

    path.rename(tmp_path / "same.safetensors")  # the same weights by another name
    renamed = [replace(systems[1], frontalizer=f"cfr-gan:{tmp_path / 'same.safetensors'}")]
    assert embed(protocol, renamed, options).exporter.computed == 0

    train(path, 1)
    again = embed(protocol, systems, options)
    assert again.exporter.computed == count
    assert not np.array_equal(again.embeddings[1].faces, restored.faces)


def test_a_worker_with_other_weights_refuses(face_world, few, options, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    train(path, 0)
    name = f"cfr-gan:{path}"
    protocol = load_verification(few)[0]
    exporter = embed(protocol, [Chosen(face_world.recognizer, name)], options).exporter
    known = frontalizer_of(name, "cpu")
    assert known is not None
    train(path, 1)
    changed = frontalizer_of(name, "cpu")
    assert changed is not None
    assert digest(changed.identity) != digest(known.identity)
    ground = exporter._ground([], name)
    task = Embed((), name, digest(known.identity), "cpu", ground)
    face = Located(exporter.contents.photo(0), exporter.places.points(0, dense=True))
    with pytest.raises(OtherWeights, match=r"mine\.safetensors: a worker would answer"):
        task([face])


def test_absent_weights_and_other_names_are_refused(face_world, few, options) -> None:
    protocol = load_verification(few)[0]
    with pytest.raises(DatasetUnavailable, match=r"is not at /no/such\.safetensors"):
        embed(protocol, [Chosen(face_world.recognizer, "cfr-gan:/no/such.safetensors")], options)
    with pytest.raises(BadOption, match="frontalizer render:x: expected any of none, render"):
        Chosen(face_world.recognizer, "render:x")
