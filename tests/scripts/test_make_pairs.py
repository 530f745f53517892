"""The command as a user calls it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from cfr.morphable.sources import load_model
from cfr.synthetic.identity import IdentitySampler
from cfr.synthetic.scene import SceneSettings, draw_scenes
from protocols.images import save_image


def call(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/make_pairs.py", *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_pairs_are_made_and_bad_options_are_one_line(project: Path, tmp_path: Path) -> None:
    model, photos = load_model("builtin"), tmp_path / "photos"
    (scene,) = draw_scenes(model, [IdentitySampler(model).draw(0)], [0], SceneSettings(size=96))
    photos.mkdir()
    for name in ("a.png", "b.png"):
        save_image(photos / name, scene.photo)
    with (tmp_path / "points.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", *(f"{axis}{i}" for i in range(1, 69) for axis in "xy")])
        rows.writerow(["a.png", *scene.points.ravel().tolist()])
    out, points = tmp_path / "pairs", str(tmp_path / "points.csv")
    words = [str(photos), str(out), "--size", "64", "--jobs", "1", "--device", "cpu"]
    words += ["--landmarks", "sidecar", "--landmarks-root", points]
    answer = call(project, *words)
    assert answer.returncode == 0, answer.stderr
    assert "1 pairs of 1 photos; 1 left out" in answer.stdout
    assert "left out: b.png: no face was found" in answer.stdout
    assert json.loads((out / "pairs.json").read_text("utf-8"))["pairs"] == 1
    assert (out / "shard-00000" / "00000-damaged.png").is_file()
    assert (out / "stages.png").is_file()
    answer = call(project, *words, "--size", "7")
    assert answer.returncode == 2
    assert answer.stderr.strip() == "error: --size 7: expected 32 to 1024 pixels"
