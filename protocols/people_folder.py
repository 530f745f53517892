"""Pairs from a folder that has one sub-folder of photos a person: a list for ``pairs_csv``.

That is how LFW lies on disk, and most collections of faces. Everything is sorted by name before
anything is drawn: the same folder and seed give the same list, in whatever order the disk tells
what it holds.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from protocols.errors import BadInput, BadOption, DatasetUnavailable
from protocols.photos import check_relative
from protocols.roots import inside_root, is_dir

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Of picture files, in small or capital letters."""
HEADER = ("left", "right", "same", "fold", "left_subject", "right_subject")
MOST_PAIRS = 2_000_000
"""Such a list is read line by line: more would take gigabytes of memory."""
HOW = "It has to be a folder with one sub-folder of photos for each person."


@dataclass(frozen=True)
class People:
    """Who is in a folder.

    Attributes:
        root: The folder.
        photos: Each person's photos as paths below the root with forward slashes; all sorted.
        passed_over: Files that are no picture, or lie in no person's folder, and folders without a
            picture; hidden ones do not count.
    """

    root: Path
    photos: Mapping[str, tuple[str, ...]]
    passed_over: int

    @property
    def single(self) -> int:
        """How many people have one photo: no genuine pair can be made of it."""
        return sum(len(of_one) == 1 for of_one in self.photos.values())


@dataclass(frozen=True)
class Wanted:
    """Which pairs to draw.

    Attributes:
        folds: How many parts for cross-validation, each with people of its own; 0 for none.
        genuine: At most so many genuine pairs of each person; all where it is None.
        impostors: How many impostor pairs in all; None for as many as there are genuine ones.
        seed: Of every draw.
    """

    folds: int = 10
    genuine: int | None = None
    impostors: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no list can be drawn with."""
        if self.folds < 0 or self.folds == 1:
            raise BadOption(f"--folds {self.folds}", "2 or more, or 0 for none")
        if self.genuine is not None and self.genuine < 1:
            raise BadOption(f"--genuine {self.genuine}", "at least 1 pair a person")
        if self.impostors is not None and self.impostors < 1:
            raise BadOption(f"--impostors {self.impostors}", "at least 1 pair")
        if self.seed < 0:
            raise BadOption(f"--seed {self.seed}", "a number that is not negative")


class Pair(NamedTuple):
    """Two photos, whose they are, and in which fold; fold 0 where there are none."""

    left: str
    right: str
    left_subject: str
    right_subject: str
    fold: int

    @property
    def genuine(self) -> bool:
        """Whether both are of one person."""
        return self.left_subject == self.right_subject


@dataclass(frozen=True)
class Drawn:
    """A list of pairs.

    Attributes:
        pairs: Fold by fold, genuine ones first.
        folds: How many there are, which may be fewer than were wanted; 0 for none.
    """

    pairs: tuple[Pair, ...]
    folds: int

    @property
    def genuine(self) -> int:
        """How many pairs are of one person."""
        return sum(pair.genuine for pair in self.pairs)


def find_people(root: Path) -> People:
    """Look through a folder of people.

    Hidden files and folders do not count. A sub-folder of a person's folder is an error: whose
    photos are in it is not known.

    Raises:
        DatasetUnavailable: There is no such folder.
        BadInput: It has fewer than two people; a link leads out of it or nowhere; a folder cannot
            be read or has a folder in it; or a name cannot stand in a list.
    """
    if not is_dir(root):
        raise DatasetUnavailable("the folder of people", root, HOW)
    photos: dict[str, tuple[str, ...]] = {}
    passed_over = 0
    for entry in _entries(root, root):
        if not is_dir(entry):
            passed_over += 1
            continue
        pictures, others = _pictures(root, entry)
        passed_over += others
        if pictures:
            photos[entry.name] = pictures
        else:
            passed_over += 1
    if len(photos) < 2:
        found = f"{len(photos)} in {passed_over} entries that are none"
        raise BadInput(root, "", "sub-folders with photos of two people at least", found)
    return People(root, photos, passed_over)


def draw_pairs(people: People, wanted: Wanted) -> Drawn:
    """Draw pairs, no pair twice; no person is in two folds.

    The most genuine pairs decide first which fold a person joins, always the one with the fewest;
    each fold has two people at least, and a genuine pair. Where there are too few people for the
    folds that are wanted, there are fewer, and none where not even two can be made.

    Without a number, each fold gets as many impostor pairs as genuine ones, or all that it has;
    a number is shared out evenly, as far as each fold has so many.

    Raises:
        BadInput: Nobody has two photos.
        BadOption: There are not so many impostor pairs, or more than :data:`MOST_PAIRS` in all.
    """
    rng = np.random.default_rng(wanted.seed)
    most = wanted.genuine or MOST_PAIRS + 1
    counts = {
        name: min(most, len(of_one) * (len(of_one) - 1) // 2)
        for name, of_one in people.photos.items()
    }
    if not any(counts.values()):
        raise BadInput(people.root, "", "a person with two photos", "one photo of each")
    folds = _folds(counts, wanted.folds, rng)
    genuine = [sum(counts[name] for name in fold) for fold in folds]
    possible = [_impostors([len(people.photos[name]) for name in fold]) for fold in folds]
    impostors = _shares(genuine, possible, wanted.impostors)
    if sum(genuine) + sum(impostors) > MOST_PAIRS:
        expected = f"at most {MOST_PAIRS:,} pairs in all; --genuine bounds those of each person"
        raise BadOption(f"{sum(genuine):,} genuine, {sum(impostors):,} impostor pairs", expected)
    pairs: list[Pair] = []
    for number, (fold, count) in enumerate(zip(folds, impostors, strict=True)):
        for name in fold:
            photos = people.photos[name]
            before = np.arange(len(photos))
            pairs += _pairs(photos, [name] * len(photos), before, counts[name], number, rng)
        photos = [one for name in fold for one in people.photos[name]]
        owners = [name for name in fold for _ in people.photos[name]]
        sizes = [len(people.photos[name]) for name in fold]
        before = np.repeat(np.cumsum(sizes) - sizes, sizes)
        pairs += _pairs(photos, owners, before, count, number, rng)
    return Drawn(tuple(pairs), len(folds) if len(folds) > 1 else 0)


def write_pairs(drawn: Drawn, path: Path) -> None:
    """Write the list as ``pairs_csv`` reads it; a half-written file never stands under the name.

    Raises:
        OSError: It cannot be written.
    """
    kept = [name for name in HEADER if drawn.folds or name != "fold"]
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, kept, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            for pair in drawn.pairs:
                writer.writerow({**pair._asdict(), "same": int(pair.genuine)})
        partial.replace(path)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _pictures(root: Path, person: Path) -> tuple[tuple[str, ...], int]:
    """A person's photos as paths below the root, and how many other files there are."""
    pictures, others = [], 0
    for entry in _entries(root, person):
        if is_dir(entry):
            expected = "photos, and no folder, in a person's folder"
            raise BadInput(person, entry.name, expected, "a folder")
        if entry.suffix.lower() not in ENDINGS:
            others += 1
            continue
        if not entry.is_file():
            raise BadInput(person, entry.name, "a photo", "a link to nothing, or no file")
        pictures.append(f"{person.name}/{entry.name}")
    return tuple(pictures), others


def _entries(root: Path, folder: Path) -> Iterator[Path]:
    """What is in a folder and not hidden, sorted; names are fit for a list, links stay inside."""
    try:
        entries = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except OSError as error:
        raise BadInput(folder, "", "a folder", error.strerror or str(error)) from error
    for entry in entries:
        name = entry.relative_to(root).as_posix()
        check_relative(name, root, repr(entry.name[:80]))
        if entry.name != entry.name.strip():  # a list has no blanks around its fields
            expected = "a name without blanks around it"
            raise BadInput(folder, repr(entry.name[:80]), expected, "some")
        if entry.is_symlink():
            inside_root(root, name, folder, entry.name)
            owner = entry.resolve().relative_to(root.resolve()).parts[:1]
            if owner and not owner[0].startswith(".") and owner[0] != folder.name:
                expected = "no link to another person's folder or photo: it would count twice"
                raise BadInput(folder, entry.name, expected, f"a link to {entry.resolve().name}")
        yield entry


def _folds(counts: Mapping[str, int], wanted: int, rng: np.random.Generator) -> list[list[str]]:
    """People by fold: as many folds as can be, at most as wanted; one where there are none."""
    with_pairs = sum(count > 0 for count in counts.values())
    number = min(wanted, with_pairs, len(counts) // 2)
    if number < 2:
        return [list(counts)]
    names = list(counts)
    order = [names[place] for place in rng.permutation(len(names))]
    order.sort(key=lambda name: -counts[name])
    folds: list[list[str]] = [[] for _ in range(number)]
    sums = [0] * number
    for place, name in enumerate(order):
        alone = [one for one in range(number) if len(folds[one]) < 2]
        lacking = sum(2 - len(folds[one]) for one in alone)
        # The last people have to see to it that nobody is alone: impostors are of the same fold.
        open_to = alone if lacking >= len(order) - place else range(number)
        chosen = min(open_to, key=lambda one: (sums[one], len(folds[one]), one))
        folds[chosen].append(name)
        sums[chosen] += counts[name]
    return [sorted(fold) for fold in folds]


def _impostors(sizes: Sequence[int]) -> int:
    """How many pairs of photos are of two people, given each one's number of photos."""
    total = sum(sizes)
    return (total * total - sum(size * size for size in sizes)) // 2


def _shares(genuine: Sequence[int], possible: Sequence[int], wanted: int | None) -> list[int]:
    """How many impostor pairs each fold gets."""
    if wanted is None:
        return [min(pair) for pair in zip(genuine, possible, strict=True)]
    if wanted > sum(possible):
        raise BadOption(f"--impostors {wanted}", f"at most {sum(possible):,}: there are no more")
    shares, left = [0] * len(possible), wanted
    # The smallest folds first: what they lack falls to the others.
    by_size = sorted(range(len(possible)), key=lambda fold: possible[fold])
    for place, fold in enumerate(by_size):
        shares[fold] = min(possible[fold], left // (len(by_size) - place))
        left -= shares[fold]
    return shares


def _pairs(
    photos: Sequence[str],
    owners: Sequence[str],
    before: Int64[np.ndarray, " n"],
    count: int,
    fold: int,
    rng: np.random.Generator,
) -> Iterator[Pair]:
    """Draw pairs of a photo and one of the first ``before`` photos, all alike likely.

    Args:
        photos: In an order in which the photos that may stand with one come first.
        owners: Whose each is.
        before: ``(n,)`` how many of them those are, for each photo.
        count: How many pairs to draw, at most as many as there are.
        fold: Where they belong.
        rng: Draws.
    """
    ends = np.cumsum(before)
    total = int(ends[-1])
    if count < total:
        ranks = np.sort(rng.choice(total, count, replace=False, shuffle=False))
    else:
        ranks = np.arange(total)
    rights = np.searchsorted(ends, ranks, side="right")
    lefts = ranks - (ends - before)[rights]
    for left, right in zip(map(int, lefts), map(int, rights), strict=True):
        yield Pair(photos[left], photos[right], owners[left], owners[right], fold)
