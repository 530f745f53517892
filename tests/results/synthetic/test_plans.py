"""Shares, seeds and sizes, before anything is drawn; and lists of the real scales."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from protocols import ijb_nist, ijba
from protocols.aflw2000 import yaw_subsets
from protocols.casia import RECORDS_COUNTS
from protocols.lfw import COUNTS as LFW_COUNTS
from protocols.rafdb import COUNTS as RAFDB_COUNTS
from results.making_pairs import PEOPLE
from results.restoration.cases import RENDER_SEED
from results.synthetic import aflw2000, casia, ijb, lfw, rafdb
from results.synthetic import ijba as planned_ijba
from results.synthetic.making import PLANS
from results.synthetic.plan import SetPlan, Truth
from results.synthetic.seeds import FIRST, PARTS, ROOM, person_seed, shot_seed
from results.synthetic.shares import AFLW2000, apportion, draw_kinds, draw_yaws


def made_up(plan: SetPlan) -> Truth:
    """Points that were never drawn, for lists alone."""
    count = len(plan.photos)
    points = np.random.default_rng(0).uniform(20, 90, (count, 68, 2)).astype(np.float32)
    none = np.zeros((count, 68), np.float32)
    return Truth(points, none, none[:, 0], np.zeros((count, 18), bool))


def test_parts_are_apart_and_none_is_used_elsewhere() -> None:
    rooms = [(person_seed(part, world, 0), world) for world in range(3) for part in PARTS]
    starts = sorted(start for start, _ in rooms)
    assert all(later - earlier >= ROOM for earlier, later in pairwise(starts))
    assert starts[0] == FIRST > RENDER_SEED + 10_000_000 > PEOPLE
    assert person_seed("lfw", 0, ROOM - 1) < person_seed("ijba", 0, 0)
    with pytest.raises(ValueError, match="expected 0 to 999999"):
        person_seed("lfw", 0, ROOM)
    assert shot_seed(5, 99_999) < shot_seed(6, 0)
    with pytest.raises(ValueError, match="shot 100000"):
        shot_seed(5, 100_000)


@pytest.mark.parametrize("name", list(PLANS))
def test_a_plan_is_its_seeds_alone_and_names_each_photo_once(name) -> None:
    one, again, other = (PLANS[name]("tiny", world, "") for world in (3, 3, 4))
    assert one.photos == again.photos
    assert len({photo.name for photo in one.photos}) == len(one.photos)
    assert not set(one.people.tolist()) & set(other.people.tolist())
    settings = {(photo.shot.setting, photo.shot.moment) for photo in one.photos}
    assert len(settings) == len(one.photos)
    for positions in one.rows.values():
        assert 0 <= min(positions) <= max(positions) < len(one.photos)


def test_shares_are_exact() -> None:
    assert apportion(10, (1, 1, 1)) == [4, 3, 3]
    assert apportion(0, (1, 2)) == [0, 0]
    rng = np.random.default_rng(0)
    yaws = draw_yaws(rng, 2000, AFLW2000)
    assert [len(one) for one in yaw_subsets(yaws).values()] == [1306, 462, 232]
    assert 0.4 < (yaws < 0).mean() < 0.6
    kinds = Counter(draw_kinds(rng, 200, {"hand": 0.25, "mask": 0.1}))
    assert kinds == {"hand": 50, "mask": 20, "": 130}


def test_the_full_scale_has_the_official_counts(tmp_path: Path) -> None:
    assert casia.SIZES["full"] == (RECORDS_COUNTS["identities"], RECORDS_COUNTS["photos"])
    plan = rafdb.plan("full", 0, "")
    plan.finish(tmp_path, made_up(plan))
    from protocols import rafdb as loader

    (tmp_path / "counts.json").unlink()
    found = loader.load(tmp_path, missing="not-needed")
    assert found.counted == "official counts"
    assert len(found.subsets["occlusion"]) == RAFDB_COUNTS["occlusion"]
    people, each, pairs = lfw.SIZES["full"]
    assert 20 * pairs == LFW_COUNTS["pairs"]
    assert abs(10 * people * each - LFW_COUNTS["photos"]) < 100


def test_the_full_aflw2000_is_one_without_a_subset(tmp_path: Path) -> None:
    from protocols import aflw2000 as loader

    plan = aflw2000.plan("full", 0, "")
    (tmp_path / aflw2000.FOLDER).mkdir()
    plan.finish(tmp_path, made_up(plan))
    found = loader.load(tmp_path)
    assert [len(one) for one in found.subsets.values()] == [1306, 462, 232]
    assert not (tmp_path / aflw2000.SUBSET).exists()


def test_tiny_ijba_has_ten_thousand_impostors_in_each_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned_ijba, "SPLITS", (1, 10))
    plan = planned_ijba.plan("tiny", 0, "test")
    plan.finish(tmp_path, made_up(plan))
    for protocol in ijba.load_verification(tmp_path, (1, 10), missing="not-needed"):
        genuine = int(protocol.pairs.genuine.sum())
        assert len(protocol.pairs) - genuine == 10_000
        assert genuine > 500
        media = Counter(zip(protocol.templates.template, protocol.templates.media, strict=True))
        assert max(media.values()) > 1
        assert len(media) > 1.5 * len(protocol.templates)


@pytest.mark.parametrize("dataset", ["IJB-B", "IJB-C"])
def test_every_ijb_like_set_has_ten_thousand_impostors(dataset) -> None:
    for sizes in ijb.SIZES[dataset].values():
        assert sizes.impostors >= 10_000
        assert sizes.impostors <= (sizes.media.people - 1) * sizes.probes


def test_profiles_and_covered_faces_follow_ijbas_lists() -> None:
    plan = planned_ijba.plan("mini", 0, "")
    yaws = np.abs([photo.shot.pose_degrees[1] for photo in plan.photos])
    kinds = Counter(photo.shot.occluder for photo in plan.photos)
    assert 0.25 < (yaws > 45).mean() < 0.35
    assert 0.14 < kinds["hair"] / len(yaws) < 0.22
    assert 0.05 < sum(kinds[one] for one in ("mask", "scarf", "hand", "phone")) / len(yaws) < 0.11


def test_nist_lists_of_tiny_ijbc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops are not cut here: there are no photos."""
    monkeypatch.setattr(ijb, "write_release", lambda *_: 1)
    plan = ijb.plan_ijbc("tiny", 0, "test")
    plan.finish(tmp_path, made_up(plan))
    found = ijb_nist.load_verification(tmp_path, "IJB-C", missing="not-needed")
    assert (~found.pairs.genuine).sum() == 10_500
