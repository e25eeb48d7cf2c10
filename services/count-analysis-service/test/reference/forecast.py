"""Forecasts, errors and intervals by statsmodels, SciPy and NumPy, which test/forecast compares with.

Made with: pip install numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 statsmodels==0.14.6
Run from the root: python services/count-analysis-service/test/reference/forecast.py > services/count-analysis-service/test/reference/forecast.json
"""

import csv
import json

import numpy as np
from scipy.stats import t as student
from statsmodels.tools.eval_measures import meanabs
from statsmodels.tsa.api import Holt, SimpleExpSmoothing, seasonal_decompose
from statsmodels.tsa.forecasting.theta import ThetaModel

data = "node_modules/vega-datasets/data/"
rows = lambda name: list(csv.DictReader(open(data + name)))
series = {
    "nonfarm": np.array([float(row["nonfarm"]) for row in rows("us-employment.csv")]),
    "government": np.array([float(row["government"]) for row in rows("us-employment.csv")]),
    "co2": np.array([float(row["CO2"]) for row in rows("co2-concentration.csv")])[-120:],
}
steps = 12


def holt(y, phi, trend):
    # The first value as it is and `trend` after it: the level before it must have forecast it.
    return Holt(y, damped_trend=True, initialization_method="known", initial_level=y[0] - trend, initial_trend=trend / phi)


def damped(y, alpha, share, phi, trend):
    fit = holt(y, phi, trend).fit(smoothing_level=alpha, smoothing_trend=share, damping_trend=phi, optimized=False)
    return {"alpha": alpha, "share": share, "phi": phi, "squares": fit.sse, "forecast": list(fit.forecast(steps))}


def least_damped(y, trend):
    return min(holt(y, phi, trend).fit(damping_trend=phi).sse for phi in np.linspace(0.8, 0.98, 10))


def reference(y):
    theta = ThetaModel(y, period=1, deseasonalize=False, use_test=False).fit()
    simple = SimpleExpSmoothing(y, initialization_method="known", initial_level=y[0]).fit()
    trend = (y[10] - y[0]) / 10
    before, actual = y[:-steps], y[-steps:]
    naive = before[-12:]
    return {
        "values": list(y),
        "simple": {"squares": simple.sse, "level": simple.forecast(1)[0]},
        "theta": {
            "alpha": theta.params["alpha"],
            "level": theta.forecast_components(1).ses.iloc[0],
            "forecast": list(theta.forecast(steps, theta=2)),
        },
        "damped": [damped(y, *weights, trend) for weights in [(0.3, 0.1, 0.9), (0.9, 0.5, 0.95), (1, 0.2, 0.8)]],
        "leastDamped": least_damped(y, trend),
        "seasonal": list(seasonal_decompose(y, period=12).seasonal[:12]),
        "seasonalNaive": {
            "forecast": list(naive),
            "mase": meanabs(actual, naive) / meanabs(before[12:], before[:-12]),
            "smape": float(np.mean(200 * np.abs(actual - naive) / (np.abs(actual) + np.abs(naive)))),
        },
    }


widths = [
    {"level": level, "free": free, "width": student.ppf(0.5 + level / 200, free) * np.sqrt(1 + 1 / free)}
    for level in (80, 95)
    for free in (1, 1.25, 2.5, 5, 17)
]
print(json.dumps({"series": {name: reference(y) for name, y in series.items()}, "widths": widths}))
