"""Durations in words."""

import pytest

from infogan_fast.text import duration, short_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "less than a second"),
        (0.4, "less than a second"),
        (0.6, "1 s"),
        (42.4, "42 s"),
        (59.7, "1 min"),
        (64.0, "1 min"),
        (66.0, "1 min 10 s"),
        (4 * 60 + 28, "4 min 30 s"),
        (9 * 60 + 57, "10 min"),
        (25 * 60 + 20, "25 min"),
        (59 * 60 + 50, "1 h"),
        (3600.0, "1 h"),
        (3700.0, "1 h 2 min"),
        (7199.0, "2 h"),
        (5.42 * 3600, "5 h 30 min"),
        (9.99 * 3600, "10 h"),
        (39.3 * 3600, "39 h"),
        (47.7 * 3600, "2 days"),
        (60 * 3600.0, "2 days"),
        (61 * 3600.0, "3 days"),
        (400 * 86400.0, "400 days"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize("seconds", [x * 1.37**n for x in (1.0, 1.1) for n in range(45)])
def test_durations_are_right_to_a_tenth(seconds):
    units = {"s": 1, "min": 60, "h": 3600, "days": 86400}
    words = duration(seconds).split()
    read = sum(int(count) * units[unit] for count, unit in zip(words[::2], words[1::2], strict=True))
    assert len(words) in (2, 4)
    assert abs(read - seconds) <= max(0.5, {True: 0.1, False: 0.25}[seconds < 172800] * seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.000251, "0.25 ms"),
        (0.0381, "38 ms"),
        (0.664, "660 ms"),
        (0.994, "990 ms"),
        (0.996, "1 s"),
        (1.23, "1.2 s"),
        (12.3, "12 s"),
        (144.0, "140 s"),
        (0.0, "0 ms"),
    ],
)
def test_short_durations(seconds, words):
    assert short_duration(seconds) == words
