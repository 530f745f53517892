"""Several folders of the same photos as one source of pairs."""

import json
from pathlib import Path

import numpy as np
import pytest

from cfr.pairs.about import About, finished, read_about
from cfr.pairs.folder import PairFolder
from cfr.pairs.joined import JoinedPairs
from protocols.errors import BadInput
from results.bench.made_up_pairs import MadeUpPairs, write_pairs


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    write_pairs(first, MadeUpPairs(5, 16))
    write_pairs(second, MadeUpPairs(3, 16))
    about(second, photos=read_about(first).settings.photos)
    return first, second


def about(folder: Path, **changed: object) -> None:
    """Say something else of the same shards."""
    found = read_about(folder)
    settings = type(found.settings)(**{**vars(found.settings), **changed})  # type: ignore[arg-type]
    other: About = finished(settings, found.shards, found.left_out)
    (folder / "pairs.json").write_text(other.text(), "utf-8")


def test_pairs_come_one_folder_after_the_other(folders: tuple[Path, Path]) -> None:
    first, second = map(PairFolder, folders)
    both = JoinedPairs([first, second])
    assert len(both) == 8
    assert both.size == 16
    assert both.sources.tolist() == [*first.sources.tolist(), *second.sources.tolist()]
    for index, (folder, row) in {4: (first, 4), 5: (second, 0), 7: (second, 2)}.items():
        assert np.array_equal(both.read(index).photo, folder.read(row).photo)
    for index in (-1, 8):
        with pytest.raises(IndexError):
            both.read(index)


def test_the_digest_is_of_all_of_them_in_order(folders: tuple[Path, Path]) -> None:
    first, second = map(PairFolder, folders)
    digests = {
        one.digest
        for one in (
            JoinedPairs([first, second]),
            JoinedPairs([second, first]),
            JoinedPairs([first]),
            first,
        )
    }
    assert len(digests) == 4


def test_other_photos_cannot_be_joined(folders: tuple[Path, Path]) -> None:
    """One of them might be for validation there and for training here."""
    first, second = folders
    about(second, photos="another list")
    with pytest.raises(BadInput, match=r"photos: expected .*first.* found another list"):
        JoinedPairs([PairFolder(first), PairFolder(second)])


def test_what_is_not_added_is_not_written(folders: tuple[Path, Path]) -> None:
    """So folders from before there were drawn occluders keep their digests."""
    first, second = folders
    before = PairFolder(first).digest
    assert "added" not in json.loads((first / "pairs.json").read_text())["settings"]
    about(second, added={"occluders": "half of them"})
    assert "added" in json.loads((second / "pairs.json").read_text())["settings"]
    about(first, added={"occluders": "half of them"})
    assert PairFolder(first).digest != before
