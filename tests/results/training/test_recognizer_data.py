"""Faces to train on: both kinds of files, who is held out, and what is refused."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocols.errors import BadInput, DatasetUnavailable
from protocols.recordio import HEADER, RecordFile
from recognizers.training.drawing import LabelledDraws
from results.bench.made_up_people import MadeUpPeople, write_people
from results.training.recognizer_data import Crop, LabelledFaces, held_out_protocol, load_labelled

PEOPLE = MadeUpPeople(people=8, photos=4, size=32)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    write_people(tmp_path / "records", PEOPLE)
    return tmp_path / "records"


def folders(root: Path, *counts: int) -> Path:
    """A folder of people with so many photos each."""
    for person, count in enumerate(counts):
        (root / f"person {person}").mkdir(parents=True)
        for number in range(count):
            picture = Image.fromarray(PEOPLE.photo(person, number))
            picture.save(root / f"person {person}" / f"{number}.png")
    return root


def test_records_and_folders_are_the_same_faces(records: Path, tmp_path: Path) -> None:
    packed = load_labelled(str(records), "auto", 4)
    plain = load_labelled(str(folders(tmp_path / "folders", *[4] * 8)), "auto", 4)
    for one in (packed, plain):
        assert one.classes == 6
        assert one.labels.tolist() == np.repeat(np.arange(6), 4).tolist()
        assert one.rows.tolist() == [*range(12), *range(16, 28)]  # person 3 and person 7 are not
        assert one.aside.tolist() == [12, 13, 14, 15, 28, 29, 30, 31]
        assert "24 photos of 6 identities" in one.words
        assert one.words.endswith("2 identities are for validation alone")
    assert packed.digest != plain.digest
    again = load_labelled(str(records), "records", 4)
    assert again.digest == packed.digest
    other = load_labelled(str(folders(tmp_path / "other", *[4] * 7, 3)), "folders", 4)
    assert other.digest != plain.digest


def test_held_out_people_make_pairs(records: Path) -> None:
    data = load_labelled(str(records), "auto", 2)
    protocol = held_out_protocol(data, seed=0)
    pairs, photo = protocol.pairs, protocol.samples.photo
    assert set(photo.tolist()) <= set(data.aside.tolist())
    labels = np.asarray(data.faces.labels)[photo]
    assert ((labels[pairs.left] == labels[pairs.right]) == pairs.genuine).all()
    assert (labels % 2 == 1).all()
    assert int(pairs.genuine.sum()) == 4 * 6
    assert pairs.fold is not None
    assert set(pairs.fold.tolist()) == {0, 1}
    assert protocol.digest == held_out_protocol(data, seed=0).digest
    assert protocol.digest != held_out_protocol(data, seed=1).digest


def test_a_person_with_one_photo_is_trained_on(tmp_path: Path) -> None:
    data = load_labelled(str(folders(tmp_path / "faces", 3, 1, 2)), "auto", 0)
    assert data.classes == 3
    assert "1 identities have one photo" in data.words
    draws = drawn(data)
    seen = {int(one) for step in range(2) for one in draws[step].labels}
    assert seen == {0, 1, 2}


def test_people_who_cannot_make_pairs_are_refused(tmp_path: Path) -> None:
    single = load_labelled(str(folders(tmp_path / "single", 2, 1, 2, 1)), "auto", 2)
    with pytest.raises(BadInput, match="a person with two photos, found one photo of each"):
        held_out_protocol(single, 0)
    few = load_labelled(str(folders(tmp_path / "few", 2, 2, 2, 2)), "auto", 3)
    with pytest.raises(BadInput, match="two held-out identities or more; a smaller --hold-out"):
        held_out_protocol(few, 0)
    with pytest.raises(BadInput, match="two identities or more to train on, found 1 of 2"):
        load_labelled(str(folders(tmp_path / "two", 2, 2)), "auto", 2)


def test_what_is_no_training_set(records: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="the training faces"):
        load_labelled(str(tmp_path / "absent"), "auto", 0)
    with pytest.raises(BadInput, match="a folder of training faces, found a file"):
        load_labelled(str(records / "train.rec"), "auto", 0)
    with pytest.raises(DatasetUnavailable, match=r"train\.rec"):
        load_labelled(str(folders(tmp_path / "plain", 2, 2)), "records", 0)
    with pytest.raises(DatasetUnavailable, match="folders of identities"):
        load_labelled(str(records), "folders", 0)


def test_a_label_out_of_range_is_named(records: Path) -> None:
    relabel(records, 5, 8.0)
    with pytest.raises(BadInput, match=r"train\.rec, record 5: expected a label .* 0 to 7"):
        load_labelled(str(records), "auto", 0)
    relabel(records, 5, 0.5)
    with pytest.raises(BadInput, match=r"found 0\.5"):
        load_labelled(str(records), "auto", 0)


def relabel(records: Path, key: int, label: float) -> None:
    start = int(RecordFile.open(records / "train.rec").offsets[key]) + 8
    with (records / "train.rec").open("r+b") as file:
        file.seek(start)
        _, _, number, second = HEADER.unpack(file.read(HEADER.size))
        file.seek(start)
        file.write(struct.pack("<IfQQ", 0, label, number, second))


def drawn(data: LabelledFaces, size: int = 32) -> LabelledDraws:
    faces = data.faces.photos
    return LabelledDraws(faces, data.rows, data.labels, data.where, Crop(size, 0.0), 6, 0)


def test_a_damaged_record_and_an_unaligned_photo_are_named(records: Path, tmp_path: Path) -> None:
    start = int(RecordFile.open(records / "train.rec").offsets[5])
    with (records / "train.rec").open("r+b") as file:
        file.seek(start + 8 + HEADER.size)
        file.write(b"no picture")
    draws = drawn(load_labelled(str(records), "auto", 0))
    with pytest.raises(BadInput, match=r"train\.rec, record 5: expected a picture"):
        [draws[step] for step in range(6)]
    root = folders(tmp_path / "faces", 2, 2)
    Image.fromarray(PEOPLE.photo(0, 0)[:20]).save(root / "person 1" / "1.png")
    draws = drawn(load_labelled(str(root), "auto", 0))
    with pytest.raises(BadInput, match=r"faces, person 1/1\.png: .* found 20 × 32 pixels"):
        [draws[step] for step in range(2)]


def test_a_crop_is_what_the_pipeline_cuts() -> None:
    """As aligned crops are cut for a recognizer of this size; half of them mirrored."""
    from recognizers.templates import arcface
    from results.export.faces import cut

    photo, rng = MadeUpPeople(1, 1, size=112).photo(0, 0), np.random.default_rng(0)
    assert (Crop(112, 0.0)(photo, rng) == photo).all()
    assert (Crop(112, 1.0)(photo, rng) == photo[:, ::-1]).all()
    expected = cut(photo, None, arcface(64), smooth=True)[0]
    assert (Crop(64, 0.0)(photo, rng) == expected).all()
    turned = [bool((Crop(64, 0.5)(photo, rng) != expected).any()) for _ in range(40)]
    assert 10 < sum(turned) < 30
