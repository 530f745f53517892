"""Downloads against a real server on this machine: whole, broken off, resumed, wrong."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from protocols.download import DownloadFailed, download, fetch_part
from protocols.errors import BadInput
from protocols.manifest import Count, ManifestFile, Part

CONTENT = np.random.default_rng(0).bytes(700_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``files``; can break off an answer, or ignore the range that is asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.break_after: int | None = None
        self.ignores_ranges = False
        self.asked: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server  # type: ignore[assignment]

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.asked.append((self.path, asked))
        content = server.files.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        start = 0
        if asked and not server.ignores_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = server.break_after if server.break_after is not None else len(content)
        self.wfile.write(content[start : start + stop])

    def log_message(self, *args: object) -> None:
        """Be silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.files["file"] = CONTENT
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def silent(name: str, have: int, total: int | None) -> None:
    """Show no progress."""


def test_a_whole_file_arrives_with_progress(server: Server, tmp_path: Path) -> None:
    seen = []
    path = tmp_path / "deep" / "er" / "file.bin"
    download(server.url("file"), path, DIGEST, lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    assert [have for _, have, _ in seen] == sorted(have for _, have, _ in seen)
    assert list(path.parent.iterdir()) == [path]


def test_a_broken_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    server.break_after = 300_000
    with pytest.raises(DownloadFailed, match="the same command goes on there"):
        download(server.url("file"), path, DIGEST, silent)
    assert not path.exists()
    have = (tmp_path / "file.bin.part").stat().st_size
    assert 0 < have <= 300_000
    server.break_after = None
    download(server.url("file"), path, DIGEST, silent)
    assert path.read_bytes() == CONTENT
    assert server.asked[-1] == ("/file", f"bytes={have}-")


def test_a_server_without_ranges_sends_it_anew(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    server.ignores_ranges = True
    download(server.url("file"), path, DIGEST, silent)
    assert path.read_bytes() == CONTENT


def test_a_part_of_something_else_is_started_over(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    download(server.url("file"), path, DIGEST, silent)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"more"])
def test_a_finished_or_overlong_part_is_settled(
    server: Server, tmp_path: Path, part: bytes
) -> None:
    path = tmp_path / "file.bin"
    (tmp_path / "file.bin.part").write_bytes(part)
    download(server.url("file"), path, DIGEST, silent)
    assert path.read_bytes() == CONTENT


def test_another_file_than_the_published_is_refused(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    server.files["file"] = b"changed"
    with pytest.raises(BadInput, match=f"expected a file with sha256 {DIGEST}"):
        download(server.url("file"), path, DIGEST, silent)
    assert not list(tmp_path.iterdir())


def test_an_error_status_and_a_dead_server_are_said(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="404"):
        download(server.url("absent"), tmp_path / "a", DIGEST, silent)
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1"):
        download("http://127.0.0.1:1/x", tmp_path / "a", DIGEST, silent)


def test_a_part_is_fetched_once(server: Server, tmp_path: Path) -> None:
    part = Part(
        "labels", "", server.url(""), files=(ManifestFile("in/a.bin", DIGEST, source="file"),)
    )
    assert "downloaded, 700,000 bytes" in fetch_part(part, tmp_path, silent)[0]
    assert fetch_part(part, tmp_path, silent) == ["in/a.bin: already there"]
    (tmp_path / "in/a.bin").write_bytes(b"damaged")
    assert "downloaded" in fetch_part(part, tmp_path, silent)[0]
    assert len(server.asked) == 2


def lfw_archive() -> bytes:
    """An archive laid out like lfw-funneled.tgz, with two people and three photos."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for index, name in enumerate(("Ann_A/Ann_A_0001", "Ann_A/Ann_A_0002", "Bob_B/Bob_B_0001")):
            photo = io.BytesIO()
            Image.new("RGB", (250, 250), (40 * index, 90, 120)).save(photo, "JPEG")
            entry = tarfile.TarInfo(f"lfw_funneled/{name}.jpg")
            entry.size = len(photo.getvalue())
            tar.addfile(entry, io.BytesIO(photo.getvalue()))
    return buffer.getvalue()


@pytest.fixture
def lfw(server: Server) -> Part:
    server.files["pairs"] = b"1\t1\nAnn_A\t1\t2\nAnn_A\t1\tBob_B\t1\n"
    server.files["archive"] = lfw_archive()
    pairs = ("pairs.txt", "pairsDevTest.txt", "pairsDevTrain.txt")

    def digest(source: str) -> str:
        return hashlib.sha256(server.files[source]).hexdigest()

    files = [ManifestFile(f"lfw_home/{name}", digest("pairs"), source="pairs") for name in pairs]
    archive = ManifestFile(
        "lfw_home/lfw-funneled.tgz", digest("archive"), source="archive", transient=True
    )
    counts = (Count(("lfw_home/lfw_funneled/*/*.jpg",), 3),)
    return Part("lfw", "", server.url(""), "unpack-lfw", (*files, archive), counts)


def test_lfw_is_unpacked_and_read_by_scikit_learn(
    lfw: Part, server: Server, tmp_path: Path
) -> None:
    fetch_part(lfw, tmp_path, silent)
    home = tmp_path / "lfw_home"
    assert len(list(home.glob("lfw_funneled/*/*.jpg"))) == 3
    assert not (home / "lfw-funneled.tgz").exists()
    asked = len(server.asked)
    assert "already unpacked" in " ".join(fetch_part(lfw, tmp_path, silent))
    assert len(server.asked) == asked


def test_a_killed_unpacking_leaves_nothing_half_done(lfw: Part, tmp_path: Path) -> None:
    half = tmp_path / "lfw_home" / ".unpacking" / "lfw_funneled" / "Ann_A"
    half.mkdir(parents=True)
    fetch_part(lfw, tmp_path, silent)
    home = tmp_path / "lfw_home"
    assert len(list(home.glob("lfw_funneled/*/*.jpg"))) == 3
    assert not (home / ".unpacking").exists()


def test_a_broken_archive_is_one_error(lfw: Part, server: Server, tmp_path: Path) -> None:
    archive = b"no archive"
    server.files["archive"] = archive
    files = (
        *lfw.files[:3],
        ManifestFile(
            "lfw_home/lfw-funneled.tgz",
            hashlib.sha256(archive).hexdigest(),
            source="archive",
            transient=True,
        ),
    )
    broken = Part(lfw.name, "", lfw.base, lfw.finish, files, lfw.counts)
    with pytest.raises(BadInput, match="expected LFW as published, found ReadError"):
        fetch_part(broken, tmp_path, silent)
