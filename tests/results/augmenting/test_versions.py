"""What is drawn for a picture: by seed and number alone, in the shares and limits asked for."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.errors import BadOption
from results.augmenting.options import Augment
from results.augmenting.versions import Version, draw_versions

DEFAULTS = Augment(Path("set"), Path("out")).poses


def test_the_defaults_are_one_version_half_of_them_frontal() -> None:
    found = [draw_versions(DEFAULTS, 0, number) for number in range(4000)]
    assert all(len(one) == 1 for one in found)
    kinds = Counter(one[0].kind for one in found)
    assert set(kinds) == {"frontal", "turned"}
    assert abs(kinds["frontal"] / 4000 - 0.5) < 0.03
    yaws = np.array([one[0].yaw for one in found if one[0].kind == "turned"])
    assert np.abs(yaws).max() <= 28.6
    assert abs(yaws.std() - 28.6 / np.sqrt(3)) < 0.6
    assert all(one[0].pitch is None for one in found)
    assert Version("frontal", 0.0) in {one[0] for one in found}


def test_seed_and_number_decide() -> None:
    assert draw_versions(DEFAULTS, 1, 7) == draw_versions(DEFAULTS, 1, 7)
    many = {draw_versions(replace(DEFAULTS, frontal=0.0), *key) for key in ((1, 7), (1, 8), (2, 7))}
    assert len(many) == 3
    more = draw_versions(replace(DEFAULTS, each=3), 1, 7)
    assert more[:1] == draw_versions(DEFAULTS, 1, 7)
    assert len(set(more)) > 1


def test_shares_and_lists() -> None:
    poses = replace(
        DEFAULTS,
        each=2,
        share=0.3,
        frontal=0.2,
        deoccluded=0.5,
        yaws=(-45.0, 45.0),
        pitch=(2.0, 4.0),
    )
    found = [draw_versions(poses, 0, number) for number in range(3000)]
    assert abs(np.mean([bool(one) for one in found]) - 0.3) < 0.03
    kinds = Counter(version.kind for one in found for version in one)
    total = sum(kinds.values())
    assert abs(kinds["deoccluded"] / total - 0.5) < 0.05
    assert abs(kinds["frontal"] / total - 0.2) < 0.05
    turned = [version for one in found for version in one if version.kind == "turned"]
    assert Counter(one.yaw for one in turned).keys() == {-45.0, 45.0}
    assert all(one.pitch is not None and 2 <= one.pitch <= 4 for one in turned)
    all_turned = replace(poses, share=1.0, frontal=0.0, deoccluded=0.0, pitches=(8.0,))
    assert [one.pitch for one in draw_versions(all_turned, 0, 0)] == [8.0, 8.0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"each": 0}, "--each 0: expected at least 1"),
        ({"each": 101}, "--each 101: expected at most 100"),
        ({"seed": -1}, "--seed -1: expected at least 0"),
        ({"share": 0.0}, "--share 0: expected more than 0"),
        ({"share": 1.5}, "--share 1.5: expected 0 to 1"),
        ({"frontal": 0.7, "deoccluded": 0.5}, "--frontal 0.7 --deoccluded 0.5: expected shares"),
        ({"yaw": (-100.0, 0.0)}, "--yaw -100 0: expected −90 to 90 degrees"),
        ({"yaw": (10.0, -10.0)}, "--yaw 10 -10: expected the smaller angle first"),
        ({"yaws": (95.0,)}, "--yaws 95: expected −90 to 90 degrees"),
        ({"pitches": (95.0,)}, "--pitches 95: expected −90 to 90 degrees"),
        ({"quality": 0}, "--quality 0: expected 1 to 100"),
        ({"worst": 0.0}, "--worst 0: expected a positive number"),
        ({"method": "render", "weights": "mini"}, "--weights, --coefficients with --method render"),
        ({"method": "render", "deoccluded": 0.1}, "--deoccluded 0.1 with --method render"),
        ({"kind": "rafdb", "to": "records"}, "--to records with --kind rafdb"),
        ({"cluster": "tcp://x:1", "device": "cuda"}, "--cluster with --device cuda"),
    ],
)
def test_options_that_no_run_could_use(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadOption) as caught:
        Augment(Path("set"), Path("out"), **options)
    assert str(caught.value).startswith(told)
