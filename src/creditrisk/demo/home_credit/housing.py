"""The 47 columns about the applicant's building: present together or missing together, three versions of each."""

from __future__ import annotations

import numpy as np
import polars as pl

from creditrisk.demo.draws import Floats, Rng, following, gaps, number, pick, quantile
from creditrisk.demo.home_credit.people import People

SHARES_BELOW = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)

MEASURES: dict[str, tuple[float, tuple[float, ...]]] = {
    "APARTMENTS": (0.507, (0.0, 0.0021, 0.0082, 0.0577, 0.0876, 0.1485, 0.32, 0.54, 1.0)),
    "BASEMENTAREA": (0.585, (0.0, 0.0, 0.0, 0.0442, 0.0763, 0.1122, 0.222, 0.4, 1.0)),
    "YEARS_BEGINEXPLUATATION": (0.488, (0.0, 0.95, 0.9687, 0.9767, 0.9816, 0.9866, 0.996, 0.999, 1.0)),
    "YEARS_BUILD": (0.665, (0.0, 0.395, 0.592, 0.6872, 0.7552, 0.8232, 0.952, 0.986, 1.0)),
    "COMMONAREA": (0.699, (0.0, 0.0, 0.0, 0.0078, 0.0211, 0.0515, 0.155, 0.38, 1.0)),
    "ELEVATORS": (0.533, (0.0, 0.0, 0.0, 0.0, 0.0, 0.12, 0.36, 0.6, 1.0)),
    "ENTRANCES": (0.503, (0.0, 0.0345, 0.0345, 0.069, 0.1379, 0.2069, 0.31, 0.52, 1.0)),
    "FLOORSMAX": (0.498, (0.0, 0.0, 0.0417, 0.1667, 0.1667, 0.3333, 0.479, 0.667, 1.0)),
    "FLOORSMIN": (0.678, (0.0, 0.0, 0.0417, 0.0833, 0.2083, 0.375, 0.5, 0.708, 1.0)),
    "LANDAREA": (0.594, (0.0, 0.0, 0.0, 0.0187, 0.0481, 0.0856, 0.2, 0.38, 1.0)),
    "LIVINGAPARTMENTS": (0.684, (0.0, 0.0034, 0.0101, 0.0504, 0.0756, 0.121, 0.274, 0.45, 1.0)),
    "LIVINGAREA": (0.502, (0.0, 0.0021, 0.008, 0.0453, 0.0745, 0.1299, 0.316, 0.55, 1.0)),
    "NONLIVINGAPARTMENTS": (0.694, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0039, 0.031, 0.093, 1.0)),
    "NONLIVINGAREA": (0.552, (0.0, 0.0, 0.0, 0.0, 0.0036, 0.0277, 0.13, 0.32, 1.0)),
}
"""Each measure's share of missing values and its values at SHARES_BELOW."""

FONDKAPREMONT = {
    "reg oper account": 0.7596, "reg oper spec account": 0.1243, "org spec account": 0.0577, "not specified": 0.0584,
}  # fmt: skip
WALLS = {
    "Panel": 0.4361, "Stone, brick": 0.4284, "Block": 0.0611, "Wooden": 0.0354, "Mixed": 0.0152, "Monolithic": 0.0118,
    "Others": 0.0120,
}  # fmt: skip
HOUSE_TYPE = {"block of flats": 0.9820, "specific housing": 0.0098, "terraced house": 0.0082}
TOTAL_AREA = (0.0, 0.0016, 0.0065, 0.0412, 0.0688, 0.1276, 0.3, 0.525, 1.0)


def housing_columns(rng: Rng, people: People) -> dict[str, pl.Series]:
    """The building's columns, from APARTMENTS_AVG to EMERGENCYSTATE_MODE, in the file's order."""
    # One uniform decides all gaps: a building with the rarest measure known has the common ones known too.
    gap = following(rng, 0.6 * people.status - 0.8 * people.means, 0.12)
    grandeur = 0.5 * people.means + np.sqrt(0.75) * rng.standard_normal(people.size)
    average = {name: _measure(rng, grandeur, values) for name, (_, values) in MEASURES.items()}
    columns: dict[str, pl.Series] = {}
    for version, noise in (("AVG", 0.0), ("MODE", 0.03), ("MEDI", 0.012)):
        for name, (share, _) in MEASURES.items():
            values = average[name] * (1.0 + noise * rng.standard_normal(people.size))
            columns[f"{name}_{version}"] = number(values.clip(0.0, 1.0), gap > 1.0 - share, digits=4)
    uniform = rng.random((4, people.size))
    area = _measure(rng, grandeur, TOTAL_AREA)
    return columns | {
        "FONDKAPREMONT_MODE": gaps(pick(FONDKAPREMONT, uniform[0]), gap > 1.0 - 0.684),
        "HOUSETYPE_MODE": gaps(pick(HOUSE_TYPE, uniform[1]), gap > 1.0 - 0.502),
        "TOTALAREA_MODE": number(area, gap > 1.0 - 0.483, digits=4),
        "WALLSMATERIAL_MODE": gaps(pick(WALLS, uniform[2]), gap > 1.0 - 0.508),
        "EMERGENCYSTATE_MODE": gaps(pick({"No": 0.9856, "Yes": 0.0144}, uniform[3]), gap > 1.0 - 0.474),
    }


def _measure(rng: Rng, grandeur: Floats, values: tuple[float, ...]) -> Floats:
    return quantile(tuple(zip(SHARES_BELOW, values, strict=True)), following(rng, grandeur, 0.75))
