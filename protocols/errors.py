"""The errors a user can mend: each is one sentence that names the file and what was expected."""

from pathlib import Path
from typing import Any


class DataError(Exception):
    """Input that is missing or malformed. Command lines print it as one line, without a trace.

    It and its subclasses cross from one process to another as they are.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle, which would call ``__init__`` with the message alone."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[DataError], args: tuple[Any, ...], attributes: dict[str, Any]) -> DataError:
    """An error as it was, without a second ``__init__``."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class DatasetUnavailable(DataError):
    """A data set, weight file or root is not there; the message says how to get it.

    Args:
        what: What is missing, in words.
        looked: The path that was looked at.
        how: How to get it, or how to point to it.
    """

    def __init__(self, what: str, looked: Path, how: str) -> None:
        self.what, self.looked, self.how = what, looked, how
        super().__init__(f"{what} is not at {looked}. {how}")


class BadOption(DataError):
    """An option's value, or a combination of options, that cannot be worked with.

    Args:
        option: The option as typed, with its value.
        expected: What it has to be.
    """

    def __init__(self, option: str, expected: str) -> None:
        super().__init__(f"{option}: expected {expected}")


class BadInput(DataError):
    """A file does not hold what its format promises.

    Args:
        file: The offending file.
        record: The line, row, field or count within it; empty for the file as a whole.
        expected: What the format promises there.
        found: What is there instead.
    """

    def __init__(self, file: Path, record: str, expected: str, found: str) -> None:
        self.file, self.record, self.expected, self.found = file, record, expected, found
        where = f"{file}, {record}" if record else f"{file}"
        super().__init__(f"{where}: expected {expected}, found {found}")


class PackageUnavailable(DataError):
    """An optional package is not installed; the message says how to get it.

    Args:
        package: Its name.
        how: How to get it.
    """

    def __init__(self, package: str, how: str) -> None:
        super().__init__(f"{package} is not installed. {how}")
