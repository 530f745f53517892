import pytest

from cfr.frontalizers.sources import NONE, SOURCES, check_name, load_frontalizer
from cfr.frontalizers.types import Frontalizer
from protocols.errors import BadOption


@pytest.mark.parametrize("name", SOURCES)
def test_each_name_loads_a_frontalizer_that_calls_itself_so(name: str) -> None:
    found = load_frontalizer(name)
    assert isinstance(found, Frontalizer)
    assert found.name == name


def test_none_is_no_frontalizer() -> None:
    assert load_frontalizer(NONE) is None
    check_name(NONE)


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BadOption, match="none, render, render-estimated"):
        load_frontalizer("magic")
