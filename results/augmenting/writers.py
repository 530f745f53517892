"""Sets of faces with versions: as RecordIO, or one folder an identity."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from protocols.errors import BadInput
from protocols.images import decode_image
from protocols.record_writer import RecordWriter
from results.augmenting.parts import Done
from results.augmenting.sets import SourceSet
from results.augmenting.versions import Kind

_ENDINGS = {b"\x89PNG": ".png", b"BM": ".bmp", b"RIFF": ".webp"}
_KINDS: tuple[Kind, ...] = ("turned", "frontal", "deoccluded")


@dataclass(frozen=True, eq=False)
class Entry:
    """A picture of the finished set, with its versions.

    Attributes:
        at: Its place in the set.
        content: As it was read.
        done: What was made of it.
        versions: The encoded versions.
    """

    at: int
    content: bytes
    done: Done
    versions: tuple[bytes, ...]


@runtime_checkable
class SetWriter(Protocol):
    """Writes a set, picture by picture."""

    def add(self, entry: Entry) -> list[str]:
        """Write a picture and its versions; what each is called, the picture first."""
        ...

    def close(self) -> None:
        """Write what comes last."""
        ...

    def discard(self) -> None:
        """Give up after an error."""
        ...


class ToRecords:
    """Writes ``train.rec``, ``train.idx`` and ``property``; they appear when all is written.

    Args:
        out: Where; what a killed run left there under these names is removed.
        source: The set.
    """

    def __init__(self, out: Path, source: SourceSet) -> None:
        for name in ("property", "train.idx", "train.rec"):
            (out / name).unlink(missing_ok=True)
        self._out, self._source = out, source
        self._writer: RecordWriter | None = None

    def add(self, entry: Entry) -> list[str]:
        """See :class:`SetWriter`; all pictures are taken to be as large as the first."""
        if self._writer is None:
            height, width = decode_image(entry.content, *self._source.place(entry.at)).shape[:2]
            self._writer = RecordWriter(self._out, height=height, width=width)
        label = int(self._source.labels[entry.at])
        contents = (entry.content, *entry.versions)
        return [f"record {self._writer.add(content, label)}" for content in contents]

    def close(self) -> None:
        """See :class:`SetWriter`."""
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        """See :class:`SetWriter`."""
        if self._writer is not None:
            self._writer.discard()


class ToFolders:
    """Writes one folder an identity; a file is there wholly or not at all.

    Args:
        out: Where.
        source: The set.
    """

    def __init__(self, out: Path, source: SourceSet) -> None:
        self._out, self._source = out, source
        self._stems: Counter[PurePosixPath] = Counter()
        if source.kind == "folders":
            self._stems.update(PurePosixPath(name).with_suffix("") for name in source.photos.names)

    def add(self, entry: Entry) -> list[str]:
        """See :class:`SetWriter`."""
        own = self._name(entry)
        stem = own.with_suffix("")
        stem = own if self._stems[stem] > 1 else stem
        names = [own]
        for number, version in enumerate(entry.done.versions, 1):
            names.append(own.with_name(f"{stem.name}-{version.kind}{number}.jpg"))
        (self._out / own.parent).mkdir(exist_ok=True)
        for name, content in zip(names, (entry.content, *entry.versions), strict=True):
            write_whole(self._out / name, content)
        return [name.as_posix() for name in names]

    def close(self) -> None:
        """See :class:`SetWriter`."""

    def discard(self) -> None:
        """See :class:`SetWriter`; what was written is written again, to the same bytes."""

    def _name(self, entry: Entry) -> PurePosixPath:
        if self._source.kind == "folders":
            return PurePosixPath(self._source.name(entry.at))
        label = int(self._source.labels[entry.at])
        ending = next((e for head, e in _ENDINGS.items() if entry.content.startswith(head)), ".jpg")
        return PurePosixPath(f"{label:07d}") / f"{entry.done.number:08d}{ending}"


def check_names(source: SourceSet) -> None:
    """Refuse a set with pictures called as versions will be.

    Raises:
        BadInput: There is one; names it.
    """
    for name in source.photos.names:
        bare = PurePosixPath(name).stem.rstrip("0123456789")
        if bare.endswith(tuple(f"-{kind}" for kind in _KINDS)):
            expected = "no picture that is called like a version (was this set augmented before?)"
            raise BadInput(source.source, name, expected, "one")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; half of it never stands under the name."""
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)
