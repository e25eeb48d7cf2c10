"""Makes statistics.json: what SciPy, statsmodels and pymannkendall say about the series that the tests analyse.

In a virtual environment:

    pip install -r requirements.txt
    python make.py > statistics.json && npx biome format --write statistics.json

The series are real ones of vega-datasets (node_modules/vega-datasets/data) and awkward ones made here; the file carries
their values, so that the tests read nothing else.
"""

import csv
import json
import math
import pathlib
import warnings

import numpy as np
import pymannkendall
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.seasonal import MSTL, STL

warnings.filterwarnings("ignore")
DATA = pathlib.Path(__file__).resolve().parents[4] / "node_modules/vega-datasets/data"


def column(file, name):
    with open(DATA / file, newline="") as rows:
        return [float(row[name]) for row in csv.DictReader(rows)]


def numbers(values):
    return [float(value) for value in values]


employment = {name: column("us-employment.csv", name) for name in ("nonfarm", "construction", "information", "government")}
weather = {name: column("seattle-weather.csv", name) for name in ("precipitation", "temp_max", "wind")}
hours = np.arange(24 * 40)
random = np.random.default_rng(1)
series = {
    **employment,
    **weather,
    "co2": column("co2-concentration.csv", "CO2"),
    "sp500": column("sp500-2000.csv", "close")[:900],
    "ties": [float(i // 7 % 3) for i in range(120)],
    "line": [float(3 * i) for i in range(40)],
    "exploding": [float((-1) ** i * 2 ** min(52, i)) for i in range(60)],
    "short": [4.0, 1.0, 9.0, 9.0, 7.0],
    "hourly": numbers(np.round(50 + 20 * np.sin(hours / 24 * 2 * np.pi) - 9 * (hours % 168 < 48) + random.normal(0, 4, hours.size))),
}


def trend(values):
    y = np.array(values)
    n = len(y)
    sen = stats.theilslopes(y, np.arange(n), 0.95)
    plain = pymannkendall.original_test(y)
    result = {
        "slope": float(sen[0]),
        "intercept": float(sen[1]),
        "lower": float(sen[2]),
        "upper": float(sen[3]),
        "s": float(plain.s),
        "variance": float(plain.var_s),
        "z": float(plain.z),
        "p": 2 * float(stats.norm.sf(abs(plain.z))),
        "tau": float(stats.kendalltau(np.arange(n), y).statistic),
    }
    # Ranks of what rounding leaves of an exact line mean nothing.
    if n >= 8 and np.ptp(y - sen[0] * np.arange(n)) > 0:
        result["corrected"] = float(pymannkendall.hamed_rao_modification_test(y, lag=n // 4).var_s)
    return result


def components(result):
    # Whole components would fill megabytes: every seventh point and both ends, where methods differ most.
    n = len(result.trend)
    at = sorted({*range(0, n, 7), *range(min(8, n)), *range(max(0, n - 8), n)})
    seasonal = np.asarray(result.seasonal).reshape(n, -1)
    return {
        "at": at,
        "trend": [float(np.asarray(result.trend)[i]) for i in at],
        "seasonal": [[float(seasonal[i, k]) for i in at] for k in range(seasonal.shape[1])],
    }


def stl(name, period, **options):
    result = STL(np.array(series[name]), period=period, **options).fit()
    return {"series": name, "period": period, "options": options, **components(result)}


def mstl(name, periods, fit=None, **options):
    result = MSTL(np.array(series[name]), periods=periods, stl_kwargs={**options, **(fit or {})}).fit()
    return {"series": name, "periods": periods, "options": {**options, **(fit or {})}, **components(result)}


def pair(a, b):
    n = min(len(series[a]), len(series[b]))
    x, y = np.array(series[a][:n]), np.array(series[b][:n])
    signed = stats.wilcoxon(x, y, zero_method="wilcox", correction=False, method="asymptotic")
    correlation = lambda p, q: [float(stats.pearsonr(p, q).statistic), float(stats.spearmanr(p, q).statistic)]
    most = min(14, n // 4)

    def lagged(lag):
        early, late = (x[: n - lag], y[lag:]) if lag >= 0 else (y[: n + lag], x[-lag:])
        return float(stats.pearsonr(early, late).statistic)

    best = max(range(-most, most + 1), key=lambda lag: abs(lagged(lag)))
    return {
        "a": a,
        "b": b,
        "n": n,
        "correlation": correlation(x, y),
        "changes": correlation(np.diff(x), np.diff(y)),
        "lag": best,
        "lagged": lagged(best),
        "w": float(signed.statistic),
        "p": float(signed.pvalue),
        "median": float(np.median(x - y)),
    }


pairs = [
    pair("nonfarm", "construction"),
    pair("construction", "government"),
    pair("precipitation", "wind"),
    pair("temp_max", "wind"),
    pair("precipitation", "temp_max"),
    pair("ties", "nonfarm"),
]
p_values = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04]
grid = [0.0, 0.3, 1.0, 1.96, 2.4, 2.6, 5.0, 9.0, 30.0]
quantile = [0.4, 0.25, 0.025, 0.005, 1e-6]
table = {
    "series": series,
    "trend": {name: trend(values) for name, values in series.items()},
    "stl": [
        stl("co2", 12),
        stl("co2", 12, robust=True),
        stl("nonfarm", 12, seasonal=13, trend_jump=3, low_pass_jump=2),
        stl("temp_max", 365),
        stl("ties", 7, robust=True),
        stl("exploding", 5, robust=True),
        stl("hourly", 24, robust=True, trend_jump=4, low_pass_jump=3),
    ],
    "mstl": [
        mstl("hourly", [24, 168]),
        mstl("hourly", [24, 168], robust=True),
        mstl("temp_max", [7, 365], fit={"inner_iter": 2, "outer_iter": 5}, robust=True),
        mstl("construction", [12], robust=True),
    ],
    "pairs": pairs,
    "holm": {"p": p_values, "corrected": numbers(multipletests(p_values, method="holm")[1])},
    "distributions": {
        "x": grid,
        "normal": numbers(stats.norm.sf(grid)),
        "student": {str(df): numbers(stats.t.sf(grid, df)) for df in (2, 5, 60)},
        "kolmogorov": numbers(special.kolmogorov(grid)),
        "share": quantile,
        "normalQuantile": numbers(stats.norm.isf(quantile)),
        "studentQuantile": {str(df): numbers(stats.t.isf(quantile, df)) for df in (2, 5, 60)},
        "gamma": [0.5, 1.0, 3.0, 30.5],
        "logGamma": numbers(special.gammaln([0.5, 1.0, 3.0, 30.5])),
    },
}


def lean(value):
    """Fewer digits than the tests ask for by far, and no NaN."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: lean(entry) for key, entry in value.items()}
    return [lean(entry) for entry in value] if isinstance(value, list) else value


print(json.dumps(lean(table), separators=(",", ":")))
