"""The command lines as a user calls them: what they print, and how they end."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


def call(project: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", **environ}
    environment.pop("CFR_SHARED", None)
    return subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_table4_on_the_real_files(shared: Path, project: Path, tmp_path: Path) -> None:
    before = set(project.iterdir())
    root = str(shared / "aflw2000")
    store = f"sqlite:///{tmp_path / 'store.db'}"
    answer = call(
        project,
        *("scripts/reproduce.py", "table4", "--source", "released", "--root", root),
        MLFLOW_TRACKING_URI=store,
        CFR_ARTIFACTS=str(tmp_path / "artifacts"),
        COLUMNS="80",
    )
    assert answer.returncode == 0, answer.stderr
    assert "20 of 20 values equal the paper's to 0.0005" in answer.stdout
    assert f"MLflow store: {store}" in answer.stdout
    assert set(project.iterdir()) - before <= {project / "__pycache__"}
    assert (tmp_path / "artifacts/table4/table4.csv").is_file()
    assert max(len(line) for line in answer.stdout.splitlines()[:24]) <= 80


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--root", "/no/such/folder"), "AFLW2000-3D is not at /no/such/folder"),
        (("--root", "/no/such/folder"), "python scripts/fetch.py aflw2000"),
        (("--source", "released"), "python scripts/fetch.py aflw2000"),
    ],
)
def test_an_absent_root_is_one_line(
    refused: Callable[..., str], tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    assert told in refused("reproduce.py", "table4", *words, CFR_DATA=str(tmp_path))


def test_a_model_is_drawn(shared: Path, project: Path, tmp_path: Path) -> None:
    from PIL import Image

    root, out = shared / "face_models/ict_facekit", tmp_path / "new" / "ict.png"
    words = ("ict", "--root", str(root), "--out", str(out), "--size", "32")
    answer = call(project, "scripts/draw_model.py", *words)
    assert answer.returncode == 0, answer.stderr
    assert "6,706 vertices" in answer.stdout
    assert f"Picture: {out}" in answer.stdout
    with Image.open(out) as picture:
        assert picture.width > 5 * 100


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("bfm09", "--root", "/no/such"), "the Basel Face Model 2009 is not at /no/such"),
        (("bfm09",), "Register at https://faces.dmi.unibas.ch"),
        (("flame",), "flame: expected any of builtin, bfm09, ict"),
        (("ict", "--size", "4"), "--size 4: expected 16 to 2048 pixels"),
        (("ict", "--out", "x.xyz"), "--out x.xyz: expected a file that ends in .png"),
    ],
)
def test_a_model_that_cannot_be_drawn_is_one_line(
    refused: Callable[..., str], tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    assert told in refused("draw_model.py", *words, CFR_DATA=str(tmp_path))


def test_a_wrong_option_is_refused(project: Path) -> None:
    answer = call(project, "scripts/reproduce.py", "table4", "--bins", "neither")
    assert answer.returncode == 2
    assert "new-pose" in answer.stderr


@pytest.mark.slow
def test_a_figure_is_drawn_and_tracked(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "artifacts"
    words = ("fig2", "--data", "synthetic", "--count", "1", "--size", "64")
    answer = call(project, "scripts/reproduce.py", *words, CFR_ARTIFACTS=str(out), COLUMNS="200")
    assert answer.returncode == 0, answer.stderr
    assert "fig2, synthetic data" in answer.stdout
    for name in ("fig2.png", "fig2.json"):
        assert str(out / "fig2" / name) in answer.stdout
        assert (out / "fig2" / name).is_file()
    record = json.loads((out / "fig2" / "fig2.json").read_text())
    command = "python scripts/reproduce.py fig2 --data synthetic --count 1 --size 64"
    assert record["environment"]["command"] == command
    assert list((out / "mlruns" / "figures").rglob("fig2.png"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--photos", "{empty}"), "expected pictures (.bmp, .gif"),
        (("--weights", "absent"), "It is trained by: python scripts/train_gan.py"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_one_line(
    refused: Callable[..., str], tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    pytest.importorskip("dlib", reason="the extra offline is not installed")
    filled = [one.format(empty=tmp_path) for one in words]
    assert told in refused("reproduce.py", "fig1", *filled, CFR_DATA=str(tmp_path / "no"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("absent.jpg", "out"), "absent.jpg: expected a photo or a folder of photos"),
        (("{cat}", "out"), "chelsea.png: dlib-hog found no face"),
        (("{text}", "out"), "notes.png: expected a picture"),
        (("{folder}", "out"), "expected pictures (.bmp, .gif"),
        (("{cat}", "out", "--yaw", "120"), "--yaw 120.0 --pitch 0.0: expected −90 to 90 degrees"),
        (("{cat}", "out", "--model", "flame"), "flame: expected any of builtin, bfm09, ict"),
        (("{cat}", "out", "--model", "ict:/no/such"), "is not at /no/such"),
        (("{cat}", "out", "--size", "4"), "--size 4: expected 32 to 1024 pixels"),
        (("{cat}", "out", "--keep-pitch"), "--keep-pitch with --method render: expected --method"),
        (
            ("{cat}", "out", "--method", "cfr-gan", "--weights", "/no/such.safetensors"),
            "is not at /no/such.safetensors. Check its name. It is trained by: python scripts",
        ),
    ],
)
def test_what_cannot_be_frontalized_is_one_line(
    refused: Callable[..., str], tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    pytest.importorskip("dlib", reason="the extra offline is not installed")
    from PIL import Image
    from skimage.data import chelsea

    Image.fromarray(chelsea()).save(tmp_path / "chelsea.png")
    (tmp_path / "notes.png").write_text("not a picture")
    (tmp_path / "empty").mkdir()
    places = {"cat": "chelsea.png", "text": "notes.png", "folder": "empty"}
    filled = [one.format(**{key: tmp_path / name for key, name in places.items()}) for one in words]
    filled[1] = str(tmp_path / "out")
    options = ("--landmarks", "dlib-hog")
    assert told in refused("frontalize.py", *filled, *options, CFR_DATA=str(tmp_path))


def test_doctor_tells_found_missing_and_wrong(
    project: Path, aflw2000: Path, tmp_path: Path
) -> None:
    answer = call(project, "scripts/doctor.py", "--json", CFR_DATA=str(aflw2000.parent))
    findings = {one["entry"]: one for one in json.loads(answer.stdout)}
    assert answer.returncode == 1
    # Random labels of the right shape are not the published files.
    assert findings["aflw2000: labels"]["state"] == "wrong"
    assert "sha256" in findings["aflw2000: labels"]["detail"]
    assert findings["lfw"]["state"] == "missing"
    assert "CFR_DATA" in findings["lfw"]["looked"]
    assert findings["lfw"]["get"] == "python scripts/fetch.py lfw"
    assert findings["pytorch3d"]["state"] in ("found", "missing")
    assert all(one["licence"] for one in findings.values())
    shown = call(project, "scripts/doctor.py", "lfw", "ijba", CFR_DATA=str(tmp_path))
    assert shown.returncode == 0
    assert "3 missing" in shown.stdout  # IJB-A has two parts


def test_timing_nothing_is_refused(refused: Callable[..., str]) -> None:
    assert "--repeats 0: expected at least 1" in refused("bench.py", "startup", "--repeats", "0")


@pytest.mark.parametrize(
    ("script", "known"), [("doctor.py", "aflw2000, lfw"), ("bench.py", "startup, table4")]
)
def test_an_unknown_name_is_one_line(refused: Callable[..., str], script: str, known: str) -> None:
    assert f"nothing: expected any of {known}" in refused(script, "nothing")


def test_fetch_refuses_what_is_not_free(refused: Callable[..., str]) -> None:
    assert "faces.dmi.unibas.ch" in refused("fetch.py", "bfm09")
    known = "imagenet: expected one of aflw2000, lfw, mobilefacenet"
    assert known in refused("fetch.py", "imagenet")
    both = refused("fetch.py", "aflw2000", "lfw", "--root", "/tmp/x")
    assert "--root: expected one name" in both


@pytest.mark.parametrize(
    ("words", "environ", "told"),
    [
        (("table4", "--resamples", "0"), {}, "--resamples 0: expected at least 100"),
        (("table4", "--seed", "-1"), {}, "--seed -1: expected"),
        (
            ("table4", "--subset", "{root}", "--data", "synthetic"),
            {},
            "with synthetic data: expected --data real",
        ),
        (
            ("table3", "--start", "/no/such.pth", "--data", "synthetic"),
            {},
            "--start /no/such.pth: expected a file of weights",
        ),
        (
            ("table4", "--source", "released", "--data", "synthetic"),
            {},
            "--source released with synthetic data: expected --data real",
        ),
        (("table4", "--root", "{root}"), {"CFR_ARTIFACTS": "/dev/null/x"}, "Not a directory"),
    ],
)
def test_what_cannot_work_is_one_line(
    refused: Callable[..., str],
    aflw2000: Path,
    words: tuple[str, ...],
    environ: dict[str, str],
    told: str,
) -> None:
    words = tuple(word.format(root=aflw2000) for word in words)
    assert told in refused("reproduce.py", *words, **environ)


def test_fetch_from_a_mirror_into_a_root(project: Path, tmp_path: Path) -> None:
    """The whole command against a server on this machine, named by a manifest of one's own."""
    import hashlib
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.npy").write_bytes(b"content")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        manifest = tmp_path / "manifest.toml"
        manifest.write_text(
            '[thing]\nkind = "dataset"\ntitle = "Thing"\nused_by = "x"\nlicence = "free"\n'
            '[[thing.parts]]\nname = "all"\nget = "fetch"\n'
            f'base = "http://127.0.0.1:{server.server_port}/"\n'
            'files = [{ path = "deep/a.npy", source = "a.npy", '
            f'sha256 = "{hashlib.sha256(b"content").hexdigest()}" }}]\n'
        )
        words = ("thing", "--manifest", str(manifest), "--root", str(tmp_path / "root"))
        answer = call(project, "scripts/fetch.py", *words)
        again = call(project, "scripts/fetch.py", *words)
        server.shutdown()
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "root/deep/a.npy").read_bytes() == b"content"
    assert "downloaded, 7 bytes" in answer.stdout
    assert "Licence: free" in answer.stdout
    assert "already there" in again.stdout
