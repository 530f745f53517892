"""Pairs from a folder of people: each pair once, people in one fold, the same list each time."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import pairs_csv, people_folder
from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.people_folder import (
    Drawn,
    Pair,
    People,
    Wanted,
    draw_pairs,
    find_people,
    write_pairs,
)


def folder(root: Path, **counts: int) -> Path:
    """A folder with so many photos of each person."""
    for person, count in counts.items():
        (root / person).mkdir(parents=True)
        for number in range(count):
            (root / person / f"{number}.jpg").touch()
    return root


def people(*counts: int) -> People:
    """People a, b, … with so many photos, without a disk."""
    named = {chr(ord("a") + place): count for place, count in enumerate(counts)}
    photos = {name: tuple(f"{name}/{i}.jpg" for i in range(n)) for name, n in named.items()}
    return People(Path("nowhere"), photos, 0)


def fold_of(drawn: Drawn) -> dict[str, int]:
    """Each person's fold; fails where somebody is in two."""
    found: dict[str, int] = {}
    for pair in drawn.pairs:
        for person in (pair.left_subject, pair.right_subject):
            assert found.setdefault(person, pair.fold) == pair.fold
    return found


def all_pairs(of: People, fold: set[str]) -> tuple[set[frozenset[str]], set[frozenset[str]]]:
    """Every genuine and every impostor pair of some people, by loops."""
    photos = [one for person in fold for one in of.photos[person]]
    every = [(a, b) for a, b in itertools.combinations(photos, 2)]
    genuine = {frozenset(p) for p in every if p[0].split("/")[0] == p[1].split("/")[0]}
    return genuine, {frozenset(p) for p in every} - genuine


def test_all_genuine_pairs_and_as_many_impostors_as_loops_find() -> None:
    of = people(4, 3, 3, 2, 5, 1)
    drawn = draw_pairs(of, Wanted(folds=0))
    genuine, impostors = all_pairs(of, set(of.photos))
    found = Counter(frozenset(pair[:2]) for pair in drawn.pairs)
    assert max(found.values()) == 1
    assert {frozenset(pair[:2]) for pair in drawn.pairs if pair.genuine} == genuine
    others = {frozenset(pair[:2]) for pair in drawn.pairs if not pair.genuine}
    assert others < impostors
    assert len(others) == len(genuine) == 6 + 3 + 3 + 1 + 10 == drawn.genuine
    for pair in drawn.pairs:
        assert pair.left.startswith(f"{pair.left_subject}/")
        assert pair.right.startswith(f"{pair.right_subject}/")
    every = draw_pairs(of, Wanted(folds=0, impostors=len(impostors)))
    assert {frozenset(pair[:2]) for pair in every.pairs if not pair.genuine} == impostors


@settings(deadline=None, max_examples=100)
@given(
    counts=st.lists(st.integers(1, 5), min_size=2, max_size=12).filter(lambda n: max(n) > 1),
    folds=st.integers(2, 6),
    genuine=st.none() | st.integers(1, 4),
    seed=st.integers(0, 3),
)
def test_folds_share_nobody_and_have_both_kinds(
    counts: list[int], folds: int, genuine: int | None, seed: int
) -> None:
    of = people(*counts)
    drawn = draw_pairs(of, Wanted(folds=folds, genuine=genuine, seed=seed))
    members = fold_of(drawn)
    number = min(folds, sum(n > 1 for n in counts), len(counts) // 2)
    assert drawn.folds == (number if number > 1 else 0)
    assert len({frozenset(pair[:2]) for pair in drawn.pairs}) == len(drawn.pairs)
    for person, photos in of.photos.items():
        mine = sum(pair.genuine and pair.left_subject == person for pair in drawn.pairs)
        possible = len(photos) * (len(photos) - 1) // 2
        assert mine == (possible if genuine is None else min(genuine, possible))
    for fold in range(max(drawn.folds, 1)):
        kinds = Counter(pair.genuine for pair in drawn.pairs if pair.fold == fold)
        assert kinds[True] >= 1
        assert 1 <= kinds[False] <= kinds[True]
        if drawn.folds:
            assert sum(of_one == fold for of_one in members.values()) >= 2


def test_folds_are_balanced_in_genuine_pairs() -> None:
    """Sixty people of two to nine photos: the largest and the smallest fold are a person apart."""
    rng = np.random.default_rng(5)
    photos = rng.integers(2, 10, 60).tolist()
    drawn = draw_pairs(people(*photos), Wanted(folds=10))
    sums = Counter(pair.fold for pair in drawn.pairs if pair.genuine)
    assert len(sums) == 10
    assert max(sums.values()) - min(sums.values()) <= 3
    impostors = Counter(pair.fold for pair in drawn.pairs if not pair.genuine)
    assert impostors == sums


def test_nobody_is_alone_in_a_fold() -> None:
    """One person with many photos would otherwise fill a fold, and it had no impostor pair."""
    drawn = draw_pairs(people(9, 2, 2, 2), Wanted(folds=2))
    assert Counter(fold_of(drawn).values()) == {0: 2, 1: 2}


def test_impostors_are_shared_out_as_far_as_each_fold_has_some() -> None:
    of = people(2, 2, 9, 9, 9, 9)  # the fold of a small person may have few pairs
    drawn = draw_pairs(of, Wanted(folds=3, impostors=100))
    members = fold_of(drawn)
    for fold in range(3):
        mine = {person for person in of.photos if members.get(person) == fold}
        most = len(all_pairs(of, mine)[1])
        count = sum(pair.fold == fold and not pair.genuine for pair in drawn.pairs)
        assert count == most or count >= 100 // 3
    assert sum(not pair.genuine for pair in drawn.pairs) == 100
    with pytest.raises(BadOption, match="--impostors 10000: expected at most 117: there are"):
        draw_pairs(of, Wanted(folds=3, impostors=10_000))


def test_impostors_are_alike_likely() -> None:
    """Over many seeds each of the 11 impostor pairs is drawn as often as the others."""
    of = people(3, 2, 1)
    seeds = 2200
    counts = Counter(
        frozenset(pair[:2])
        for seed in range(seeds)
        for pair in draw_pairs(of, Wanted(folds=0, impostors=2, seed=seed)).pairs
        if not pair.genuine
    )
    assert len(counts) == 11
    expected, spread = seeds * 2 / 11, np.sqrt(seeds * 2 / 11 * 9 / 11)
    assert all(abs(count - expected) < 5 * spread for count in counts.values())


def test_the_seed_decides_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path, ann=4, bob=5, cid=3, dee=6, eve=2, fay=1)
    once = draw_pairs(find_people(root), Wanted(folds=2, genuine=2))
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: sorted(listed(path), reverse=True))
    assert draw_pairs(find_people(root), Wanted(folds=2, genuine=2)) == once
    assert draw_pairs(find_people(root), Wanted(folds=2, genuine=2, seed=1)) != once


def test_what_is_no_photo_of_a_person_is_counted(tmp_path: Path) -> None:
    root = folder(tmp_path, ann=2, bob=1, empty=0)
    for name in ("ann/.hidden.jpg", "ann/Thumbs.db", ".trash/1.jpg", "loose.jpg", "ann/2.PNG"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    found = find_people(root)
    assert found.photos == {"ann": ("ann/0.jpg", "ann/1.jpg", "ann/2.PNG"), "bob": ("bob/0.jpg",)}
    assert found.passed_over == 3  # Thumbs.db, loose.jpg, empty
    assert found.single == 1


def test_links_stay_within_the_root(tmp_path: Path) -> None:
    root = folder(tmp_path / "root", ann=2, bob=2)
    (root / ".store").mkdir()
    (root / ".store/0.jpg").touch()
    (root / "cid").symlink_to(".store")
    assert find_people(root).photos["cid"] == ("cid/0.jpg",)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/0.jpg").touch()
    for link, target in (("dee", tmp_path / "out"), ("ann/9.jpg", tmp_path / "out/0.jpg")):
        (root / link).symlink_to(target)
        with pytest.raises(BadInput, match="a path within"):
            find_people(root)
        (root / link).unlink()
    for link, target in (("dee", "ann"), ("ann/9.jpg", "../bob/0.jpg")):
        (root / link).symlink_to(target)
        with pytest.raises(BadInput, match="it would count twice"):
            find_people(root)
        (root / link).unlink()
    (root / "ann/9.jpg").symlink_to("nothing.jpg")
    with pytest.raises(BadInput, match=r"9\.jpg: expected a photo, found a link to nothing"):
        find_people(root)


@pytest.mark.parametrize("name", [" ann", "ann ", "a\\b", "a\nb", "a\u200bb"])
@pytest.mark.parametrize("place", ["person", "photo"])
def test_names_that_a_list_would_change_are_refused(tmp_path: Path, name: str, place: str) -> None:
    root = folder(tmp_path, bob=2)
    path = root / name / "1.jpg" if place == "person" else root / "bob" / f"{name}.jpg"
    if place == "photo" and name == "ann ":
        path = root / "bob" / "1.jpg "  # blanks inside a name are fine
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(BadInput):
        find_people(root)


def test_what_is_no_folder_of_people_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="one sub-folder of photos for each person"):
        find_people(tmp_path / "absent")
    with pytest.raises(BadInput, match="found 1 in 0 entries"):
        find_people(folder(tmp_path / "one", ann=3))
    deep = folder(tmp_path / "deep", ann=2, bob=2)
    (deep / "ann/film").mkdir()
    with pytest.raises(BadInput, match="film: expected photos, and no folder, in a person's"):
        find_people(deep)
    with pytest.raises(BadInput, match="a person with two photos, found one photo of each"):
        draw_pairs(people(1, 1, 1), Wanted())


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, listed = folder(tmp_path, ann=2, bob=2), Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path.name == "ann":
            raise PermissionError(13, "Permission denied", str(path))
        return iter(listed(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(BadInput, match="ann: expected a folder, found Permission denied"):
        find_people(root)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"folds": 1}, "--folds 1: expected 2 or more, or 0"),
        ({"folds": -1}, "--folds -1"),
        ({"genuine": 0}, "--genuine 0"),
        ({"impostors": 0}, "--impostors 0"),
        ({"seed": -1}, "--seed -1"),
    ],
)
def test_options_that_cannot_be(options: dict[str, int], told: str) -> None:
    with pytest.raises(BadOption, match=told):
        Wanted(**options)


def test_a_list_that_is_too_long_is_refused_before_it_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people_folder, "MOST_PAIRS", 50)
    assert len(draw_pairs(people(6, 5), Wanted()).pairs) == 50
    with pytest.raises(BadOption, match="at most 50 pairs in all; --genuine bounds"):
        draw_pairs(people(6, 5, 2), Wanted())


@pytest.mark.parametrize("folds", [0, 2])
def test_the_list_is_read_back(tmp_path: Path, folds: int) -> None:
    """By the loader of pairs: commas, quotes and blanks in names too."""
    root = folder(tmp_path / "root", bob=3, cid=2, dee=2)
    (root / 'von "X", Ann').mkdir()
    for name in ("1.jpg", "a, b.png"):
        (root / 'von "X", Ann' / name).touch()
    drawn = draw_pairs(find_people(root), Wanted(folds=folds))
    out = tmp_path / "mine.csv"
    write_pairs(drawn, out)
    assert [one.name for one in tmp_path.glob("*.csv*")] == ["mine.csv"]
    protocol = pairs_csv.load(out, root=root)
    pairs, subjects = protocol.pairs, protocol.templates.subjects
    names = list(protocol.samples.photos.names)
    people_named = sorted(find_people(root).photos)
    read = [
        Pair(
            names[int(pairs.left[row])],
            names[int(pairs.right[row])],
            people_named[subjects[pairs.left[row]]],
            people_named[subjects[pairs.right[row]]],
            0 if pairs.fold is None else int(pairs.fold[row]),
        )
        for row in range(len(pairs))
    ]
    assert tuple(read) == drawn.pairs
    assert (pairs.fold is None) == (folds == 0)
    assert pairs.genuine.tolist() == [pair.genuine for pair in drawn.pairs]


def test_real_masked_photos(shared: Path, tmp_path: Path) -> None:
    """Eleven people with six photos and one with four: 11 · 15 + 6 genuine pairs."""
    root = shared / "faces/rwmfd_part1_sample"
    found = find_people(root)
    assert (len(found.photos), sum(map(len, found.photos.values()))) == (12, 70)
    assert (found.single, found.passed_over) == (0, 0)
    drawn = draw_pairs(found, Wanted())
    assert (drawn.folds, drawn.genuine, len(drawn.pairs)) == (6, 171, 342)
    write_pairs(drawn, tmp_path / "masked.csv")
    protocol = pairs_csv.load(tmp_path / "masked.csv", root=root)
    assert len(protocol.samples) == 70
    assert protocol.samples.photos.read(0).shape[2] == 3
