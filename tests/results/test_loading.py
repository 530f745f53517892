"""Naming a protocol: the data set or file, its splits and tasks, and what is said about it."""

import csv
from pathlib import Path

import numpy as np
import pytest

from protocols.errors import BadOption, DatasetUnavailable
from protocols.images import save_image
from protocols.types import IdentificationProtocol, VerificationProtocol
from results.inspecting import HEADER, describe, write_faces
from results.loading import Source, load, load_identification, load_verification


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eight photos of three people, a CSV of pairs, and one of templates."""
    for number in range(8):
        save_image(tmp_path / f"{number}.png", np.full((4, 4, 3), number * 30, np.uint8))
    pairs = ["left,right,same,fold", "0.png,1.png,1,0", "0.png,2.png,0,0"]
    pairs += ["2.png,3.png,yes,1", "1.png,4.png,no,1"]
    (tmp_path / "pairs.csv").write_text("\n".join(pairs))
    rows = ["template,subject,image,score,x,y,width,height,role"]
    for number in range(8):
        role = "gallery" if number < 4 else "probe"
        template, subject = number // 2, "abca"[number // 2]
        rows.append(f"{template},{subject},{number}.png,0.5,1,2,30.5,40,{role}")
    (tmp_path / "templates.csv").write_text("\n".join(rows))
    return tmp_path


def test_a_header_tells_pairs_from_templates(photos: Path) -> None:
    (pairs,) = load_verification(Source(str(photos / "pairs.csv")))
    assert pairs.pairs.genuine.tolist() == [True, False, True, False]
    (templates,) = load_verification(Source(str(photos / "templates.csv")))
    assert len(templates.templates) == 4
    assert len(templates.pairs) == 6
    (search,) = load_identification(Source(str(photos / "templates.csv"), task="1:N"))
    assert search.templates.ids[search.galleries["gallery"]].tolist() == [0, 1]


def test_a_quoted_header_is_a_header(photos: Path) -> None:
    text = (photos / "templates.csv").read_text()
    header, rest = text.split("\n", 1)
    quoted = ",".join(f'"{name}"' for name in header.split(","))
    (photos / "templates.csv").write_text(f"{quoted}\n{rest}")
    (found,) = load_verification(Source(str(photos / "templates.csv")))
    assert len(found.templates) == 4


def test_photos_may_be_left_alone(photos: Path) -> None:
    for photo in photos.glob("*.png"):
        photo.unlink()
    (found,) = load_verification(Source(str(photos / "pairs.csv")), "not-needed")
    assert not found.samples.absent.any()
    with pytest.raises(DatasetUnavailable):
        load_verification(Source(str(photos / "pairs.csv"), missing="refuse"), "not-needed")
    (lost,) = load_verification(Source(str(photos / "pairs.csv"), missing="failure-to-enrol"))
    assert lost.samples.absent.all()
    assert lost.digest == found.digest


def test_a_root_of_its_own(photos: Path) -> None:
    (photos / "lists").mkdir()
    (photos / "pairs.csv").rename(photos / "lists/pairs.csv")
    with pytest.raises(DatasetUnavailable):
        load(Source(str(photos / "lists/pairs.csv")))
    assert load(Source(str(photos / "lists/pairs.csv"), root=photos))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"protocol": "lwf"}, "lwf: expected any of lfw"),
        ({"protocol": "pairs.txt"}, "any of lfw"),
        ({"protocol": "lfw", "task": "1:N"}, "lfw --task 1:N"),
        ({"protocol": "x.bin", "task": "1:N"}, "x.bin --task 1:N"),
    ],
)
def test_what_is_no_protocol(words: dict, told: str) -> None:
    with pytest.raises(BadOption, match=told):
        Source(**words)


def test_the_wrong_kind_of_protocol(photos: Path) -> None:
    with pytest.raises(BadOption, match="identification"):
        load_identification(Source(str(photos / "pairs.csv")))
    with pytest.raises(BadOption, match="verification"):
        load_verification(Source(str(photos / "templates.csv"), task="1:N"))


def test_an_absent_data_set_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match=r"python scripts/fetch\.py lfw"):
        load(Source("lfw", root=tmp_path / "nowhere"))
    with pytest.raises(DatasetUnavailable, match="apply at"):
        load(Source("ijbc", root=tmp_path / "nowhere"))


def test_a_description_counts(photos: Path) -> None:
    (pairs,) = load(Source(str(photos / "pairs.csv")))
    told = dict(describe(pairs))
    assert told["faces"] == "5 in 5 photos"
    assert told["pairs"] == "4: 2 genuine, 2 impostor, 2 folds"
    assert isinstance(pairs, VerificationProtocol)
    assert told["digest"] == pairs.digest
    (photos / "4.png").unlink()
    (lacking,) = load(Source(str(photos / "pairs.csv"), missing="failure-to-enrol"))
    assert "1 without their photo (failures to enrol)" in dict(describe(lacking))["faces"]
    (search,) = load(Source(str(photos / "templates.csv"), task="1:N", missing="failure-to-enrol"))
    assert isinstance(search, IdentificationProtocol)
    told = dict(describe(search))
    assert told["gallery gallery"] == "2, 2 probes, 1 mated"
    assert told["templates"] == "4, 3 people named"


def test_faces_are_listed_in_the_order_of_the_embeddings(photos: Path) -> None:
    source = Source(str(photos / "templates.csv"))
    ((path, count),) = write_faces(source, photos / "faces.csv")
    assert count == 8
    rows = list(csv.reader(path.read_text().splitlines()))
    assert tuple(rows[0]) == HEADER
    (protocol,) = load_verification(source)
    names = [protocol.samples.photos.names[one] for one in protocol.samples.photo]
    assert [row[1] for row in rows[1:]] == names
    assert rows[1][3:8] == ["0.5", "1", "2", "30.5", "40"]
    assert set(rows[1][8:]) == {""}
    assert not list(photos.glob(".*.part"))


def test_real_lfw(shared: Path) -> None:
    lists = shared / "lfw/lists/pairs_folds1to4.txt"
    (protocol,) = load_verification(Source("lfw", root=shared / "lfw", pairs=lists))
    told = dict(describe(protocol))
    assert told["pairs"] == "2,400: 1,200 genuine, 1,200 impostor, 4 folds"
    assert told["faces"] == "3,074 in 3,074 photos"
