import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cfr.align import five_from_68
from cfr.frontalizers.render import RenderFrontalizer
from cfr.landmarks.face import FoundFace
from cfr.landmarks.policy import NoFace, Tally
from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import Scene, SceneSettings, draw_scenes
from protocols.errors import BadInput
from results.alone import alone
from results.frontalizing.manifest import FILE, Written
from results.frontalizing.methods import ByRender, Made
from results.frontalizing.photos import find_photos
from results.frontalizing.running import doubtful, frontalize_photos

Points = dict[str, list[np.ndarray]]


class Known:
    """Finds faces where the test put them."""

    name = "known"

    def __init__(self, points: Points) -> None:
        self.points = points

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        assert path is not None
        found = []
        for points in self.points.get(path.name, []):
            box = np.concatenate((points.min(0), points.max(0)))
            found.append(FoundFace(box, 1.0, five_from_68(points), points, "known"))
        return found


@pytest.fixture(scope="module")
def frontalizer() -> RenderFrontalizer:
    return RenderFrontalizer(load_model("builtin"), yaw=0.2, size=64)


@pytest.fixture(scope="module")
def scenes(frontalizer: RenderFrontalizer) -> list[Scene]:
    sampler = IdentitySampler(frontalizer.model)
    people = [sampler.draw(seed) for seed in range(3)]
    return draw_scenes(frontalizer.model, people, [0, 1, 2], SceneSettings(size=96))


@pytest.fixture
def folder(tmp_path: Path, scenes: list[Scene]) -> tuple[Path, Points]:
    """Two photos, one in a subfolder and with two faces; one photo without."""
    one, two, three = scenes
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    Image.fromarray(one.photo).save(photos / "a.png")
    Image.fromarray(np.hstack((two.photo, three.photo))).save(photos / "sub" / "b.png")
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(photos / "z.png")
    points = {"a.png": [one.points], "b.png": [two.points, three.points + np.array([96, 0])]}
    return photos, points


@pytest.fixture
def turn(
    folder: tuple[Path, Points], frontalizer: RenderFrontalizer, tmp_path: Path
) -> Callable[[Tally], list]:
    photos, points = folder
    return lambda tally: frontalize_photos(
        photos, tmp_path / "out", Known(points), ByRender(frontalizer), tally
    )


def test_every_face_gets_its_files_and_its_line(turn: Callable, tmp_path: Path) -> None:
    tally, out = Tally("known", "all", "skip"), tmp_path / "out"
    written = turn(tally)
    stems = ["a", "sub/b", "sub/b-face2"]
    for stem, one in zip(stems, written, strict=True):
        for name in ("crop", "projected", "estimated", "sheet"):
            assert one.files[name] == f"{stem}-{name}.png"
            with Image.open(out / one.files[name]) as picture:
                assert name == "sheet" or picture.size == (64, 64)
    record = json.loads((out / "frontalized.json").read_text())
    assert [one["photo"] for one in record["faces"]] == ["a.png", "sub/b.png", "sub/b.png"]
    assert record["several_faces"] == "all"
    assert (record["photos_with_a_face"], record["photos_without"]) == (2, 1)
    assert record["yaw_degrees"] == pytest.approx(np.degrees(0.2))
    assert len(record["model_digest"]) == 64
    assert record["damaged_photos"] == []
    assert [one.name for one in out.rglob(".*")] == [".lock"]  # nothing that is half written


def test_what_was_done_before_an_error_is_kept_and_on_record(
    turn: Callable, tmp_path: Path
) -> None:
    with pytest.raises(NoFace, match=r"z\.png"):
        turn(Tally("known", "largest", "error"))
    record = json.loads((tmp_path / "out/frontalized.json").read_text())
    assert len(record["faces"]) == 2
    assert (record["photos_with_a_face"], record["photos_without"]) == (2, 1)
    assert (tmp_path / "out/sub/b-sheet.png").is_file()


def test_photos_are_found_in_order_or_missed_clearly(
    folder: tuple[Path, Points], tmp_path: Path
) -> None:
    photos, _ = folder
    (photos / "notes.txt").write_text("no photo")
    assert [one.name for one in find_photos(photos)] == ["a.png", "b.png", "z.png"]
    assert find_photos(photos / "a.png") == [photos / "a.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="pictures"):
        find_photos(tmp_path / "empty")
    with pytest.raises(BadInput, match="no such file"):
        find_photos(tmp_path / "absent.jpg")


def test_photos_that_differ_in_their_suffix_alone_keep_it(
    folder: tuple[Path, Points], frontalizer: RenderFrontalizer, tmp_path: Path
) -> None:
    photos, points = folder
    with Image.open(photos / "a.png") as same:
        same.save(photos / "a.jpg")
        same.save(photos / "a-face2.png")
    known = Known({**points, "a.jpg": points["a.png"] * 2, "a-face2.png": points["a.png"]})
    tally = Tally("known", "all", "skip")
    written = frontalize_photos(photos, tmp_path / "out", known, ByRender(frontalizer), tally)
    crops = [one.files["crop"] for one in written]
    assert len(set(crops)) == len(crops) == 6
    assert {"a.jpg-crop.png", "a.png-crop.png", "a.jpg-face2-crop.png"} <= set(crops)


def test_what_an_earlier_run_wrote_is_no_photo(
    folder: tuple[Path, Points], frontalizer: RenderFrontalizer
) -> None:
    photos, points = folder
    (photos / "._a.png").write_bytes(b"no picture")
    for _ in range(2):
        tally = Tally("known", "largest", "skip")
        written = frontalize_photos(
            photos, photos / "out", Known(points), ByRender(frontalizer), tally
        )
        assert len(written) == 2


def test_damaged_photos_stop_or_are_noted(
    folder: tuple[Path, Points], frontalizer: RenderFrontalizer, tmp_path: Path
) -> None:
    photos, points = folder
    (photos / "broken.png").write_bytes(b"no picture")
    where = photos, tmp_path / "out", Known(points), ByRender(frontalizer)
    with pytest.raises(BadInput, match=r"broken\.png"):
        frontalize_photos(*where, Tally("known", "all", "skip"))
    written = frontalize_photos(*where, Tally("known", "all", "skip"), damaged="skip")
    assert len(written) == 3
    record = json.loads((tmp_path / "out/frontalized.json").read_text())
    assert record["damaged_photos"] == ["broken.png"]


def test_the_recorded_pose_is_the_faces_own(frontalizer: RenderFrontalizer, tmp_path: Path) -> None:
    sampler = IdentitySampler(frontalizer.model)
    settings = SceneSettings(yaw_degrees=40.0, pitch_degrees=2.0, noise=0.0, expression=0.0)
    scene = max(
        draw_scenes(frontalizer.model, [sampler.draw(1)] * 4, [1, 2, 3, 4], settings),
        key=lambda one: abs(float(one.coefficients.rotation[0, 1])),
    )
    Image.fromarray(scene.photo).save(tmp_path / "one.png")
    known = Known({"one.png": [scene.points]})
    tally = Tally("known")
    method = ByRender(frontalizer)
    (one,) = frontalize_photos(tmp_path / "one.png", tmp_path / "out", known, method, tally)
    assert one.yaw_degrees is not None
    pitch, yaw, _ = np.degrees(scene.coefficients.rotation[0].numpy())
    assert abs(yaw) > 15
    assert one.yaw_degrees == pytest.approx(yaw, abs=8)
    assert one.pitch_degrees == pytest.approx(pitch, abs=8)
    assert doubtful([one]) == ""
    assert "tddfa" in doubtful([replace(one, found_by="dlib-mmod")])


def contents(out: Path) -> dict[str, bytes]:
    return {one.relative_to(out).as_posix(): one.read_bytes() for one in sorted(out.rglob("*.*"))}


class Marking(dict):
    """A method that looks at nothing: fast, with the options that a test wants."""

    @property
    def record(self) -> dict:
        return dict(self)

    def __call__(self, photo: np.ndarray, points: np.ndarray) -> Made:
        return Made({"crop": photo[:8, :8], "restored": photo[8:16, 8:16]}, points, None)


class Killed(Exception):
    """As a signal would end a run."""


class Counting(Known):
    """Counts the photos that it sees, and may end the run at one."""

    def __init__(self, points: Points, last: int = 99) -> None:
        super().__init__(points)
        self.last, self.seen = last, []

    def __call__(self, photo: np.ndarray, path: Path | None = None) -> list[FoundFace]:
        if len(self.seen) == self.last:
            raise Killed
        assert path is not None
        self.seen.append(path.name)
        return super().__call__(photo, path)


def test_a_killed_run_goes_on_and_ends_with_the_same_files(
    folder: tuple[Path, Points], frontalizer: RenderFrontalizer, tmp_path: Path
) -> None:
    photos, points = folder
    method = ByRender(frontalizer)

    def go(out: str, last: int = 99) -> tuple[Counting, list[Written], Tally]:
        known, tally = Counting(points, last), Tally("known", "all", "skip")
        return known, frontalize_photos(photos, tmp_path / out, known, method, tally), tally

    whole, written, tally = go("whole")
    assert whole.seen == ["a.png", "b.png", "z.png"]
    with pytest.raises(Killed):
        go("cut", last=1)
    out = tmp_path / "cut"
    with (out / FILE).open("a") as file:  # and in the middle of a line
        file.write('{"photo": "sub/b.png", "ste')
    again, resumed, counted = go("cut")
    assert again.seen == ["b.png", "z.png"]
    assert contents(out) == contents(tmp_path / "whole")
    assert resumed == written
    assert counted.record() == tally.record()
    assert go("cut")[0].seen == []
    assert contents(out) == contents(tmp_path / "whole")


def test_only_what_changed_is_done_again(folder: tuple[Path, Points], tmp_path: Path) -> None:
    photos, points = folder
    method, out = Marking(method="marking"), tmp_path / "out"

    def seen() -> list[str]:
        known = Counting({**points, "c.png": points["a.png"]})
        frontalize_photos(photos, out, known, method, Tally("known", "all", "skip"))
        return known.seen

    assert len(seen()) == 3
    (out / "sub/b-face2-restored.png").unlink()
    assert seen() == ["b.png"]
    (photos / "c.png").write_bytes((photos / "a.png").read_bytes())
    assert seen() == ["c.png"]
    Image.fromarray(np.full((96, 96, 3), 99, np.uint8)).save(photos / "a.png")
    assert seen() == ["a.png"]
    (photos / "c.png").unlink()
    assert seen() == []
    record = json.loads((out / "frontalized.json").read_text())
    assert [one["photo"] for one in record["faces"]] == ["a.png", "sub/b.png", "sub/b.png"]


def test_two_runs_in_one_folder_are_refused(turn: Callable, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with alone(tmp_path / "out"), pytest.raises(BadInput, match="no other run writes to"):
        turn(Tally("known", "all", "skip"))


def test_other_options_are_refused_by_name(folder: tuple[Path, Points], tmp_path: Path) -> None:
    photos, points = folder
    out = tmp_path / "out"

    def go(method: Marking, tally: Tally) -> None:
        frontalize_photos(photos, out, Known(points), method, tally)

    def skipping() -> Tally:
        return Tally("known", "all", "skip")

    given = {"method": "marking", "yaw": 0.5, "fit": {"steps": (1, 2)}}
    go(Marking(given), skipping())
    before = contents(out)
    go(Marking(given), skipping())
    for changed, said in (
        ({"yaw": 0.0}, r"a run with yaw 0\.0; another folder takes it, found one with yaw 0\.5$"),
        ({"yaw": 1.0, "fit": {"steps": [3]}}, r"yaw 1\.0, fit .*3.*, found .*yaw 0\.5, fit .*1, 2"),
        ({"size": 9}, r"a run with size 9; .*, found one with size not given$"),
    ):
        with pytest.raises(BadInput, match=said):
            go(Marking(given | changed), skipping())
    with pytest.raises(BadInput, match=r"detector other, several_faces largest; another folder"):
        go(Marking(given), Tally("other", "largest", "skip"))
    assert contents(out) == before
    with pytest.raises(NoFace):  # what to do about none is no such option, but it counts
        go(Marking(given), Tally("known", "all", "error"))
