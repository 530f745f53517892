"""Validation against what evaluate.py says of the same network, pairs and photos."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from protocols.errors import BadOption
from recognizers.training.arcface import build_network
from recognizers.training.presets import NetworkSize
from results.bench.made_up_people import MadeUpPeople, write_people
from results.evaluating import evaluate
from results.export.work import no_bar
from results.loading import Source
from results.pipeline import Chosen, Embedding
from results.scoring import Scoring
from results.systems import Draws
from results.training.recognizer_data import held_out_protocol, load_labelled
from results.training.recognizer_files import RecognizerFiles, save_recognizer
from results.training.recognizer_validation import (
    curves_of,
    embed_crops,
    intervals_of,
    judging_of_crops,
    judging_of_protocol,
    measure,
)

SIZE = NetworkSize(width=2, size=32, dimension=8)
PEOPLE = MadeUpPeople(people=12, photos=3, size=48, strength=40.0)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return build_network(SIZE, torch.Generator().manual_seed(0)).eval()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of pairs of aligned crops."""
    root = tmp_path_factory.mktemp("pairs")
    for person in range(12):
        for number in range(3):
            picture = Image.fromarray(PEOPLE.photo(person, number))
            picture.save(root / f"{person}-{number}.png")
    rows = [
        f"{one}-{at}.png,{other}-{(at + 1) % 3}.png,{int(one == other)},{one % 2}"
        for one in range(12)
        for other in (one, (one + 2) % 12)
        for at in range(3)
    ]
    (root / "list.csv").write_text("\n".join(["left,right,same,fold", *rows]))
    return root / "list.csv"


def test_it_measures_what_evaluate_measures(
    network: nn.Module, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CFR_ARTIFACTS", str(tmp_path))
    judging = judging_of_protocol(str(pairs), "aligned", 32, "cpu", no_bar)
    assert judging.crops.shape == (36, 32, 32, 3)
    found = measure(network, judging, CPU, Draws(0))
    files = RecognizerFiles.within(tmp_path, "mine")
    save_recognizer(files, network, SIZE, {})
    options = Embedding("aligned", probe=False, device="cpu", jobs=1, cache=tmp_path / "cache")
    for file in (files.onnx, files.weights):
        scored = evaluate(
            Source(str(pairs)), [Chosen(str(file))], options, Scoring(resamples=0)
        ).scored
        (row,) = scored.values.values()
        for column in ("accuracy", "AUC", "EER"):
            assert row[column].value == pytest.approx(found[column].value, abs=0.2)
    assert 30 < (found["accuracy"].value or 0) < 90  # not at an end, where all would agree


def test_held_out_people_by_their_curves(network: nn.Module, tmp_path: Path) -> None:
    write_people(tmp_path, PEOPLE)
    data = load_labelled(str(tmp_path), "auto", 2)
    judging = judging_of_crops(held_out_protocol(data, 0), 32)
    curves = dict(curves_of(network, [judging], CPU))
    assert set(curves) == {"accuracy, held out", "AUC, held out", "EER, held out"}
    told = intervals_of(network, [judging], CPU, Draws(200))["held out, %"]
    assert f"AUC {curves['AUC, held out']:.2f}" in told
    assert "(36 pairs; facial points: aligned; in brackets 95 % of 200 resamples" in told


def test_embeddings_do_not_depend_on_the_batch(network: nn.Module) -> None:
    crops = np.stack([PEOPLE.photo(at, 0)[:32, :32] for at in range(12)] * 11)
    found = embed_crops(network, crops, CPU)
    assert found.shape == (132, 8)
    assert np.allclose(found[:12], found[120:], rtol=1e-4, atol=1e-4)


def test_a_protocol_that_is_none_of_pairs_is_refused(tmp_path: Path) -> None:
    write_people(tmp_path, PEOPLE)
    counts = '{"why": "made up", "counts": {"photos": 36, "identities": 12}}'
    (tmp_path / "counts.json").write_text(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFR_DATA", str(tmp_path.parent))
        tmp_path.rename(tmp_path.with_name("casia"))
        with pytest.raises(BadOption, match="casia: expected a protocol of verification"):
            judging_of_protocol("casia", "auto", 32, "cpu", no_bar)
