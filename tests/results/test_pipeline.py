"""From photos to embeddings: the same answers, whatever was in the cache and whoever computes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cfr.frontalizers.sources as frontalizers
from cfr.frontalizers.types import Restored
from cfr.landmarks.sources import load_landmarker
from protocols.errors import BadInput, BadOption, DataError
from protocols.images import read_image, save_image
from protocols.photos import PackedPhotos
from protocols.types import Samples, VerificationProtocol
from recognizers.sources import load_recognizer
from recognizers.variations import AS_IS
from results.evaluating import Evaluated, evaluate
from results.export.faces import Points, fed, guess, restored_points
from results.export.locating import choose_source
from results.loading import Source, load_verification
from results.pipeline import Chosen, Embedding, embed
from results.scoring import Scoring


@pytest.fixture
def options(face_world, tmp_path: Path) -> Embedding:
    return Embedding(
        landmarks="sidecar",
        landmarks_root=face_world.points,
        probe=False,
        jobs=1,
        cache=tmp_path / "cache",
    )


@pytest.fixture
def protocol(face_world) -> VerificationProtocol:
    return load_verification(Source(face_world.pairs))[0]


def points_of(face_world, name: str) -> Points:
    found = load_landmarker("sidecar", face_world.points)
    (face,) = found(np.zeros((1, 1, 3), np.uint8), face_world.root / "photos" / name)
    return Points.of(face)


def photos_of(protocol: VerificationProtocol) -> list[tuple[str, np.ndarray]]:
    names = [Path(one).name for one in protocol.samples.photos.names]
    return [(name, protocol.samples.photos.read(at)) for at, name in enumerate(names)]


def test_a_row_a_face_as_the_recognizer_gives_it(face_world, protocol, options) -> None:
    found = embed(protocol, [Chosen(face_world.recognizer)], options)
    (one,) = found.embeddings
    recognizer = load_recognizer(face_world.recognizer)
    for row, (name, photo) in enumerate(photos_of(protocol)):
        points = replace(points_of(face_world, name), dense=None)
        faces = fed([(photo, points)], recognizer, AS_IS, smooth=False)
        assert np.array_equal(one.faces[row], recognizer.embed(faces)[0])
        assert one.mirrored is not None
        assert np.array_equal(one.mirrored[row], recognizer.embed(faces.mirrored())[0])
    assert one.name == "small"
    assert not one.failed.any()
    assert one.counts == {"no face": 0}


def test_restored_faces_are_embedded_behind_a_frontalizer(face_world, protocol, options) -> None:
    systems = [Chosen(face_world.recognizer, name) for name in ("none", "render")]
    found = embed(protocol, systems, options)
    plain, turned = found.embeddings
    assert [one.name for one in found.embeddings] == ["small", "small, render"]
    assert (plain.against, turned.against) == (None, "small")
    recognizer, render = (
        load_recognizer(face_world.recognizer),
        frontalizers.SOURCES["render"]("cpu"),
    )
    name, photo = photos_of(protocol)[3]
    dense = points_of(face_world, name).dense
    assert dense is not None
    restored = render.restore(photo, dense)
    face = (restored.image, restored_points(restored.points))
    wanted = recognizer.embed(fed([face], recognizer, AS_IS, smooth=True))[0]
    assert np.array_equal(turned.faces[3], wanted)
    assert not np.array_equal(plain.faces[3], wanted)
    assert turned.counts == {"no face": 0, "not turned": 0}


def test_the_second_time_nothing_is_computed(face_world, protocol, options) -> None:
    systems = [Chosen(face_world.recognizer, name) for name in ("none", "render")]
    first = embed(protocol, systems, options)
    assert first.exporter.computed == 4 * len(protocol.samples)
    again = embed(protocol, systems, options)
    assert again.exporter.computed == 0
    for one, other in zip(first.embeddings, again.embeddings, strict=True):
        assert one.faces.tobytes() == other.faces.tobytes()


def test_one_more_recognizer_computes_its_own_alone(face_world, protocol, options) -> None:
    other = str(face_world.root / "other.onnx")
    embed(protocol, [Chosen(face_world.recognizer)], options)
    found = embed(protocol, [Chosen(face_world.recognizer), Chosen(other)], options)
    assert found.exporter.computed == 2 * len(protocol.samples)


@pytest.mark.parametrize("changed", ["card", "weights", "points", "photo", "mirrored", "template"])
def test_whatever_changes_is_computed_anew(face_world, tmp_path, options, changed: str) -> None:
    """And nothing else: what the change does not touch stays in the cache."""
    for name in ("small.onnx", "pairs.csv", "points.csv"):
        (tmp_path / name).write_bytes((face_world.root / name).read_bytes())
    (tmp_path / "photos").mkdir()
    for name in face_world.names:
        photo = (face_world.root / "photos" / name).read_bytes()
        (tmp_path / "photos" / name).write_bytes(photo)
    options = replace(options, landmarks_root=tmp_path / "points.csv", mirrored=False)
    system = Chosen(str(tmp_path / "small.onnx"))
    source = Source(str(tmp_path / "pairs.csv"))
    before = embed(load_verification(source)[0], [system], options)
    count = len(before.embeddings[0].faces)
    expected = count
    if changed == "card":
        (tmp_path / "small.toml").write_text('colour = "BGR"\n')
    elif changed == "template":
        (tmp_path / "small.toml").write_text('template = "whole"\n')
    elif changed == "weights":
        (tmp_path / "small.onnx").write_bytes((face_world.root / "other.onnx").read_bytes())
    elif changed == "mirrored":
        options = replace(options, mirrored=True)
    else:
        expected = 1
        if changed == "photo":
            path = tmp_path / "photos" / face_world.names[0]
            save_image(path, read_image(path)[::-1])
        else:
            first, row, *others = (tmp_path / "points.csv").read_text().splitlines()
            name, *numbers = row.split(",")
            row = ",".join([name, *(str(float(number) + 2) for number in numbers)])
            (tmp_path / "points.csv").write_text("\n".join([first, row, *others]))
    after = embed(load_verification(source)[0], [system], options)
    assert after.exporter.computed == expected
    if changed != "mirrored":
        differ = (before.embeddings[0].faces != after.embeddings[0].faces).any(axis=1)
        assert differ.sum() == expected


def test_two_processes_answer_the_same_bytes(face_world, protocol, options, tmp_path) -> None:
    systems = [Chosen(face_world.recognizer, name) for name in ("none", "render")]
    alone = embed(protocol, systems, options)
    two = embed(protocol, systems, replace(options, jobs=2, cache=tmp_path / "another"))
    assert two.exporter.computed == alone.exporter.computed
    for one, other in zip(alone.embeddings, two.embeddings, strict=True):
        assert one.faces.tobytes() == other.faces.tobytes()


class Turner:
    """Turns nothing, and refuses every face whose photo is red in the corner."""

    name = "turner"
    identity: Mapping[str, str] = {"version": "1"}

    def restore(self, photo: np.ndarray, points: np.ndarray) -> Restored:
        if photo[0, 0, 0] == 255:
            raise ValueError("red")
        return Restored(np.ascontiguousarray(photo), points)


class Painter:
    """Paints one face, whoever it is given."""

    name = "painter"
    identity: Mapping[str, str] = {"version": "1"}

    def restore(self, photo: np.ndarray, points: np.ndarray) -> Restored:
        rows = np.indices((160, 160)).sum(0)[..., None].repeat(3, axis=2)
        return Restored((rows % 256).astype(np.uint8), np.array(points * 0 + _PAINTED))


_PAINTED = np.random.default_rng(0).uniform(40, 120, (68, 2))


@pytest.fixture
def turner(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: Mapping[str, Callable] = {
        **frontalizers.SOURCES,
        "turner": lambda device: Turner(),
        "painter": lambda device: Painter(),
    }
    monkeypatch.setattr(frontalizers, "SOURCES", sources)


def test_failures_follow_their_policy_and_are_counted(
    face_world, tmp_path, options, turner
) -> None:
    """The first photo has no points; the third one cannot be turned."""
    first, _, third, *_ = face_world.names
    lines = face_world.points.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(first)]
    (tmp_path / "points.csv").write_text("\n".join(kept))
    (tmp_path / "photos").mkdir()
    for name in face_world.names:
        photo = read_image(face_world.root / "photos" / name)
        photo[0, 0] = (255, 0, 0) if name == third else (0, 0, 0)
        save_image(tmp_path / "photos" / name, photo)
    (tmp_path / "pairs.csv").write_text(Path(face_world.pairs).read_text())
    source = Source(str(tmp_path / "pairs.csv"))
    systems = [Chosen(face_world.recognizer, name) for name in ("none", "turner")]
    rows = {}
    found: dict[str, Evaluated] = {}
    for policy in ("keep-original", "drop", "zero"):
        chosen = replace(
            options, landmarks_root=tmp_path / "points.csv", no_face=policy, not_turned=policy
        )
        found[policy] = evaluate(source, systems, chosen, Scoring(resamples=0))
        names = [Path(one).name for one in found[policy].protocols[0].samples.photos.names]
        rows = {name: names.index(name) for name in (first, third)}
        values = found[policy].scored.values
        assert values["small"]["no face"].value == pytest.approx(100 / 40)
        assert values["small"]["not turned"].value == 0
        assert values["small, turner"]["no face"].value == pytest.approx(100 / 40)
        assert values["small, turner"]["not turned"].value == pytest.approx(100 / 40)
    recognizer = load_recognizer(face_world.recognizer)
    photo = read_image(tmp_path / "photos" / first)
    expected = recognizer.embed(
        fed([(photo, guess(160, 160, None))], recognizer, AS_IS, smooth=False)
    )[0]
    plain, turned = found["keep-original"].exported[0].embeddings
    for one in (plain, turned):
        assert np.array_equal(one.faces[rows[first]], expected)
        assert not one.failed.any()
    assert np.array_equal(turned.faces[rows[third]], plain.faces[rows[third]])
    plain, turned = found["drop"].exported[0].embeddings
    assert np.flatnonzero(plain.failed).tolist() == [rows[first]]
    assert np.flatnonzero(turned.failed).tolist() == sorted([rows[first], rows[third]])
    (dropped,) = found["drop"].protocols
    assert isinstance(dropped, VerificationProtocol)
    pairs = dropped.pairs
    touched = (pairs.left == rows[first]) | (pairs.right == rows[first])
    assert touched.any()
    scores = {name: one.whole.splits[0].scores["small"] for name, one in found.items()}
    assert np.isneginf(scores["drop"][touched]).all()
    assert np.isfinite(scores["drop"][~touched]).all()
    assert (scores["zero"][touched] == 0).all()
    assert np.array_equal(scores["zero"][~touched], scores["keep-original"][~touched])
    told = " ".join(found["drop"].whole.notes)
    assert "39 of 40 faces found, 1 not (then: drop)" in told
    assert "38 faces frontalized, 1 could not be (then: drop)" in told


def test_absent_photos_fail_to_enrol(face_world, tmp_path, options) -> None:
    (tmp_path / "photos").mkdir()
    for name in face_world.names[1:]:
        (tmp_path / "photos" / name).write_bytes((face_world.root / "photos" / name).read_bytes())
    source = Source(face_world.pairs, root=tmp_path, missing="failure-to-enrol")
    found = evaluate(source, [Chosen(face_world.recognizer)], options, Scoring(resamples=0))
    assert "the photos of 1 faces are absent; 39 of 39 faces found" in " ".join(found.whole.notes)
    assert np.isneginf(found.whole.splits[0].scores["small"]).sum() >= 1


def test_one_answer_for_everybody_is_noticed(face_world, options, turner) -> None:
    systems = [Chosen(face_world.recognizer, name) for name in ("none", "painter")]
    found = evaluate(Source(face_world.pairs), systems, options, Scoring(resamples=0))
    assert any("small, painter" in one for one in found.warnings)
    assert not any(one.startswith("small:") and "same" in one for one in found.warnings)


def test_frontalized_rows_are_held_against_their_own_recognizer(face_world, options) -> None:
    other = str(face_world.root / "other.onnx")
    systems = [
        Chosen(one, before)
        for one in (face_world.recognizer, other)
        for before in ("none", "render")
    ]
    found = evaluate(Source(face_world.pairs), systems, options, Scoring(resamples=200))
    against = {one.left: one.right for one in found.whole.comparisons()}
    assert against == {"small, render": "small", "other": "small", "other, render": "other"}


def test_a_damaged_photo_stops_the_run_and_keeps_what_was_computed(
    face_world, tmp_path, options
) -> None:
    (tmp_path / "photos").mkdir()
    for name in face_world.names:
        content = (face_world.root / "photos" / name).read_bytes()
        damaged = name == face_world.names[-1]
        (tmp_path / "photos" / name).write_bytes(
            content[: len(content) // 3] if damaged else content
        )
    source = Source(face_world.pairs, root=tmp_path)
    with pytest.raises(BadInput, match=face_world.names[-1]):
        evaluate(source, [Chosen(face_world.recognizer)], options, Scoring(resamples=0))
    found = evaluate(
        Source(face_world.pairs), [Chosen(face_world.recognizer)], options, Scoring(resamples=0)
    )
    assert 0 < found.exported[0].exporter.computed < 2 * 40


def test_sources_of_points(protocol) -> None:
    samples = protocol.samples
    assert choose_source("auto", samples) == "dlib"
    assert choose_source("tddfa", samples) == "tddfa"
    with pytest.raises(BadOption, match="no points"):
        choose_source("published", samples)
    with pytest.raises(BadOption, match="any of auto, published"):
        choose_source("magic", samples)
    packed = Samples.whole(PackedPhotos(Path("a.bin"), [b""]), np.zeros(1, bool))
    assert choose_source("auto", packed) == "aligned"
    five = np.zeros((1, 5, 2), np.float32)
    assert choose_source("auto", replace(packed, landmarks=five)) == "published"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"frontalizer": "magic"}, "any of none, render"),
        ({"recognizer": "magic"}, "magic"),
    ],
)
def test_unknown_names(face_world, options, words: dict, told: str) -> None:
    with pytest.raises(BadOption, match=told):
        evaluate(
            Source(face_world.pairs),
            [Chosen(**{"recognizer": face_world.recognizer, **words})],
            options,
            Scoring(resamples=0),
        )
    with pytest.raises(BadOption, match="--jobs"):
        Embedding(jobs=-1)


def test_a_system_stands_once(face_world, options) -> None:
    one = Chosen(face_world.recognizer)
    with pytest.raises(BadOption, match="each once"):
        evaluate(Source(face_world.pairs), [one, one], options, Scoring())


def test_points_beside_a_photo_of_several_faces_are_chosen_by_its_boxes(
    face_world, tmp_path, options
) -> None:
    """Two faces of one photo, each with its box; both lie in the file of points."""
    photos = [read_image(face_world.root / "photos" / name) for name in face_world.names[:3:2]]
    save_image(tmp_path / "both.png", np.concatenate(photos, axis=1))
    header, first, _, second, *_ = face_world.points.read_text().splitlines()
    numbers = [np.array(row.split(",")[1:], float).reshape(68, 2) for row in (first, second)]
    numbers[1] += (160, 0)
    rows = [",".join(["both.png", *map(str, one.ravel().tolist())]) for one in numbers]
    (tmp_path / "points.csv").write_text("\n".join([header, *rows]))
    lines = ["template,subject,image,x,y,width,height"]
    for at, points in enumerate(numbers):
        (left, top), (right, bottom) = points.min(0), points.max(0)
        lines.append(f"{at},s{at},both.png,{left},{top},{right - left},{bottom - top}")
    (tmp_path / "templates.csv").write_text("\n".join(lines))
    protocol = load_verification(Source(str(tmp_path / "templates.csv")))[0]
    options = replace(options, landmarks_root=tmp_path / "points.csv")
    (found,) = embed(protocol, [Chosen(face_world.recognizer)], options).embeddings
    alone = embed(
        load_verification(Source(face_world.pairs))[0],
        [Chosen(face_world.recognizer)],
        replace(options, landmarks_root=face_world.points),
    ).embeddings[0]
    assert not np.allclose(found.faces[0], found.faces[1], rtol=0.05)
    assert np.allclose(found.faces[0], alone.faces[0], atol=0.2)


def test_a_network_of_zeros_fails_to_enrol_and_one_of_nan_is_refused(
    face_world, tmp_path, options, monkeypatch
) -> None:
    import recognizers.onnx_model as onnx_model

    plain = onnx_model.OnnxRecognizer.embed
    source, systems = Source(face_world.pairs), [Chosen(face_world.recognizer)]
    monkeypatch.setattr(
        onnx_model.OnnxRecognizer, "embed", lambda one, faces: 0 * plain(one, faces)
    )
    found = evaluate(source, systems, options, Scoring(resamples=0))
    assert found.exported[0].embeddings[0].failed.all()
    nan = np.float32(np.nan)
    monkeypatch.setattr(
        onnx_model.OnnxRecognizer, "embed", lambda one, faces: nan * plain(one, faces)
    )
    with pytest.raises(DataError, match="not finite"):
        evaluate(source, systems, replace(options, cache=tmp_path / "other"), Scoring(resamples=0))


def test_what_cannot_be_pooled_is_refused_before_anything_is_embedded(face_world, options) -> None:
    scoring = Scoring(resamples=0, pooling=("N0D1F0",))
    with pytest.raises(BadOption, match="--pooling N0D1F0"):
        evaluate(Source(face_world.pairs), [Chosen(face_world.recognizer)], options, scoring)
    assert not (options.cache or Path()).exists()


def test_files_of_one_name_are_told_apart_by_their_folders(face_world, tmp_path, options) -> None:
    for folder, name in (("a", "small"), ("b", "other")):
        (tmp_path / folder).mkdir()
        content = (face_world.root / f"{name}.onnx").read_bytes()
        (tmp_path / folder / "backbone.onnx").write_bytes(content)
    systems = [Chosen(str(tmp_path / folder / "backbone.onnx")) for folder in "ab"]
    found = evaluate(Source(face_world.pairs), systems, options, Scoring(resamples=0))
    assert found.whole.rows == ("a/backbone", "b/backbone")
    assert len(set(found.exported[0].weights.values())) == 2


def test_a_worker_with_other_code_refuses(monkeypatch) -> None:
    import results.export.ground as here

    ground = here.Ground.here(["results.export.faces"], ["numpy"])
    ground.check("mine")
    monkeypatch.setattr(here, "code_digest", lambda *modules: "another")
    here._seen.cache_clear()
    with pytest.raises(here.OtherWeights, match="its code of this project"):
        ground.check("mine")
    here._seen.cache_clear()
