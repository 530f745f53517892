"""Pairs on disk: what was written is read, and whatever is damaged is named."""

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cfr.coefficients import Layout, WrongFaceModel
from cfr.morphable.model import MorphableModel
from cfr.pairs.about import ABOUT, About, finished, read_about
from cfr.pairs.folder import PairFolder
from cfr.pairs.shards import INDEX, MadePair, read_left_out, remove_partial, write_shard
from cfr.pairs.types import PairPictures, PairSource
from protocols.errors import BadInput

SIZE, COUNT = 64, 3
"""Pixels a side, and pairs: two in the first shard, none in the second, one in the third."""


def pictures(seed: int, size: int = SIZE) -> PairPictures:
    rng = np.random.default_rng(seed)
    damaged, guide, photo = rng.integers(0, 256, (3, size, size, 3), np.uint8)
    mask = rng.choice(np.array([0, 38, 64, 191, 230, 255], np.uint8), (size, size))
    return PairPictures(damaged, guide, photo, mask, rng.uniform(size=(size, size)) < 0.5)


def pair(number: int, size: int = SIZE, name: str = "") -> MadePair:
    return MadePair(
        pictures=pictures(number, size),
        name=name or f"{number:05d}",
        source=number // 2,
        photo=f"people/{number}.jpg",
        photo_sha256="0" * 64,
        rotation_degrees=(1.0, 2.5, -3.0),
    )


@pytest.fixture
def folder(tmp_path: Path, small_model: MorphableModel, write_folder: Callable[..., Path]) -> Path:
    layout = small_model.layout()
    numbers = torch.arange(float(COUNT * layout.size)).view(COUNT, -1)
    parts = [
        ([pair(0), pair(1)], layout.split(numbers[:2])),
        ([], None),
        ([pair(2)], layout.split(numbers[2:])),
    ]
    return write_folder(tmp_path / "pairs", small_model, parts)


def rewrite_index(folder: Path, change: Callable[[dict], None]) -> None:
    """Change the first record, and make all digests fit to it, as somebody malicious could."""
    path = folder / "shard-00000" / INDEX
    first, *others = path.read_text().splitlines()
    record = json.loads(first)
    change(record)
    path.write_text("\n".join([json.dumps(record), *others]) + "\n")
    about = read_about(folder)
    shard = replace(about.shards[0], index=hashlib.sha256(path.read_bytes()).hexdigest())
    again = finished(about.settings, (shard, *about.shards[1:]), {})
    (folder / ABOUT).write_text(again.text(), "utf-8")


def test_what_was_written_is_read(folder: Path, small_model: MorphableModel) -> None:
    found = PairFolder(folder)
    assert isinstance(found, PairSource)
    assert (len(found), found.size) == (COUNT, SIZE)
    assert found.sources.tolist() == [0, 0, 1]
    for index in range(COUNT):
        expected, one = pictures(index), found.read(index, seed=index)
        for name in ("damaged", "guide", "photo", "mask", "face"):
            assert np.array_equal(getattr(one, name), getattr(expected, name)), name
    assert found.record(1).rotation_degrees == (1.0, 2.5, -3.0)
    layout = small_model.layout()
    rows = layout.join(found.coefficients(layout))
    assert torch.equal(rows, torch.arange(float(COUNT * layout.size)).view(COUNT, -1))
    assert read_left_out(folder / "shard-00001") == {"bad-1.jpg": "no face was found"}
    for wrong in (COUNT, -1):
        with pytest.raises(IndexError):
            found.read(wrong)


def test_it_travels_to_other_processes(folder: Path) -> None:
    found = PairFolder(folder)
    sent = pickle.dumps(found)
    again = pickle.loads(sent)
    assert again.digest == found.digest
    assert np.array_equal(again.read(2).guide, pictures(2).guide)
    assert len(sent) < 20_000  # no picture is carried along


def test_the_digest_is_of_everything(
    folder: Path, tmp_path: Path, small_model: MorphableModel, write_folder: Callable[..., Path]
) -> None:
    layout = small_model.layout()
    digests = {PairFolder(folder).digest}
    for at, (number, value) in enumerate(((0, 0.0), (1, 0.0), (0, 1.0))):
        part = [pair(number)], layout.split(torch.full((1, layout.size), value))
        digests.add(PairFolder(write_folder(tmp_path / str(at), small_model, [part])).digest)
    assert len(digests) == 4


def test_a_damaged_picture_is_named(folder: Path) -> None:
    path = folder / "shard-00000" / "00001-mask.png"
    content = path.read_bytes()
    found = PairFolder(folder)
    for damage in (content[:-20], content + b"\0", b""):
        path.write_bytes(damage)
        with pytest.raises(BadInput, match=r"00001-mask\.png: expected the picture that was"):
            found.read(1)
    path.unlink()
    with pytest.raises(BadInput, match=r"00001-mask\.png: expected a file of pairs"):
        found.read(1)
    found.read(0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + b"\xff" * 8, "4294967295 × 4294967295 pixels"),
        (b"GIF89a", "6 bytes of something else"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 11 + b"\x40\0\0\0\x40", "found damage"),
    ],
)
def test_what_is_no_such_picture_is_refused(folder: Path, content: bytes, told: str) -> None:
    (folder / "shard-00000" / "00000-photo.png").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    rewrite_index(folder, lambda record: record["files"].update(photo=digest))
    with pytest.raises(BadInput, match=f"00000-photo.png.*64 × 64 pixels, 3 × 8 bits.*{told}"):
        PairFolder(folder).read(0)


def test_an_unfinished_folder_is_refused(folder: Path) -> None:
    settings = read_about(folder).settings
    (folder / ABOUT).write_text(About(settings).text(), "utf-8")
    with pytest.raises(BadInput, match=r"an unfinished run: give make_pairs\.py the same options"):
        PairFolder(folder)


def test_absent_and_damaged_shards_are_named(folder: Path) -> None:
    kept = folder / "kept"
    shutil.move(folder / "shard-00002", kept)
    with pytest.raises(BadInput, match=r"shard-00002/index\.jsonl"):
        PairFolder(folder)
    shutil.move(kept, folder / "shard-00002")
    index = folder / "shard-00000" / INDEX
    content = index.read_text()
    index.write_text(content.replace("people/0.jpg", "people/9.jpg"))
    with pytest.raises(BadInput, match=r"shard-00000/index\.jsonl: expected the index that was"):
        PairFolder(folder)
    index.write_text(content)
    (folder / "shard-00000" / "coefficients.safetensors").write_bytes(b"no")
    with pytest.raises(BadInput, match="the coefficients that were written"):
        PairFolder(folder).coefficients(_layout(folder))


def _layout(folder: Path) -> Layout:
    return Layout(3, 2, 4, 27, model=read_about(folder).settings.model)


def test_coefficients_of_another_face_model_are_refused(folder: Path) -> None:
    with pytest.raises(WrongFaceModel, match=r"pairs\.json: made with face model"):
        PairFolder(folder).coefficients(replace(_layout(folder), model="f" * 64))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "cfr-pairs-0"}, "format: expected cfr-pairs-1, found 'cfr-pairs-0'"),
        ({"digest": "0" * 64}, "digest: expected that of the settings"),
        ({"pairs": 7}, "digest: expected that of the settings"),
        ({"shards": 5}, "damage"),
        ({"left_out": [1]}, "left_out"),
        ({"settings": {}}, "damage"),
    ],
)
def test_other_content_of_pairs_json_is_refused(folder: Path, change: dict, told: str) -> None:
    path = folder / ABOUT
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadInput, match=told):
        PairFolder(folder)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("size", "64"), ("size", 0), ("swap", 1), ("preset", "ours"), ("parser", "none")],
)
def test_settings_of_another_kind_are_refused(folder: Path, setting: str, value: object) -> None:
    path = folder / ABOUT
    found = json.loads(path.read_text())
    found["settings"][setting] = value
    path.write_text(json.dumps(found))
    with pytest.raises(BadInput, match="settings"):
        PairFolder(folder)


def test_what_is_no_folder_of_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"pairs\.json: expected settings of pairs"):
        PairFolder(tmp_path)
    (tmp_path / ABOUT).write_bytes(b"\xff{")
    with pytest.raises(BadInput, match="damage"):
        PairFolder(tmp_path)
    (tmp_path / ABOUT).write_text("[]")
    with pytest.raises(BadInput, match="found None"):
        PairFolder(tmp_path)


@pytest.mark.parametrize("name", ["../../00000", "/etc/00000", "1", "00000/.."])
def test_names_that_lead_out_are_refused(folder: Path, name: str) -> None:
    rewrite_index(folder, lambda record: record.update(name=name))
    with pytest.raises(BadInput, match="line 1: expected a number of at least five digits"):
        PairFolder(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"photo": "../secret.jpg"},
        {"photo": "/etc/passwd"},
        {"files": {"photo": "0" * 64}},
        {"rotation_degrees": [1.0, 2.0]},
        {"source": -1},
        {"source": "1"},
        {"more": 1},
    ],
)
def test_records_of_another_kind_are_refused(folder: Path, change: dict) -> None:
    rewrite_index(folder, lambda record: record.update(change))
    with pytest.raises(BadInput, match=r"index\.jsonl, line 1"):
        PairFolder(folder)


def test_links_that_lead_out_are_refused(folder: Path, tmp_path: Path) -> None:
    picture, outside = folder / "shard-00000" / "00000-face.png", tmp_path / "outside.png"
    shutil.move(picture, outside)
    picture.symlink_to(outside)
    with pytest.raises(BadInput, match="pair 00000: expected a path within"):
        PairFolder(folder).read(0)
    shutil.move(folder / "shard-00002", tmp_path / "elsewhere")
    (folder / "shard-00002").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="shard 2: expected a path within"):
        PairFolder(folder)


def test_no_pair_at_all_is_refused(
    tmp_path: Path, small_model: MorphableModel, write_folder: Callable[..., Path]
) -> None:
    with pytest.raises(BadInput, match="expected at least one, found none"):
        PairFolder(write_folder(tmp_path / "none", small_model, [([], None)]))


def test_a_shard_is_there_wholly_or_not_at_all(tmp_path: Path, small_model: MorphableModel) -> None:
    with pytest.raises(FileNotFoundError):  # the second pair cannot be written
        write_shard(tmp_path / "shard-00000", [pair(0), pair(1, name="no/folder")], None, {})
    assert not list(tmp_path.iterdir())
    write_shard(tmp_path / "shard-00000", [pair(0)], small_model.layout().zeros(1), {})
    before = (tmp_path / "shard-00000" / INDEX).read_bytes()
    write_shard(tmp_path / "shard-00000", [pair(1)], small_model.layout().zeros(1), {})
    assert (tmp_path / "shard-00000" / INDEX).read_bytes() == before
    (tmp_path / ".shard-00001.abc.part").mkdir()
    remove_partial(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["shard-00000"]
