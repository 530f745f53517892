"""A table from embeddings, against the same numbers worked out by hand and by scikit-learn."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eval.identification import dir_at_far
from eval.resampling import Units, rank_interval, verification_intervals
from eval.scoring import score_pairs
from eval.search import search
from protocols.errors import BadOption
from protocols.images import save_image
from protocols.types import InputFile, Pairs, Templates
from results.embeddings import read_embeddings
from results.loading import Source, load_identification, load_verification
from results.record import RunRecord
from results.scoring import Scoring
from results.systems import Measured, Scored, over_splits, people_of, rate_name, systems_of
from results.tables.scores import Score, compute

PEOPLE, EACH, PARTS = 30, 4, 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of thirty people in templates and pairs, and embeddings of two recognizers."""
    root = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(5)
    save_image(root / "one.png", np.zeros((2, 2, 3), np.uint8))
    picture = (root / "one.png").read_bytes()
    names = [f"{person}_{index}.png" for person in range(PEOPLE) for index in range(EACH)]
    for name in names:
        (root / name).write_bytes(picture)
    pairs = ["left,right,same,fold,left_subject,right_subject"]
    for person in range(PEOPLE):
        fold, next_one = person % PARTS, (person + PARTS) % PEOPLE
        for index in range(EACH - 1):
            pairs.append(
                f"{person}_{index}.png,{person}_{index + 1}.png,1,{fold},{person},{person}"
            )
            other = f"{next_one}_{index}.png"
            pairs.append(f"{person}_{index}.png,{other},0,{fold},{person},{next_one}")
    (root / "pairs.csv").write_text("\n".join(pairs))
    templates = ["template,subject,image,media,score,role"]
    for row, name in enumerate(names):
        person, index = divmod(row, EACH)
        template, role = 2 * person + index // 2, "probe" if index // 2 else "first"
        if role == "first" and person % 5 == 0:
            role = "probe"  # every fifth person is in no gallery
        score = 0.5 + 0.1 * index
        templates.append(f"{template},{person},{name},m{index},{score},{role}")
    (root / "templates.csv").write_text("\n".join(templates))
    centres = rng.normal(size=(PEOPLE, 16))
    for name, noise in (("good", 0.9), ("bad", 1.4)):
        for side in ("", "_mirrored"):
            faces = np.repeat(centres, EACH, axis=0) + noise * rng.normal(size=(len(names), 16))
            np.save(root / f"{name}{side}.npy", faces.astype(np.float32))
    return root


def rows_of(source: Source) -> list[str]:
    """The protocol's own order of faces."""
    from results.loading import load, samples_of

    samples = samples_of(load(source)[0])
    assert samples is not None
    return [str(samples.photos.names[one]) for one in samples.photo.tolist()]


def in_order(world: Path, source: Source, name: str) -> str:
    """Embeddings in a protocol's order, as an option."""
    at = [int(a) * EACH + int(b) for a, b in (one[:-4].split("_") for one in rows_of(source))]
    files = []
    for side in ("", "_mirrored"):
        files.append(
            world / f"ordered-{source.task[-1]}-{Path(source.protocol).stem}-{name}{side}.npy"
        )
        np.save(files[-1], np.load(world / f"{name}{side}.npy")[at])
    return f"{name}={files[0]},{files[1]}"


def table(world: Path, file: str, **words) -> RunRecord:
    source = Source(str(world / file), task=words.pop("task", "1:1"))
    given = tuple(in_order(world, source, name) for name in ("bad", "good"))
    return compute(Score(source, given, Scoring(resamples=200, **words))).record


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def pair_scores(world: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    faces = np.load(world / f"{name}.npy") + np.load(world / f"{name}_mirrored.npy")
    rows = [line.split(",") for line in (world / "pairs.csv").read_text().splitlines()[1:]]
    at = [
        [int(a) * EACH + int(b) for a, b in (one[:-4].split("_") for one in row[:2])]
        for row in rows
    ]
    left, right = np.array(at).T
    vectors = unit(faces.astype(float))
    return (vectors[left] * vectors[right]).sum(axis=1), np.array([row[2] == "1" for row in rows])


def test_pairs(world: Path) -> None:
    record = table(world, "pairs.csv", fars=(0.2,), rule="conservative", thresholds="exact")
    assert record.rows == ("bad", "good")
    assert record.columns == ("accuracy", "accuracy std", "AUC", "EER", "TAR@0.2")
    for name in record.rows:
        scores, genuine = pair_scores(world, name)
        cell = record.cell(name, "AUC")
        assert cell.value == pytest.approx(100 * roc_auc_score(genuine, scores), abs=1e-4)
        assert cell.value is not None
        assert cell.interval is not None
        assert cell.interval[0] < cell.value < cell.interval[1]
        impostors = np.sort(scores[~genuine])[::-1]
        limit = impostors[int(0.2 * len(impostors))]  # the first one that is too many
        wanted = 100 * np.mean(scores[genuine] > limit)
        assert record.cell(name, "TAR@0.2").value == pytest.approx(wanted)
        assert record.cell(name, "TAR@0.2").n == PEOPLE * (EACH - 1)
    (gap,) = [one for one in record.comparisons if one.column == "TAR@0.2"]
    assert (gap.left, gap.right) == ("good", "bad")
    values = [record.cell(name, "TAR@0.2").value or 0.0 for name in ("good", "bad")]
    assert gap.difference == pytest.approx(values[0] - values[1])
    assert "30 people" in " ".join(record.notes)
    assert "conservative" in record.rule
    assert str(world) not in record.to_json()


def test_templates_and_every_pooling(world: Path) -> None:
    record = table(world, "templates.csv", pooling=("all",), fars=(0.1, 1e-4))
    assert len(record.rows) == 16
    assert record.rows[-1] == "good, N1D1F1"
    cell = record.cell("good, N1D1F1", "TAR@1e-4")
    assert cell.value is None
    assert "0 of 1,740 impostor scores" in cell.reason
    faces = np.load(world / "good.npy") + np.load(world / "good_mirrored.npy")
    weighted = faces * np.tile([0.5, 0.6, 0.7, 0.8], PEOPLE)[:, None]
    vectors = unit(weighted.reshape(-1, 2, 16).sum(axis=1))
    left, right = np.triu_indices(len(vectors), 1)
    scores = (vectors[left] * vectors[right]).sum(axis=1)
    wanted = 100 * roc_auc_score(left // 2 == right // 2, scores)
    assert record.cell("good, N1D1F1", "AUC").value == pytest.approx(wanted, abs=1e-4)


def test_identification(world: Path) -> None:
    record = table(world, "templates.csv", task="1:N", ranks=(1, 3), fars=(0.1, 0.9))
    assert record.columns == ("rank-1", "rank-3", "DIR@0.1", "DIR@0.9")
    faces = np.load(world / "good.npy") + np.load(world / "good_mirrored.npy")
    vectors = unit(unit(faces).reshape(-1, 2, 16).sum(axis=1))
    known = [person for person in range(PEOPLE) if person % 5]
    found = (vectors[1::2] @ vectors[0::2].T)[np.ix_(known, known)]
    ranks = (found > found.diagonal()[:, None]).sum(axis=1)
    for k in (1, 3):
        cell = record.cell("good", f"rank-{k}")
        assert cell.value == pytest.approx(100 * np.mean(ranks < k))
        assert cell.n == len(known)
    # Twelve probes are of nobody in the gallery: one within 0.1, eleven within 0.9.
    assert record.cell("good", "DIR@0.1").value is None
    assert record.cell("good", "DIR@0.9").value is not None


def test_failures_are_counted_and_cost(world: Path) -> None:
    source = Source(str(world / "pairs.csv"))
    option = in_order(world, source, "good").split(",")[0]
    whole = compute(Score(source, (option,), Scoring(resamples=0))).record
    file = Path(option.partition("=")[2])
    faces = np.load(file)
    lost = rows_of(source).index("0_0.png")
    faces[lost] = np.nan
    np.save(world / "lost.npy", faces)
    record = compute(Score(source, (f"good={world / 'lost.npy'}",), Scoring(resamples=0))).record
    told = " ".join(record.notes)
    assert "good: 1 of 120 faces failed to enrol (0 of them because their photo is absent)" in told
    assert "1 of 120 templates" in told
    before, after = (one.cell("good", "AUC").value or 0.0 for one in (whole, record))
    assert after < before
    assert whole.cell("good", "AUC").interval is None


def test_the_same_seed_the_same_table(world: Path) -> None:
    one, other = (table(world, "pairs.csv", fars=(0.2,), seed=3) for _ in range(2))
    assert one.cells == other.cells
    assert one.comparisons == other.comparisons
    third = table(world, "pairs.csv", fars=(0.2,), seed=4)
    assert [cell.value for cell in third.cells] == [cell.value for cell in one.cells]
    assert third.cells != one.cells
    assert json.loads(one.to_json())["config"]["resamples"] == 200


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"embeddings": ()}, "--embeddings"),
        ({"embeddings": ("a=x.npy", "a=y.npy")}, "its own name"),
        ({"fars": (0.0,)}, "--fars"),
        ({"fars": (0.1, 0.1)}, "--fars"),
        ({"ranks": (0,)}, "--ranks"),
        ({"resamples": 7}, "--resamples 7"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_options_are_refused_early(words: dict, told: str) -> None:
    embeddings = words.pop("embeddings", ("a=x.npy",))
    with pytest.raises(BadOption, match=told):
        Score(Source("lfw"), embeddings, Scoring(**words))


def test_a_pooling_that_cannot_be_had(world: Path) -> None:
    source = Source(str(world / "pairs.csv"))
    option = in_order(world, source, "good").split(",")[0]
    for name in ("N0D1F0", "N0D0F1", "mean"):
        with pytest.raises(BadOption, match=name):
            compute(Score(source, (option,), Scoring(pooling=(name,))))


def test_splits_are_averaged_and_compared_one_by_one() -> None:
    """The second row's column y is lacking in one split; intervals stay within 0 and 100."""

    def measured(value: float | None) -> Measured:
        return Measured(value, 10, None, "" if value is not None else "too few")

    values = ((90.0, 50.0, 91.0), (92.0, 52.0, 95.0), (97.0, None, 99.0))
    parts = [
        Scored(
            {"a": {"x": measured(x), "y": measured(y)}, "b": {"x": measured(z), "y": measured(y)}}
        )
        for x, y, z in values
    ]
    for part in parts:
        part.notes.append("note")
    whole = over_splits(parts)
    assert list(whole.values["a"]) == ["x", "x std", "y"]
    one = whole.values["a"]["x"]
    assert (one.value, one.n) == (93.0, 30)
    assert whole.values["a"]["x std"].value == pytest.approx(np.std([90, 92, 97]))
    half = 4.302653 * np.std([90, 92, 97], ddof=1) / 3**0.5  # Student, two degrees of freedom
    assert one.interval == pytest.approx((93 - half, 100), abs=1e-4)
    assert whole.values["a"]["y"].value is None
    assert "1 of 3 splits lack it: too few" in whole.values["a"]["y"].reason
    assert list(whole.differences) == ["b"]
    assert list(whole.differences["b"]) == ["x"]
    mean, interval = whole.differences["b"]["x"]
    gap = 4.302653 * np.std([1, 3, 2], ddof=1) / 3**0.5
    assert mean == pytest.approx(2.0)
    assert interval == pytest.approx((2 - gap, 2 + gap), abs=1e-4)
    assert whole.notes == ["note"]
    assert over_splits(parts[:1]) is parts[0]


def test_intervals_draw_people(world: Path) -> None:
    """The printed interval is that of a direct call, with the people that the file names."""
    source = Source(str(world / "pairs.csv"))
    (protocol,) = load_verification(source)
    record = table(world, "pairs.csv", fars=(0.2,), rule="conservative")
    given = read_embeddings(in_order(world, source, "good"), len(protocol.samples))
    (system,) = systems_of([given], protocol, ())
    pairs = protocol.pairs
    scores = score_pairs(system.vectors, pairs.left, pairs.right)
    units = Units(pairs.left, pairs.right, protocol.templates.subjects)
    again = {"resamples": 200, "rng": np.random.default_rng(0)}
    (wanted,) = verification_intervals(
        scores, pairs.genuine, units, (0.2,), "conservative", **again
    )
    assert wanted is not None
    assert record.cell("good", "TAR@0.2").interval == pytest.approx(
        (100 * wanted[0], 100 * wanted[1])
    )


def test_a_search_draws_people_and_never_exceeds_its_rate(world: Path) -> None:
    source = Source(str(world / "templates.csv"), task="1:N")
    (protocol,) = load_identification(source)
    record = table(world, "templates.csv", task="1:N", ranks=(1,), fars=(0.9,))
    assert "does not exceed" in record.rule
    assert "largest DIR" in record.rule
    assert record.config["rule"] == "conservative"
    given = read_embeddings(in_order(world, source, "bad"), len(protocol.samples))
    (system,) = systems_of([given], protocol, ())
    held, asked = protocol.galleries["first"], protocol.probes["first"]
    subjects = protocol.templates.subjects
    found = search(system.vectors[held], system.vectors[asked], subjects[held], subjects[asked])
    (point,) = dir_at_far(found, (0.9,), "conservative")
    assert point.tar is not None
    assert record.cell("bad", "DIR@0.9").value == pytest.approx(100 * point.tar)
    again = {"resamples": 200, "rng": np.random.default_rng(0)}
    wanted = rank_interval(found, 1, subjects[asked], **again)
    assert wanted is not None
    assert record.cell("bad", "rank-1").interval == pytest.approx(
        (100 * wanted[0], 100 * wanted[1])
    )


def test_files_are_recorded_with_their_digests(world: Path, tmp_path: Path) -> None:
    """Two recognizers' files may have the same name."""
    source = Source(str(world / "pairs.csv"))
    given = []
    for name in ("good", "bad"):
        file = Path(in_order(world, source, name).split("=")[1].split(",")[0])
        (tmp_path / name).mkdir()
        (tmp_path / name / "e.npy").write_bytes(file.read_bytes())
        given.append(f"{name}={tmp_path / name / 'e.npy'}")
    record = compute(Score(source, tuple(given), Scoring(resamples=0))).record
    assert record.inputs == {"pairs.csv": InputFile.of(world / "pairs.csv").sha256}
    for name in ("good", "bad"):
        digest = InputFile.of(tmp_path / name / "e.npy").sha256
        assert record.weights[f"{name}, faces e.npy"] == digest
    assert not record.comparisons


def test_who_is_who_as_far_as_it_is_told() -> None:
    def templates(*subjects: int) -> Templates:
        return Templates.single(np.array(subjects))

    assert people_of(templates(3, -1, 3, -1)).tolist() == [3, 4, 3, 5]
    pairs = Pairs(
        np.array([0, 1, 3], np.int32), np.array([1, 2, 4], np.int32), np.array([True, True, False])
    )
    found = people_of(templates(-1, -1, -1, -1, -1), pairs)
    assert found[0] == found[1] == found[2]
    assert len(set(found.tolist())) == 3


def test_a_rate_is_named_exactly() -> None:
    rates = (1e-6, 2.5e-5, 0.0015, 0.002, 0.0099, 0.01, 0.1, 0.1000001)
    names = [rate_name(rate) for rate in rates]
    assert names[:5] == ["1e-6", "2.5e-5", "1.5e-3", "2e-3", "9.9e-3"]
    assert names[5:] == ["0.01", "0.1", "0.1000001"]
    assert [float(name) for name in names] == list(rates)


def test_ten_splits_are_scored_one_by_one(tmp_path: Path) -> None:
    """IJB-A in miniature: every split with faces and embeddings of its own."""
    rng = np.random.default_rng(2)
    header = "TEMPLATE_ID,SUBJECT_ID,FILE,MEDIA_ID,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT"
    counts = {}
    for split in range(1, 11):
        folder = tmp_path / f"IJB-A_11_sets/split{split}"
        folder.mkdir(parents=True)
        rows = [f"{t},{t // 2},img/{split}_{t}.jpg,{t},1,1,5,5" for t in range(20)]
        (folder / f"verify_metadata_{split}.csv").write_text("\n".join([header, *rows]))
        pairs = [f"{a},{b}" for a in range(20) for b in range(a + 1, 20)]
        (folder / f"verify_comparisons_{split}.csv").write_text("\n".join(pairs))
        faces = np.repeat(rng.normal(size=(10, 8)), 2, axis=0) + rng.normal(size=(20, 8))
        faces[split % 3] = np.nan
        np.save(tmp_path / f"e{split}.npy", faces)
        np.save(tmp_path / f"f{split}.npy", faces + rng.normal(size=faces.shape))
        found = {"templates": 20, "subjects": 10, "genuine": 10, "impostor": 180}
        counts |= {f"split {split} {name}": count for name, count in found.items()}
    (tmp_path / "counts.json").write_text(json.dumps({"why": "in miniature", "counts": counts}))
    given = (f"e={tmp_path}/e{{split}}.npy", f"f={tmp_path}/f{{split}}.npy")
    record = compute(Score(Source("ijba", root=tmp_path), given, Scoring(fars=(0.1,)))).record
    assert record.columns == ("AUC", "AUC std", "EER", "EER std", "TAR@0.1", "TAR@0.1 std")
    assert record.cell("e", "AUC").n == 1900
    assert {one.column for one in record.comparisons} >= {"AUC", "TAR@0.1"}
    told = " ".join(record.notes)
    assert "split 3, e: 1 of 20 faces failed to enrol" in told
    assert "10 splits, scored one by one" in told
    assert "resamples" not in told
    assert len(record.weights) == 20
    with pytest.raises(BadOption, match=r"\{split\}"):
        compute(Score(Source("ijba", root=tmp_path), (f"e={tmp_path}/e1.npy",)))


def test_no_splits_no_placeholder(world: Path) -> None:
    with pytest.raises(BadOption, match="the protocol has no splits"):
        compute(Score(Source(str(world / "pairs.csv")), ("e=e{split}.npy",)))
