"""Samples on disk: part by part, each once, the same samples however often a run is interrupted."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from cfr.align import five_from_68
from cfr.landmarks.face import FoundFace
from cfr.morphable.sources import load_model
from cfr.regressor.preparing import Preparing
from cfr.regressor.samples import KINDS, Frame, SampleFiles
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.errors import BadInput, BadOption
from protocols.images import save_image
from results.export.mapping import Workers
from results.export.work import no_bar
from results.training import sample_files
from results.training.sample_files import (
    PhotoToUse,
    PreparedSamples,
    SampleOrder,
    prepare_samples,
)

FRAME = Frame(crop=40, wide=52)
SETTINGS = Preparing(views=2, masks=0.5)
ORDER = SampleOrder("builtin", "none", SETTINGS, FRAME, renders=3, seed=5)
GOOD, BAD = 9, 4
"""Photos, two parts of them, and which one has points of no face."""


@dataclass(frozen=True)
class Made:
    folder: Path
    photos: list[PhotoToUse]
    prepared: PreparedSamples


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[PhotoToUse]:
    """The second one with a masked photo."""
    folder = tmp_path_factory.mktemp("photos")
    model = load_model("builtin")
    sampler = IdentitySampler(model)
    people = [sampler.draw(seed) for seed in range(GOOD)]
    scenes = draw_scenes(model, people, [*range(GOOD)], SceneSettings(size=96, zoom=0.8))
    found = []
    for number, scene in enumerate(scenes):
        path, points, masked = folder / f"{number}.png", scene.points, None
        save_image(path, scene.photo)
        if number == BAD:
            points = np.random.default_rng(0).permutation(points)
        if number == 1:
            masked = folder / "masked.png"
            worn = scene.photo.copy()
            worn[60:] = (0, 255, 0)
            save_image(masked, worn)
        found.append(PhotoToUse(path, points, masked))
    return found


def prepared(
    folder: Path,
    photos: list[PhotoToUse],
    order: SampleOrder = ORDER,
    digest: str = "photos",
    workers: int = 1,
) -> PreparedSamples:
    return prepare_samples(folder, order, photos, digest, Workers(workers), no_bar)


@pytest.fixture(scope="module")
def made(photos: list[PhotoToUse], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Tests may touch it if they leave it as it was."""
    folder = tmp_path_factory.mktemp("samples")
    return Made(folder, photos, prepared(folder, photos))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the photos and the first people that are prepared, in order."""
    seen: list[int] = []

    def noted(name: str, number: str) -> None:
        real: Callable = getattr(sample_files, name)

        def call(*args: object, **options: object) -> object:
            seen.append(options[number])  # pyright: ignore[reportArgumentType]
            return real(*args, **options)

        monkeypatch.setattr(sample_files, name, call)

    noted("prepare_photo", "source")
    noted("prepare_renders", "first")
    return seen


def content(path: Path) -> object:
    """All bytes, but of a file of samples the header as what it says: its order is random."""
    data = path.read_bytes()
    if path.suffix != ".safetensors":
        return data
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def contents(folder: Path) -> dict[str, object]:
    """Without what a killed writer left half done."""
    return {path.name: content(path) for path in folder.iterdir() if path.suffix != ".half"}


def times(folder: Path) -> dict[str, int]:
    found = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    found.pop("about.json")  # written again, with the same content
    return found


def test_files_counts_and_what_is_left_out(made: Made) -> None:
    result = made.prepared
    names = ["photos-00000", "photos-00001", "renders-00000"]
    assert [path.name for path in result.files] == [f"{name}.safetensors" for name in names]
    assert all(path.parent == result.folder for path in result.files)
    assert result.folder.parent == made.folder
    assert [*made.folder.iterdir()] == [result.folder]
    expected = {f"{name}.{end}" for name in names for end in ("json", "safetensors")}
    assert set(contents(result.folder)) == expected | {"about.json"}
    assert result.samples == 4 * (GOOD - 1) + 3
    assert [*result.left_out] == [str(made.photos[BAD].path)]
    assert "pixels of a 224 crop" in result.left_out[str(made.photos[BAD].path)]
    about = (result.folder / "about.json").read_text()
    assert '"photos"' in about
    assert load_model("builtin").digest in about


def test_the_files_hold_what_was_counted(made: Made) -> None:
    files = SampleFiles(made.prepared.files, load_model("builtin").digest, FRAME.wide)
    assert len(files) == made.prepared.samples
    photos = files.kinds != KINDS.index("render")
    # A photo's number is its place, whichever part it is in and whatever was left out before.
    whole = dict.fromkeys([number for number in range(GOOD) if number != BAD], 4)
    assert Counter(files.sources[photos].tolist()) == whole
    assert files.sources[~photos].tolist() == [0, 1, 2]
    assert not files.estimated.any()
    own = np.flatnonzero(photos & (files.sources == 1)).tolist()
    pictures = [place for place in own if KINDS[files.kinds[place]] == "photo"]
    assert pictures
    for place in pictures:
        assert files.masked[place]
        lower = files.image(place, masked=True)[-8:]
        assert (np.abs(lower.astype(int) - (0, 255, 0)) < 3).mean() > 0.7


def test_a_second_call_prepares_nothing(made: Made, calls: list[int]) -> None:
    before = times(made.prepared.folder)
    again = prepared(made.folder, made.photos)
    assert again == made.prepared
    assert times(made.prepared.folder) == before
    assert not calls


def test_an_interrupted_run_goes_on(made: Made, calls: list[int]) -> None:
    folder = made.prepared.folder
    before, written = contents(folder), times(folder)
    (folder / "photos-00001.json").unlink()  # killed between the samples and the list
    (folder / "renders-00000.json").unlink()
    (folder / "renders-00000.safetensors").unlink()  # and before this part
    (folder / ".renders-00000.safetensors.0f.half").write_bytes(b"cut off")
    again = prepared(made.folder, made.photos)
    assert calls == [8, 0]
    assert again == made.prepared
    assert contents(folder) == before
    assert times(folder)["photos-00000.safetensors"] == written["photos-00000.safetensors"]


def test_a_killed_run_leaves_the_parts_that_were_done(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sample_files.prepare_renders

    def killed(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sample_files, "prepare_renders", killed)
    few = made.photos[:2]
    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path, few)
    (own,) = tmp_path.iterdir()
    assert set(contents(own)) == {"about.json", "photos-00000.json", "photos-00000.safetensors"}
    monkeypatch.setattr(sample_files, "prepare_renders", real)
    before = times(own)
    result = prepared(tmp_path, few)
    assert result.samples == 4 * 2 + 3
    assert before.items() <= times(own).items()
    # The people are those of the run that was not interrupted.
    assert content(result.files[1]) == content(made.prepared.files[2])


def test_progress_counts_parts_and_begins_with_those_that_are_there(made: Made) -> None:
    told: list[object] = []

    @contextmanager
    def show(title: str, total: int) -> Iterator[Callable[[int], None]]:
        told.append((title, total))
        yield told.append

    (made.prepared.folder / "renders-00000.json").unlink()
    prepare_samples(made.folder, ORDER, made.photos, "photos", Workers(1), show)
    assert told == [("preparing samples", 3), 2, 1]


def test_no_photo_that_can_be_used(made: Made, tmp_path: Path) -> None:
    bad = made.photos[BAD]
    with pytest.raises(BadInput, match=r"photos with faces, found none of 1; .*4\.png: the fit"):
        prepared(tmp_path, [bad], replace(ORDER, renders=0))
    with pytest.raises(BadInput, match=r"none of 1; .*4\.png"):  # made-up people are not enough
        prepared(tmp_path, [bad], replace(ORDER, renders=1))
    with pytest.raises(BadInput, match="no photo was given"):
        prepared(tmp_path, [], replace(ORDER, renders=0))


def test_made_up_people_alone(made: Made) -> None:
    result = prepared(made.folder.parent / "renders", [], replace(ORDER, renders=1))
    assert [path.name for path in result.files] == ["renders-00000.safetensors"]
    assert result.samples == 1


def test_photos_that_are_no_photos_are_named(made: Made, tmp_path: Path) -> None:
    first, order = made.photos[0], replace(ORDER, renders=0)
    other = tmp_path / "other.png"
    save_image(other, np.zeros((96, 80, 3), np.uint8))
    expected = r"other\.png: expected 96 × 96, as 0\.png, found 80 × 96"
    with pytest.raises(BadInput, match=expected):
        prepared(tmp_path / "samples", [replace(first, masked=other)], order)
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(first.path.read_bytes()[:300])
    for photo in (replace(first, path=damaged), replace(first, masked=damaged)):
        with pytest.raises(BadInput, match=r"damaged\.png"):
            prepared(tmp_path / "samples", [photo], order)
    with pytest.raises(BadInput, match=r"absent\.png"):
        prepared(tmp_path / "samples", [replace(first, path=tmp_path / "absent.png")], order)


def test_other_settings_are_another_folder(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing prepared: the folder's name is what counts."""
    monkeypatch.setattr(sample_files, "prepare_photo", lambda *_, **__: [])
    monkeypatch.setattr(sample_files, "prepare_renders", lambda *_, **__: [])

    def folders(order: SampleOrder, digest: str = "photos") -> set[str]:
        with pytest.raises(BadInput):
            prepared(tmp_path, made.photos[:1], order, digest)
        return {path.name for path in tmp_path.iterdir()}

    seen = folders(ORDER)
    assert seen == {made.prepared.folder.name}
    assert folders(replace(ORDER, settings=replace(SETTINGS))) == seen
    for order in (
        replace(ORDER, seed=6),
        replace(ORDER, renders=4),
        replace(ORDER, frame=Frame(crop=40, wide=54)),
        replace(ORDER, settings=replace(SETTINGS, views=4)),
        replace(ORDER, settings=replace(SETTINGS, contour="sliding")),
    ):
        more = folders(order)
        assert len(more) == len(seen) + 1
        seen = more
    assert len(folders(ORDER, "other photos")) == len(seen) + 1


def test_points_that_nobody_gave_are_estimated(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The face in the middle is taken; a photo without any is left out."""
    asked: list[str] = []

    def find(photo: np.ndarray, path: Path) -> list[FoundFace]:
        asked.append(path.name)
        if path.name == "2.png":
            return []
        number = int(path.stem)
        points = made.photos[number].points
        assert points is not None
        near = FoundFace(np.array([20.0, 20, 70, 70]), 1.0, five_from_68(points), points, "a test")
        corner = np.random.default_rng(1).permutation(points)
        far = FoundFace(np.array([0.0, 0, 30, 30]), 9.0, five_from_68(corner), corner, "a test")
        return [replace(near, points=None)] if path.name == "3.png" else [far, near]

    monkeypatch.setattr(sample_files, "_landmarker", lambda name: find)
    order = replace(ORDER, landmarks="sidecar", renders=0)
    unknown = [replace(one, points=None) for one in made.photos]
    result = prepared(tmp_path, [unknown[0], made.photos[1], unknown[2]], order)
    assert asked == ["0.png", "2.png"]
    assert result.left_out == {str(unknown[2].path): "no face was found"}
    files = SampleFiles(result.files, load_model("builtin").digest, FRAME.wide)
    whole = SampleFiles(made.prepared.files, load_model("builtin").digest, FRAME.wide)
    assert files.estimated.tolist() == [True] * 4 + [False] * 4
    np.testing.assert_array_equal(files.points, whole.points[:8])
    with pytest.raises(BadInput, match=r"3\.png: expected 68 points, found five, by a test"):
        prepared(tmp_path, [unknown[3]], order, "another")
    with pytest.raises(BadOption, match="landmarks none"):
        prepared(tmp_path, [unknown[0]], replace(order, landmarks="none"))
