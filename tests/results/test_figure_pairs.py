from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from results.figures.pairs import ShownPair, draw_pairs, worst_pairs
from results.figures.style import shortened


def brute_force(scores: np.ndarray, marks: np.ndarray, count: int) -> tuple[list[int], list[int]]:
    found = []
    for kind, sign in ((True, 1), (False, -1)):
        own = [place for place in range(len(scores)) if marks[place] == kind]
        finite = [place for place in own if scores[place] > -np.inf]
        ranked = sorted(finite or own, key=lambda place: (sign * scores[place], place))
        found.append(ranked[:count])
    return found[0], found[1]


@given(
    st.lists(st.tuples(st.sampled_from([-np.inf, -0.5, 0.0, 0.25, 0.5]), st.booleans())),
    st.integers(1, 6),
)
def test_worst_pairs_are_those_of_a_full_sort(pairs: list[tuple[float, bool]], count: int) -> None:
    scores = np.array([score for score, _ in pairs], np.float32)
    marks = np.array([mark for _, mark in pairs], bool)
    misses, accepts = worst_pairs(scores, marks, count)
    assert (misses.tolist(), accepts.tolist()) == brute_force(scores, marks, count)


def test_worst_pairs_of_many() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 0.1, 50_000).astype(np.float32)
    marks = rng.uniform(size=50_000) < 0.01
    scores[::7] = -np.inf
    misses, accepts = worst_pairs(scores, marks, 10)
    assert (misses.tolist(), accepts.tolist()) == brute_force(scores, marks, 10)


def test_pairs_that_failed_are_shown_only_if_there_is_nothing_else() -> None:
    scores = np.array([-np.inf, 0.5, -np.inf, -np.inf, -np.inf], np.float32)
    marks = np.array([True, True, True, False, False])
    misses, accepts = worst_pairs(scores, marks, 3)
    assert misses.tolist() == [1]
    assert accepts.tolist() == [3, 4]


def test_worst_pairs_refuses_what_has_no_order() -> None:
    scores, marks = np.zeros(4, np.float32), np.arange(4) < 2
    with pytest.raises(ValueError, match="from 1, got 0"):
        worst_pairs(scores, marks, 0)
    scores[1] = np.nan
    with pytest.raises(ValueError, match="pair 1: its score is nan"):
        worst_pairs(scores, marks, 2)


def shown(
    seed: int, stack: int = 1, size: tuple[int, int] = (112, 112), score: float | None = None
) -> ShownPair:
    rng = np.random.default_rng(seed)

    def side() -> tuple[np.ndarray, ...]:
        return tuple(rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(stack))

    names = (f"Somebody_With_A_Name/{seed:04d}.jpg", f"b/{seed}.png")
    return ShownPair(side(), side(), seed / 100 if score is None else score, names)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_pictures_names_and_scores_are_all_there_in_order() -> None:
    misses, accepts = [shown(seed) for seed in range(6)], [shown(seed) for seed in range(6, 9)]
    figure = draw_pairs("LFW: dlib", misses, accepts, 0.31234567)
    drawn = [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]
    given = [one for pair in [*misses, *accepts] for one in (*pair.left, *pair.right)]
    assert len(drawn) == len(given)
    for found, expected in zip(drawn, given, strict=True):
        assert np.array_equal(found, expected)
    found = texts(figure)
    assert found[0] == "LFW: dlib; accepted from a score of 0.3123"
    assert found[1] == "same person, scored lowest"
    assert found[2:5] == ["Somebody…0000.jpg", "b/0.png", "score 0.0000"]
    place = found.index("different people, scored highest")
    assert place == 2 + 3 * 6
    assert found[place + 1 : place + 4] == ["Somebody…0006.jpg", "b/6.png", "score 0.0600"]


@pytest.mark.parametrize(("stack", "size"), [(1, (112, 112)), (2, (112, 96)), (3, (150, 150))])
def test_nothing_overlaps_or_leaves_the_page(stack: int, size: tuple[int, int]) -> None:
    misses = [shown(seed, stack, size) for seed in range(6)]
    figure = draw_pairs("a title", misses, [shown(9, 1)], 0.5)
    figure.savefig(BytesIO())
    boxes = [axes.get_window_extent() for axes in figure.axes]
    for axes, box in zip(figure.axes, boxes, strict=True):
        height, width = np.asarray(axes.get_images()[0].get_array()).shape[:2]
        assert box.height / box.width == pytest.approx(height / width, rel=1e-6)
    boxes += [text.get_window_extent() for text in figure.texts]
    for number, one in enumerate(boxes):
        assert figure.bbox.x0 <= one.x0 < one.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= one.y0 < one.y1 <= figure.bbox.y1
        for other in boxes[:number]:
            apart = one.x1 <= other.x0 or other.x1 <= one.x0
            assert apart or one.y1 <= other.y0 or other.y1 <= one.y0


def test_the_second_picture_of_a_stack_is_below_the_first() -> None:
    figure = draw_pairs("x", [shown(1, stack=2)], [])
    upper_left, lower_left, upper_right, lower_right = (axes.get_position() for axes in figure.axes)
    assert lower_left.y1 < upper_left.y0
    assert lower_left.x0 == upper_left.x0 < upper_right.x0 == lower_right.x0
    assert upper_left.y0 == upper_right.y0


def test_an_empty_block_says_so_and_a_failure_is_named() -> None:
    figure = draw_pairs("x", [shown(1, score=float("-inf"))], [])
    assert "different people, scored highest: there is none" in texts(figure)
    assert "failed to enrol" in texts(figure)
    assert not any("accepted from" in text for text in texts(figure))


def test_a_long_title_is_broken_and_dollars_are_letters() -> None:
    pair = shown(1)
    pair = ShownPair(pair.left, pair.right, 0.5, ("a$b$", "x"))
    figure = draw_pairs("a $long$ title " + 9 * "of many words ", [pair], [])
    figure.savefig(BytesIO())
    title = figure.texts[0].get_window_extent()
    assert title.x0 >= 0
    assert title.x1 <= figure.bbox.x1
    assert title.y0 > figure.texts[1].get_window_extent().y1
    assert r"a\$b\$" in texts(figure)
    assert texts(figure)[0].startswith(r"a \$long\$ title of")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="no pair to draw"):
        draw_pairs("x", [], [])
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="each side needs a picture"):
        ShownPair((picture,), (), 0.5, ("a", "b"))
    with pytest.raises(ValueError, match="each side needs a picture"):
        ShownPair((picture,), (picture[:0],), 0.5, ("a", "b"))
    for score in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="their score is"):
            ShownPair((picture,), (picture,), score, ("a", "b"))


@given(st.text(), st.integers(3, 40))
def test_a_name_is_shortened_in_its_middle(text: str, most: int) -> None:
    short, line = shortened(text, most), " ".join(text.split())
    assert len(short) == min(len(line), most)
    if len(line) <= most:
        assert short == line
        return
    start, end = short[: most // 2], short[most // 2 + 1 :]
    assert short[most // 2] == "…"
    assert line.startswith(start)
    assert line.endswith(end)
    assert 0 <= len(start) - len(end) <= 1
