"""Which columns of text are columns of dates."""

import pandas as pd
import pytest

from skdnn._data.date_texts import are_dates

pytestmark = pytest.mark.quick

DAYS = pd.date_range("2019-03-05 08:15", periods=500, freq="37h")


@pytest.mark.parametrize(
    "form",
    [
        *["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%d-%m-%Y", "%d.%m.%y"],
        *["%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ", "%m/%d/%Y %I:%M %p", "%Y-%m", "%m/%Y"],
        *["%d %b %Y", "%B %d, %Y", "%d-%b-%y", "%a, %d %b %Y %H:%M:%S GMT", "%b %Y"],
        *["%Y-%m-%d %H:%M:%S+01:00"],
    ],
)
def test_dates_of_usual_forms(form):
    assert are_dates(DAYS.strftime(form).unique())


def test_some_marks_of_missing_dates_are_no_obstacle():
    assert are_dates([*DAYS.strftime("%Y-%m-%d"), "unknown", "0000-00-00"])


@pytest.mark.parametrize(
    "values",
    [
        ["Bonn", "Kiel", "Rome"],
        ["may", "march", "june", "april"],
        [f"{i:05}-{i % 97:02}" for i in range(2000)],
        [f"2024-{i:04}" for i in range(2000)],
        [f"{1000 + 7 * i % 2000}-{i % 100:02}-{i % 90:02}" for i in range(2000)],
        [f"{i // 100}.{i // 10 % 10}.{i % 10}" for i in range(100, 2000)],
        [f"10.{i % 12}.{i % 28}.{i % 250}" for i in range(2000)],
        [f"{year}-{year % 100 + 1:02}" for year in range(2001, 2025)],
        ["20240131", "20240201", "20240302"],
        ["12:30", "08:15", "23:59"],
        ["3/4", "1/2", "5/8"],
        ["2024-01-31", "2024-02-01"],
        DAYS,
        [1.5, 2.5, 3.5],
        [],
    ],
)
def test_words_identifiers_and_numbers_are_no_dates(values):
    assert not are_dates(values)
