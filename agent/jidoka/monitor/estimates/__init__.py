"""Estimates: how often the model is right, from labels where they come, from calibrated confidence where they don't."""

from jidoka.monitor.estimates.calibration import calibration_error
from jidoka.monitor.estimates.cbpe import Estimate, RunningEstimate, estimate_accuracy
from jidoka.monitor.estimates.error_rate import ErrorRate
from jidoka.monitor.estimates.promise import Experience
from jidoka.monitor.estimates.temperature import Temperature, fit_temperature

__all__ = [
    "ErrorRate",
    "Estimate",
    "Experience",
    "RunningEstimate",
    "Temperature",
    "calibration_error",
    "estimate_accuracy",
    "fit_temperature",
]
