"""Recognises columns of text whose values are dates."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

# A column with fewer distinct values says too little of what it holds, and from this share of dates
# on, the other values are marks of missing dates, such as "unknown" or "0000-00-00".
_LEAST_VALUES = 3
_SHARE_OF_DATES = 0.9
_SAMPLE = 200

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_TIME = (
    r"(?:(?:[ t]|, ?)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]\.?m\.?)?"
    r"(?: ?(?:z|utc|gmt|[+-]\d{2}:?(?:\d{2})?))?)?"
)
_YEAR, _MONTH_NUMBER, _DAY = r"[12]\d{3}", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"


def _day_and_month(sep: str) -> str:
    return f"(?:{_DAY}{sep}{_MONTH_NUMBER}|{_MONTH_NUMBER}{sep}{_DAY}){sep}"


_FORMS = [
    *(f"{_YEAR}{sep}{_MONTH_NUMBER}{sep}{_DAY}" for sep in ("-", "/", r"\.")),
    *(_day_and_month(sep) + _YEAR for sep in ("-", "/", r"\. ?")),
    # Years of two digits. With points, versions such as 1.2.10 look alike.
    _day_and_month("/") + r"\d\d",
    r"(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.\d\d",
    rf"{_YEAR}[-/](?:0[1-9]|1[0-2])",
    rf"(?:0?[1-9]|1[0-2])/{_YEAR}",
    rf"{_DAY}(?:st|nd|rd|th)?[ -]{_MONTH}\.?,?[ -](?:{_YEAR}|\d\d)",
    rf"{_MONTH}\.?[ -](?:{_DAY}(?:st|nd|rd|th)?,? )?{_YEAR}",
    rf"{_YEAR}[ -]{_MONTH}[ -]{_DAY}",
]
_DATE = re.compile(rf"(?:[a-z]{{3,9}},? )?(?:{'|'.join(_FORMS)}){_TIME}", re.IGNORECASE)


def are_dates(values: Iterable[Any]) -> bool:
    """Return whether most of the distinct values of a column are dates that are written as text.

    Only a sample of the values is read. Plain numbers, such as 20240131, are no dates.

    Parameters
    ----------
    values : iterable
        The distinct values that are not missing.
    """
    values = list(values)
    step = max(1, len(values) // _SAMPLE)
    sample = list(islice(values, 0, None, step))
    if len(sample) < _LEAST_VALUES or not all(isinstance(value, str) for value in sample):
        return False
    dates = sum(_DATE.fullmatch(value.strip()) is not None for value in sample)
    return dates >= _SHARE_OF_DATES * len(sample)
