"""What was sold in earlier applications: categories that belong together, rounded from the published table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from creditrisk.demo.draws import Bools, Floats, Ints, named, pick_index

type Options = Mapping[str, float]

KINDS = (0.1450, 0.1980, 0.0780, 0.0156, 0.3300, 0.1175, 0.0590, 0.0567)
"""Shares of: phone, household, furniture and other goods on credit; cash to known and new clients; cards likewise."""

MOBILE, HOUSEHOLD, INDUSTRY, OTHER, CASH_KNOWN, CASH_STREET, CARD_KNOWN, CARD_STREET = range(8)

NONE: Options = {"XNA": 1.0}

SELLER: Sequence[Options] = (
    {"Connectivity": 1.0},
    {"Consumer electronics": 1.0},
    {"Furniture": 0.44, "Construction": 0.22, "Clothing": 0.18, "Industry": 0.16},
    {"Auto technology": 0.4, "Jewelry": 0.2, "MLM partners": 0.15, "Tourism": 0.15, "Industry": 0.1},
    {"XNA": 0.97, "Consumer electronics": 0.03},
    {"XNA": 0.97, "Connectivity": 0.03},
    {"XNA": 0.9, "Consumer electronics": 0.1},
    {"Consumer electronics": 0.55, "Connectivity": 0.3, "XNA": 0.15},
)
GOODS: Sequence[Options] = (
    {"Mobile": 0.93, "Photo / Cinema Equipment": 0.05, "Computers": 0.02},
    {"Consumer Electronics": 0.36, "Audio/Video": 0.29, "Computers": 0.27, "Photo / Cinema Equipment": 0.06,
     "Homewares": 0.01, "Office Appliances": 0.01},
    {"Furniture": 0.47, "Construction Materials": 0.22, "Clothing and Accessories": 0.21, "Jewelry": 0.06,
     "Medical Supplies": 0.04},
    {"Auto Accessories": 0.32, "Vehicles": 0.15, "Sport and Leisure": 0.14, "Gardening": 0.12, "Tourism": 0.07,
     "Medicine": 0.07, "Other": 0.06, "Direct Sales": 0.02, "Fitness": 0.015, "Education": 0.005, "Insurance": 0.005,
     "Additional Service": 0.005, "Weapon": 0.005, "Animals": 0.0001, "House Construction": 0.0001},
    NONE, NONE, NONE, NONE,
)  # fmt: skip
CHANNEL: Sequence[Options] = (
    {"Country-wide": 0.80, "Stone": 0.08, "Regional / Local": 0.12},
    {"Country-wide": 0.78, "Regional / Local": 0.14, "Stone": 0.08},
    {"Stone": 0.86, "Country-wide": 0.08, "Regional / Local": 0.06},
    {"Stone": 0.78, "Country-wide": 0.17, "Regional / Local": 0.05},
    {"Credit and cash offices": 0.91, "Contact center": 0.07, "Channel of corporate sales": 0.01, "Country-wide": 0.01},
    {"Credit and cash offices": 0.72, "AP+ (Cash loan)": 0.24, "Contact center": 0.03,
     "Channel of corporate sales": 0.01},
    {"Credit and cash offices": 0.55, "AP+ (Cash loan)": 0.20, "Contact center": 0.15, "Country-wide": 0.10},
    {"Country-wide": 0.72, "Regional / Local": 0.10, "Credit and cash offices": 0.10, "Stone": 0.075,
     "Car dealer": 0.005},
)  # fmt: skip
YIELD: Sequence[Options] = (
    {"low_action": 0.04, "low_normal": 0.13, "middle": 0.25, "high": 0.58},
    {"low_action": 0.16, "low_normal": 0.24, "middle": 0.44, "high": 0.16},
    {"low_action": 0.05, "low_normal": 0.33, "middle": 0.50, "high": 0.12},
    {"low_action": 0.05, "low_normal": 0.30, "middle": 0.45, "high": 0.20},
    {"low_action": 0.04, "low_normal": 0.34, "middle": 0.36, "high": 0.26},
    {"low_action": 0.03, "low_normal": 0.27, "middle": 0.28, "high": 0.42},
    NONE, NONE,
)  # fmt: skip
"""From cheap to dear; the dear ones are sold to the riskier."""

PURPOSE = {
    "XNA": 0.10, "Repairs": 0.318, "Other": 0.21, "Urgent needs": 0.113, "Buying a used car": 0.039,
    "Building a house or an annex": 0.036, "Everyday expenses": 0.032, "Medicine": 0.029,
    "Payments on other loans": 0.026, "Education": 0.021, "Journey": 0.017, "Purchase of electronic equipment": 0.014,
    "Buying a new car": 0.0135, "Wedding / gift / holiday": 0.013, "Buying a home": 0.0116, "Car repairs": 0.0107,
    "Furniture": 0.010, "Buying a holiday home / land": 0.0072, "Business development": 0.0057,
    "Gasification / water supply": 0.004, "Buying a garage": 0.0018, "Hobby": 0.0007,
    "Money for a third person": 0.0003, "Refusal to name the goal": 0.0002,
}  # fmt: skip
"""Of cash loans to new clients; others do not say (XNA), goods on credit and cards have none (XAP)."""

REJECT = {
    "CLIENT": 0.02, "VERIF": 0.012, "XNA": 0.018, "SYSTEM": 0.003, "LIMIT": 0.191, "HC": 0.607, "SCO": 0.096,
    "SCOFR": 0.053,
}  # fmt: skip

TERMS_GOODS = {4: 0.02, 6: 0.24, 8: 0.06, 10: 0.23, 12: 0.32, 18: 0.06, 24: 0.06, 36: 0.01}
TERMS_CASH = {6: 0.03, 12: 0.28, 18: 0.14, 24: 0.21, 30: 0.04, 36: 0.14, 42: 0.01, 48: 0.08, 60: 0.07}
"""Number of instalments and how usual it is."""

YEARLY_RATE = {"low_action": 0.10, "low_normal": 0.20, "middle": 0.36, "high": 0.55, "XNA": 0.30}

TYPE_SUITE = {
    "Unaccompanied": 0.598, "Family": 0.25, "Spouse, partner": 0.079, "Children": 0.037, "Other_B": 0.0206,
    "Other_A": 0.0106, "Group of people": 0.0026,
}  # fmt: skip


def pick_by_kind(kind: Ints, options: Sequence[Options], uniform: Floats) -> pl.Series:
    """A category for each row, out of those that its kind offers."""
    names = list(dict.fromkeys(name for offered in options for name in offered))
    index = np.zeros(kind.size, dtype=np.int64)
    for number, offered in enumerate(options):
        here = kind == number
        places = np.array([names.index(name) for name in offered])
        index[here] = places[pick_index(list(offered.values()), uniform[here])]
    return named(index, names)


def yearly_rate(yields: pl.Series) -> Floats:
    return yields.cast(pl.String).replace_strict(YEARLY_RATE, return_dtype=pl.Float64).to_numpy()


def combination(kind: Ints, yields: pl.Series, hidden: Bools) -> pl.Series:
    """PRODUCT_COMBINATION, which follows from the kind and the yield group; withdrawn cash loans have none."""
    grade = yields.cast(pl.String).replace({"low_action": "low", "low_normal": "low"})
    shop = np.array(["POS mobile", "POS household", "POS industry", "POS other", "Cash X-Sell: ", "Cash Street: ",
                     "Card X-Sell", "Card Street"])[kind]  # fmt: skip
    frame = pl.DataFrame({"kind": kind, "shop": shop, "grade": grade, "free": yields == "low_action", "hidden": hidden})
    free_shop = pl.when(pl.col("kind") == OTHER).then(pl.lit("POS others")).otherwise("shop")
    return frame.select(
        pl.when(pl.col("kind") >= CARD_KNOWN)
        .then("shop")
        .when((pl.col("kind") >= CASH_KNOWN) & pl.col("hidden"))
        .then(pl.lit("Cash"))
        .when(pl.col("kind") >= CASH_KNOWN)
        .then(pl.col("shop") + pl.col("grade"))
        .when("free")
        .then(free_shop + " without interest")
        .otherwise(pl.col("shop") + " with interest")
    ).to_series()
