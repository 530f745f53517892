"""Download what is freely downloadable: resumed where it stopped, and checked by its digest."""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from protocols.errors import BadInput, DataError
from protocols.manifest import Part
from protocols.types import InputFile

# Called with the file's name, the bytes that are here, and the bytes in all (None: not told).
Progress = Callable[[str, int, int | None], None]
_BLOCK = 1 << 18
_LFW_ARCHIVE = Path("lfw_home", "lfw-funneled.tgz")
_LFW_PHOTOS = Path("lfw_home", "lfw_funneled")


class DownloadFailed(DataError):
    """The other side did not answer, or broke off; what arrived is kept for the next try."""


def fetch_part(part: Part, root: Path, progress: Progress) -> list[str]:
    """Download a part's files below ``root`` and finish it as the manifest says.

    Files that are there and right are left alone, so a second call costs nothing.

    Returns:
        A line for each file: what was done.

    Raises:
        DownloadFailed: A download broke off.
        BadInput: A file that arrived is not the published one.
    """
    done = []
    unpacked = part.finish == "unpack-lfw" and (root / _LFW_PHOTOS).is_dir()
    for file, url in part.downloads():
        path = root / file.path
        if file.transient and unpacked:
            done.append(f"{file.path}: already unpacked")
        elif path.is_file() and _digest_or_none(path, file.sha256) == file.sha256:
            done.append(f"{file.path}: already there")
        else:
            download(url, path, file.sha256, progress)
            done.append(f"{file.path}: downloaded, {path.stat().st_size:,} bytes")
    if part.finish == "unpack-lfw":
        _finish_lfw(root)
        done.append(f"{_LFW_PHOTOS}: unpacked, and read back by scikit-learn")
    return done


def download(url: str, path: Path, sha256: str | None, progress: Progress) -> None:
    """Download ``url`` to ``path``, going on from ``path.part`` if an earlier try left one.

    Raises:
        DownloadFailed: No answer, an error status, or a break; call again to go on.
        BadInput: What arrived has another digest; it is removed.
    """
    partial = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    resumed = partial.is_file()
    _receive(url, partial, progress)
    found = _digest_or_none(partial, sha256)
    if found != sha256 and resumed:
        # The earlier part may stem from another version of the file: start once more.
        partial.unlink()
        _receive(url, partial, progress)
        found = _digest_or_none(partial, sha256)
    if found != sha256:
        partial.unlink()
        raise BadInput(path, f"from {url}", f"a file with sha256 {sha256}", f"sha256 {found}")
    partial.replace(path)


def _receive(url: str, partial: Path, progress: Progress) -> None:
    """Append to ``partial`` what is missing of ``url``."""
    session = requests.Session()
    retry = Retry(total=3, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    session.mount("http://", HTTPAdapter(max_retries=retry))
    have = partial.stat().st_size if partial.is_file() else 0
    # Ask for the bytes as stored: a compressed transfer cannot be resumed.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with session, session.get(url, headers=headers, stream=True, timeout=30) as answer:
            if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
                return  # nothing is missing; the digest decides
            answer.raise_for_status()
            if answer.status_code != requests.codes.partial_content:
                have = 0  # the server sends the file from its start
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else None
            with partial.open("ab" if have else "wb") as file:
                for block in answer.iter_content(_BLOCK):
                    file.write(block)
                    have += len(block)
                    progress(partial.stem, have, total)
    except requests.RequestException as error:
        kept = ""
        if partial.is_file():
            kept = f" {have:,} bytes are kept in {partial}; the same command goes on there."
        raise DownloadFailed(f"{url}: {error}.{kept}") from error


def _digest_or_none(path: Path, expected: str | None) -> str | None:
    """The file's digest, or None where none is expected (nothing is hashed for nothing)."""
    return InputFile.of(path).sha256 if expected else None


def _finish_lfw(root: Path) -> None:
    """Unpack the photos in one step, then have scikit-learn read the development pairs."""
    from sklearn.datasets import fetch_lfw_pairs

    photos, archive = root / _LFW_PHOTOS, root / _LFW_ARCHIVE
    try:
        if not photos.is_dir():
            unpacking = root / "lfw_home" / ".unpacking"
            shutil.rmtree(unpacking, ignore_errors=True)
            with tarfile.open(archive) as tar:
                tar.extractall(unpacking, filter="data")
            (unpacking / photos.name).replace(photos)
            shutil.rmtree(unpacking)
        archive.unlink(missing_ok=True)
        fetch_lfw_pairs(subset="train", data_home=root, resize=0.1, download_if_missing=False)
    except Exception as error:  # a broken archive or photo: tarfile, zlib, PIL and OS errors
        what = f"{type(error).__name__}: {error}"
        raise BadInput(root / "lfw_home", "", "LFW as published", what) from error
