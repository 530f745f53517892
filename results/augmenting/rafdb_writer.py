"""RAF-DB with versions of its training photos, in its official format."""

from pathlib import Path

from protocols.errors import BadInput
from protocols.rafdb import PARTITION
from protocols.types import ExpressionProtocol
from results.augmenting.sets import SourceSet
from results.augmenting.writers import Entry, write_whole

_LABELS, _ALIGNED = "EmoLabel", "Image/aligned"
_END, _ENDING = 1_000_000, "_aligned.jpg"


class ToRafdb:
    """Writes a whole root: training photos, their versions, test photos and lists as they are.

    A version of a training photo gets the next number after the last one: ``train_12272``, ….

    Args:
        out: Where.
        source: RAF-DB.
    """

    def __init__(self, out: Path, source: SourceSet) -> None:
        self._out, self._source, self._protocol = out, source, protocol_of(source)
        self._next = first_free(source)
        self._originals: list[str] = []
        self._added: list[str] = []
        for folder in (_LABELS, _ALIGNED):
            (out / folder).mkdir(parents=True, exist_ok=True)

    def add(self, entry: Entry) -> list[str]:
        """See :class:`results.augmenting.writers.SetWriter`."""
        own = self._source.name(entry.at).removesuffix(_ENDING)
        label = int(self._source.labels[entry.at])
        names = [own]
        for _ in entry.versions:
            names.append(f"train_{self._next:05d}")
            self._next += 1
        for name, content in zip(names, (entry.content, *entry.versions), strict=True):
            write_whole(self._out / _ALIGNED / f"{name}{_ENDING}", content)
        lines = [_line(name, label) for name in names]
        self._originals.append(lines[0])
        self._added += lines[1:]
        return [f"{_ALIGNED}/{name}{_ENDING}" for name in names]

    def close(self) -> None:
        """Copy the test photos and the lists, and write the labels last."""
        ours, test = self._protocol, []
        for index in ours.subsets["test"].tolist():
            photo = int(ours.samples.photo[index])
            name = ours.samples.photos.names[photo]
            write_whole(self._out / _ALIGNED / name, ours.samples.photos.content(photo))
            test.append(_line(name.removesuffix(_ENDING), int(ours.labels[index])))
        for one in ours.inputs:
            if one.path.suffix == ".txt" and one.path.name != PARTITION:
                write_whole(self._out / one.path.name, one.path.read_bytes())
        lines = (*self._originals, *self._added, *test)
        write_whole(self._out / _LABELS / PARTITION, ("\n".join(lines) + "\n").encode())

    def discard(self) -> None:
        """What was written is written again, to the same bytes."""


def protocol_of(source: SourceSet) -> ExpressionProtocol:
    """RAF-DB's lists.

    Raises:
        ValueError: It is another set.
    """
    if source.expression is None:
        raise ValueError(f"a set of kind {source.kind}: expected RAF-DB")
    return source.expression


def first_free(source: SourceSet) -> int:
    """The number after the last training photo's."""
    names = (source.name(at) for at in range(len(source)))
    return 1 + max(int(name.removesuffix(_ENDING).partition("_")[2]) for name in names)


def check_numbers(source: SourceSet, each: int) -> None:
    """Refuse more versions than RAF-DB's names can count.

    Raises:
        BadInput: There would be.
    """
    last = first_free(source) + len(source) * each - 1
    if last >= _END:
        expected = f"numbers below {_END:,} for all versions (a smaller --each)"
        raise BadInput(source.source, "", expected, f"{last:,}")


def counts_of(source: SourceSet, added: int) -> dict[str, int]:
    """What a ``counts.json`` has to say, with so many more training photos."""
    ours = protocol_of(source)
    counts = {name: len(rows) for name, rows in ours.subsets.items()}
    test = ours.labels[ours.subsets["test"]].tolist()
    counts |= {f"test {name}": test.count(label) for label, name in enumerate(ours.classes)}
    return counts | {"train": counts["train"] + added}


def _line(name: str, label: int) -> str:
    return f"{name}.jpg {label + 1}"
