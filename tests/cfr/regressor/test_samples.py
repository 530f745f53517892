"""Files of samples: what is written comes back row by row, and anything else is refused."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cfr.regressor.samples import KINDS, Frame, Kind, Sample, SampleFiles, save_samples
from protocols.errors import BadInput

MODEL, WIDE, NUMBERS = "ab" * 32, 6, 11


def sample(number: int, *, masked: bool = False) -> Sample:
    """Every number of it tells which sample it is."""
    rng = np.random.default_rng(number)
    kinds: tuple[Kind, ...] = ("photo", "turned", "render", "turned")
    image, mask = rng.integers(0, 256, (2, WIDE, WIDE, 3), dtype=np.uint8)
    return Sample(
        image=image,
        masked=mask if masked else None,
        points=rng.uniform(-5, 150, (68, 2)).astype(np.float32),
        coefficients=rng.normal(size=NUMBERS).astype(np.float32),
        kind=kinds[number % 4],
        estimated=number % 3 == 0,
        source=10 + number,
    )


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """Some masked, the masked pictures of the first file not beginning with its first sample."""
    return [sample(number, masked=number in (1, 3, 5, 8)) for number in range(11)]


@pytest.fixture
def paths(tmp_path: Path, samples: list[Sample]) -> list[Path]:
    found = [tmp_path / "b.safetensors", tmp_path / "a.safetensors"]
    save_samples(found[0], samples[:5], MODEL)
    save_samples(found[1], samples[5:], MODEL)
    return found


def same_pictures(files: SampleFiles, samples: list[Sample], order: list[int]) -> bool:
    for index in order:
        one = samples[index]
        if not np.array_equal(files.image(index), one.image):
            return False
        if one.masked is not None and not np.array_equal(
            files.image(index, masked=True), one.masked
        ):
            return False
    return True


def test_what_is_written_comes_back_in_the_order_given(
    paths: list[Path], samples: list[Sample]
) -> None:
    files = SampleFiles(paths, MODEL, WIDE)
    assert len(files) == len(samples)
    assert files.folder == paths[0].parent
    for index, one in enumerate(samples):
        np.testing.assert_array_equal(files.points[index], one.points)
        np.testing.assert_array_equal(files.coefficients[index], one.coefficients)
        assert KINDS[files.kinds[index]] == one.kind
        assert files.estimated[index] == one.estimated
        assert files.sources[index] == one.source
        assert files.masked[index] == (one.masked is not None)
    assert files.points.dtype == files.coefficients.dtype == np.float32
    assert files.estimated.dtype == files.masked.dtype == np.bool_
    assert same_pictures(files, samples, [*range(len(samples))])
    assert same_pictures(files, samples, [10, 0, 8, 3, 5, 1])


def test_the_files_order_is_the_samples_order(paths: list[Path], samples: list[Sample]) -> None:
    files = SampleFiles(paths[::-1], MODEL, WIDE)
    turned = samples[5:] + samples[:5]
    assert files.sources.tolist() == [one.source for one in turned]
    assert same_pictures(files, turned, [*range(len(turned))])


def test_a_file_without_any_masked_picture(tmp_path: Path) -> None:
    plain, worn = tmp_path / "plain", tmp_path / "worn"
    save_samples(plain, [sample(0), sample(1)], MODEL)
    last = sample(2, masked=True)
    save_samples(worn, [last], MODEL)
    files = SampleFiles([plain, worn], MODEL, WIDE)
    assert files.masked.tolist() == [False, False, True]
    np.testing.assert_array_equal(files.image(2, masked=True), last.masked)


def test_where_there_is_no_masked_picture_none_is_given(paths: list[Path]) -> None:
    files = SampleFiles(paths, MODEL, WIDE)
    for index in (0, 2, 10):
        with pytest.raises(ValueError, match=f"sample {index} has no masked picture"):
            files.image(index, masked=True)


def test_every_twentieth_source_is_held_out(tmp_path: Path) -> None:
    sources = [0, 18, 19, 19, 20, 38, 39, 59, 60]
    path = tmp_path / "samples"
    save_samples(path, [replace(sample(1), source=one) for one in sources], MODEL)
    held_out = SampleFiles([path], MODEL, WIDE).held_out
    assert [one for one, held in zip(sources, held_out, strict=True) if held] == [19, 19, 39, 59]


def test_files_go_to_another_process_whether_opened_or_not(
    paths: list[Path], samples: list[Sample]
) -> None:
    files = SampleFiles(paths, MODEL, WIDE)
    fresh = pickle.loads(pickle.dumps(files))
    assert same_pictures(files, samples, [1, 8])  # now both files are open
    content = pickle.dumps(files)
    assert len(content) < sum(path.stat().st_size for path in paths) + 20_000
    for again in (fresh, pickle.loads(content)):
        assert len(again) == len(files)
        np.testing.assert_array_equal(again.points, files.points)
        np.testing.assert_array_equal(again.held_out, files.held_out)
        assert same_pictures(again, samples, [*range(len(samples))])
    assert same_pictures(files, samples, [2, 9])


def test_pictures_stay_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    large = np.zeros((400, 400, 3), np.uint8)
    save_samples(path, [replace(sample(1), image=large)] * 3, MODEL)
    files = SampleFiles([path], MODEL, 400)
    files.image(1)
    assert path.stat().st_size > 3 * large.size
    assert len(pickle.dumps(files)) < 50_000


def test_other_bytes_are_refused_by_name(paths: list[Path], tmp_path: Path) -> None:
    whole = paths[0].read_bytes()
    broken = tmp_path / "broken.safetensors"
    for content in (b"", b"no samples at all", whole[:-1], whole[: len(whole) // 2]):
        broken.write_bytes(content)
        with pytest.raises(BadInput, match=r"broken\.safetensors: expected samples written by"):
            SampleFiles([paths[1], broken], MODEL, WIDE)
    with pytest.raises(BadInput, match=r"absent\.safetensors"):
        SampleFiles([tmp_path / "absent.safetensors"], MODEL, WIDE)


def test_another_format_is_refused_by_name(paths: list[Path], tmp_path: Path) -> None:
    with safe_open(paths[0], "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    other = tmp_path / "other.safetensors"
    for about in (None, {"model": MODEL}, {"format": "cfr-samples-0", "model": MODEL}):
        save_file(tensors, other, about and {"about": json.dumps(about)})
        with pytest.raises(BadInput, match=r"other\.safetensors: .*cfr-samples-1"):
            SampleFiles([other], MODEL, WIDE)
    right = {"about": json.dumps({"format": "cfr-samples-1", "model": MODEL})}
    save_file(tensors, other, right)
    assert len(SampleFiles([other], MODEL, WIDE)) == 5
    save_file({**tensors, "more": torch.zeros(1)}, other, right)
    with pytest.raises(BadInput, match=r"other\.safetensors: .*more"):
        SampleFiles([other], MODEL, WIDE)
    del tensors["sources"]
    save_file(tensors, other, right)
    with pytest.raises(BadInput, match=r"other\.safetensors"):
        SampleFiles([other], MODEL, WIDE)


def test_another_face_model_is_refused_by_name(paths: list[Path]) -> None:
    with pytest.raises(BadInput, match=r"b\.safetensors: .*cdcdcdcdcdcd….*abababababab…"):
        SampleFiles(paths, "cd" * 32, WIDE)


def test_another_size_is_refused_by_name(paths: list[Path]) -> None:
    with pytest.raises(BadInput, match=r"b\.safetensors, images: expected 7 × 7 × 3, found .*6"):
        SampleFiles(paths, MODEL, WIDE + 1)


def test_nothing_is_written_when_saving_fails(tmp_path: Path, samples: list[Sample]) -> None:
    path = tmp_path / "samples"
    larger = replace(sample(1), image=np.zeros((WIDE + 1, WIDE + 1, 3), np.uint8))
    for wrong in ([], [sample(0), larger]):
        with pytest.raises(ValueError):  # noqa: PT011 (numpy's)
            save_samples(path, wrong, MODEL)
        assert not [*tmp_path.iterdir()]
    save_samples(path, samples[:2], MODEL)
    before = path.read_bytes()
    with pytest.raises(ValueError):  # noqa: PT011
        save_samples(path, [sample(0), larger], MODEL)
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == before
    with pytest.raises(OSError, match="absent"):
        save_samples(tmp_path / "absent" / "samples", samples[:2], MODEL)
    assert not (tmp_path / "absent").exists()


def test_a_whole_file_replaces_another_and_leaves_nothing_beside_it(
    tmp_path: Path, samples: list[Sample]
) -> None:
    path = tmp_path / "samples"
    save_samples(path, samples[:4], MODEL)
    save_samples(path, samples[4:6], MODEL)
    assert [*tmp_path.iterdir()] == [path]
    assert SampleFiles([path], MODEL, WIDE).sources.tolist() == [14, 15]


def test_the_crop_lies_in_the_middle_of_the_wide_picture() -> None:
    """A point in space is seen by both cameras, the margin apart."""
    frame = Frame(crop=112, wide=144)
    space = torch.tensor([[[0.3, -0.4, 0.5], [0.0, 0.0, 0.0]]])
    seen, wide = (one.project(space)[0] for one in (frame.camera, frame.wide_camera))
    torch.testing.assert_close(wide[:, :2] - seen[:, :2], torch.full((2, 2), 16.0))
    torch.testing.assert_close(seen[0, 0].item(), 55.5 + 1015 / 2 * 0.3 / 9.5)
    assert (frame.camera.size, frame.wide_camera.size) == (112, 144)
