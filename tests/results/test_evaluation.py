"""The command from end to end: killed and resumed, on a cluster, with its figures and its files."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.errors import BadInput, BadOption
from results.evaluating import evaluate
from results.loading import Source, load_verification
from results.pipeline import Chosen, Embedding, embed
from results.publish import write
from results.record import read_record
from results.scoring import Scoring
from results.tables.evaluation import Evaluate, compute
from results.tables.scores import Score
from results.tables.scores import compute as compute_scores

_EXPORT = """
import sys
from pathlib import Path
import results.export.work as work
work.WRITE_EVERY, work.BLOCK = 0.0, 2  # every two faces are written at once
from results.loading import Source
from results.pipeline import Embedding
from results.scoring import Scoring
from results.tables.evaluation import Evaluate, compute
pairs, points, recognizer, cache, out = sys.argv[1:]
options = Embedding(
    landmarks="sidecar", landmarks_root=Path(points), probe=False, jobs=1, cache=Path(cache)
)
config = Evaluate(
    Source(pairs), (recognizer,), ("render",), export=Path(out), embedding=options,
    scoring=Scoring(resamples=0),
)
_, found = compute(config)
print(found.exported[0].exporter.computed)
"""


def export(face_world, cache: Path, out: Path) -> subprocess.Popen:
    words = (face_world.pairs, str(face_world.points), face_world.recognizer, cache, out)
    return subprocess.Popen(
        [sys.executable, "-c", _EXPORT, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(
    face_world, tmp_path: Path
) -> None:
    whole = export(face_world, tmp_path / "whole-cache", tmp_path / "whole")
    assert whole.communicate()[0].strip() == "80"
    killed = export(face_world, tmp_path / "cache", tmp_path / "out")
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "cache").glob("vectors/*/*.safetensors"))) < 6:
        assert killed.poll() is None, "it was done before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not list((tmp_path / "out").iterdir())
    resumed = export(face_world, tmp_path / "cache", tmp_path / "out")
    computed = int(resumed.communicate()[0])
    assert 0 < computed <= 80 - 6 * 2 // 2
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == ["small-render-mirrored.npy", "small-render.npy"]
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_cluster_loses_a_worker_and_the_answer_is_the_same(face_world, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    options = Embedding(
        landmarks="sidecar",
        landmarks_root=face_world.points,
        probe=False,
        jobs=1,
        cache=tmp_path / "here",
    )
    systems = [Chosen(face_world.recognizer, "render")]
    protocol = load_verification(Source(face_world.pairs))[0]
    (alone,) = embed(protocol, systems, options).embeddings
    killed: list[int] = []
    import results.export.work as work

    with (
        pytest.MonkeyPatch.context() as patch,
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as cluster,
    ):
        patch.setattr(work, "BLOCK", 4)
        first = next(iter(cluster.workers.values()))

        def kill_once(title: str, total: int):
            from contextlib import nullcontext

            def advance(count: int) -> None:
                if count and not killed:
                    killed.append(first.pid)
                    os.kill(first.pid, signal.SIGKILL)

            return nullcontext(advance)

        there = replace(options, cluster=cluster.scheduler_address, cache=tmp_path / "there")
        found = embed(protocol, systems, there, kill_once)
    assert killed
    assert found.exporter.computed == 80
    assert found.embeddings[0].faces.tobytes() == alone.faces.tobytes()


@pytest.fixture(scope="module")
def config(face_world, tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    folder = tmp_path_factory.mktemp("evaluation")
    return Evaluate(
        source=Source(face_world.pairs),
        recognizer=(face_world.recognizer,),
        frontalizer=("none", "render"),
        export=folder / "embeddings",
        embedding=Embedding(
            landmarks="sidecar", landmarks_root=face_world.points, jobs=1, cache=folder / "cache"
        ),
        scoring=Scoring(resamples=200),
    )


def test_a_table_with_figures_and_everything_on_record(config: Evaluate, tmp_path: Path) -> None:
    result, found = compute(config)
    assert result.record.rows == ("small", "small, render")
    assert {"accuracy", "AUC", "EER", "no face", "not turned"} <= set(result.record.columns)
    assert result.record.config["landmarks"] == "sidecar"
    assert len(result.record.weights["small"]) == 64
    assert found.exported[0].probes, "20 people are enough for a probe"
    figures = write(result, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "evaluate-pairs-csv-1-1-det.png",
        "evaluate-pairs-csv-1-1-roc.png",
        "small-render-scores.png",
        "small-render-worst-pairs.png",
        "small-scores.png",
        "small-worst-pairs.png",
    ]
    assert [path.name for path in figures["small"]] == ["small-scores.png", "small-worst-pairs.png"]
    assert read_record(tmp_path / "record.json") == result.record
    words = json.dumps([result.record.config, result.record.notes])
    assert str(config.embedding.cache) not in words


def test_exported_embeddings_score_the_same(config: Evaluate) -> None:
    result, _ = compute(config)
    assert config.export is not None
    given = tuple(
        f"{row}={config.export / name}.npy,{config.export / name}-mirrored.npy"
        for row, name in (("small", "small"), ("small, render", "small-render"))
    )
    again = compute_scores(Score(config.source, given, config.scoring)).record
    for row in again.rows:
        for column in again.columns:
            assert again.cell(row, column).value == result.record.cell(row, column).value


def test_identification_has_ranks(face_world, config: Evaluate, tmp_path: Path) -> None:
    lines = ["template,subject,image,role"]
    for index, name in enumerate(face_world.names):
        role = ("gallery", "probe")[index % 2] if index < 36 else "probe"
        lines.append(f"{index},{name[:3]},photos/{name},{role}")
    path = face_world.root / "templates.csv"
    path.write_text("\n".join(lines))
    asked = replace(config, source=Source(str(path), task="1:N"), export=None)
    result, _ = compute(asked)
    assert {"rank-1", "no face"} <= set(result.record.columns)
    write(result, tmp_path)
    assert [one.name for one in tmp_path.glob("*.png")] == ["evaluate-templates-csv-1-n-ranks.png"]


def test_a_photo_of_another_kind_is_one_clear_error(face_world, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in face_world.names:
        (tmp_path / "photos" / name).write_bytes(b"GIF89a nothing")
    options = Embedding(
        landmarks="sidecar",
        landmarks_root=face_world.points,
        probe=False,
        jobs=1,
        cache=tmp_path / "cache",
    )
    with pytest.raises(BadInput, match=r"p\d\d_\d\.png"):
        evaluate(
            Source(face_world.pairs, root=tmp_path),
            [Chosen(face_world.recognizer)],
            options,
            Scoring(resamples=0),
        )


def test_options_that_cannot_work_are_refused_early(face_world, tmp_path: Path) -> None:
    source, zero = Source(face_world.pairs), Embedding(no_face="zero")
    with pytest.raises(BadOption, match="--export with the policy zero"):
        Evaluate(source, ("dlib",), export=tmp_path, embedding=zero)
    with pytest.raises(BadOption, match="--weights"):
        Evaluate(source, ("mobilefacenet", "insightface"), weights=tmp_path)
    turned = Evaluate(source, ("dlib",), ("render", "none"))  # none is what render is held against
    assert [one.frontalizer for one in turned.systems] == ["none", "render"]
    both = Evaluate(source, ("mobilefacenet", "dlib"), weights=tmp_path)
    assert [one.root for one in both.systems] == [tmp_path, None]
    (tmp_path / "file").touch()
    with pytest.raises(BadOption, match="--export"):
        compute(Evaluate(source, ("dlib",), export=tmp_path / "file" / "below"))
