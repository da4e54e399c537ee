"""The application itself: what the applicant said, what the lender looked up, and whether payment went wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from creditrisk.demo.draws import (
    Bools,
    Floats,
    Ints,
    Rng,
    following,
    gaps,
    logistic,
    named,
    number,
    pick,
    pick_index,
    quantile,
    rank,
    step,
    whole,
)
from creditrisk.demo.home_credit import shares
from creditrisk.demo.home_credit.housing import housing_columns
from creditrisk.demo.home_credit.people import People, true_pd

NOT_EMPLOYED = 365243
"""Home Credit's marker in DAYS_EMPLOYED for the retired: a thousand years ahead."""


@dataclass(frozen=True)
class Applications:
    """The application table with TARGET, and the probability it was drawn from; both shape (n,)."""

    frame: pl.DataFrame
    true_pd: Floats


def draw_applications(rng: Rng, people: People) -> Applications:
    loan = _loan(rng, people)
    pd_true = true_pd(people, loan.burden, loan.insured)
    target = (rng.random(people.size) < pd_true).astype(np.int64)
    person = _person(rng, people)
    rating = 1 + pick_index((0.1047, 0.7381, 0.1572), following(rng, people.status, 0.45))
    columns = {
        "SK_ID_CURR": whole(people.ids),
        "TARGET": whole(target),
        "NAME_CONTRACT_TYPE": pick({"Revolving loans": 0.0952, "Cash loans": 0.9048}, loan.type_uniform),
        **person.opening,
        "AMT_INCOME_TOTAL": number(loan.income),
        "AMT_CREDIT": number(loan.credit),
        "AMT_ANNUITY": number(loan.annuity, rng.random(people.size) < 0.00004),
        "AMT_GOODS_PRICE": number(loan.goods, rng.random(people.size) < 0.0009),
        **person.household,
        "REGION_POPULATION_RELATIVE": number(_population(rng, rating)),
        **person.work,
        **_place(rng, people, rating, person.retired),
        **_external_scores(rng, people),
        **housing_columns(rng, people),
        **_circle(rng, people),
        **_documents(rng, people, person.retired),
        **_enquiries(rng, people),
    }
    return Applications(pl.DataFrame(columns), pd_true)


@dataclass(frozen=True)
class _Loan:
    type_uniform: Floats
    income: Floats
    credit: Floats
    annuity: Floats
    goods: Floats
    burden: Floats
    insured: Floats


def _loan(rng: Rng, people: People) -> _Loan:
    """Amounts: goods worth what the income allows, credit above it by the insurance, paid back in 8 to 45 annuities."""
    n = people.size
    type_uniform = following(rng, people.pay, 0.12)
    revolving = type_uniform < 0.0952
    raw_income = 147_000.0 * np.exp(0.48 * people.means + 0.08 * rng.standard_normal(n))
    coarse = rng.random(n) < 0.75
    income = np.maximum(np.where(coarse, step(raw_income, 22_500.0), step(raw_income, 4_500.0)), 25_650.0)
    appetite = 0.55 * people.means + 0.15 * people.debt + 0.82 * rng.standard_normal(n)
    raw_goods = 440_000.0 * np.exp(0.66 * appetite)
    goods = step(raw_goods, 22_500.0).clip(45_000.0, 4_050_000.0)
    goods = np.where(revolving, step(raw_goods * 0.55, 45_000.0).clip(135_000.0, 900_000.0), goods)
    insurance = following(rng, 0.5 * people.debt + 0.5 * people.hunger, 0.35)
    ratio = np.where(revolving, 1.0, quantile(shares.CREDIT_TO_GOODS, insurance))
    credit = step(goods * ratio, 4.5)
    length = quantile(shares.CREDIT_TO_ANNUITY, following(rng, appetite, 0.45))
    annuity = step(credit / np.where(revolving, 20.0, length), 4.5)
    burden = (np.log(annuity / income) + 1.83) / 0.55
    return _Loan(type_uniform, income, credit, annuity, goods, burden, (ratio - 1.13) / 0.12)


@dataclass(frozen=True)
class _Person:
    retired: Bools
    opening: dict[str, pl.Series]
    """CODE_GENDER to CNT_CHILDREN."""
    household: dict[str, pl.Series]
    """NAME_TYPE_SUITE to NAME_HOUSING_TYPE."""
    work: dict[str, pl.Series]
    """DAYS_BIRTH to CNT_FAM_MEMBERS."""


def _person(rng: Rng, people: People) -> _Person:
    n = people.size
    days_birth = np.round(quantile(shares.DAYS_BIRTH, rank(people.youth)))
    age = -days_birth / 365.25
    retired = rng.random(n) < 0.015 + 0.92 * logistic((age - 57.4) / 1.6)
    sex = following(rng, people.pay, 0.12)
    man = sex > 0.6583
    car = following(rng, 0.7 * people.means + np.where(man, 0.6, -0.3), 0.4) > 0.66
    children = pick_index(shares.CHILDREN, following(rng, people.youth, 0.2))
    children = np.where(retired & (rng.random(n) < 0.93), 0, children)
    family = pick(shares.FAMILY_STATUS, following(rng, people.youth, 0.35))
    couple = family.is_in(["Married", "Civil marriage"]).to_numpy()
    worker = following(rng, people.status, 0.35)
    income_type = pick(shares.INCOME_TYPE, worker)
    income_type = pl.select(
        pl.when(pl.Series(retired)).then(pl.lit("Pensioner")).otherwise(income_type.cast(pl.String))
    ).to_series()
    occupation = pick(shares.OCCUPATION, following(rng, people.status, 0.55))
    opening = {
        "CODE_GENDER": pick({"F": 0.6583, "M": 0.3417, "XNA": 0.00001}, sex),
        "FLAG_OWN_CAR": _words(car, "Y", "N"),
        "FLAG_OWN_REALTY": _words(following(rng, people.youth, 0.15) < 0.6937, "Y", "N"),
        "CNT_CHILDREN": whole(children),
    }
    household = {
        "NAME_TYPE_SUITE": gaps(pick(shares.TYPE_SUITE, rng.random(n)), rng.random(n) < 0.0042),
        "NAME_INCOME_TYPE": income_type,
        "NAME_EDUCATION_TYPE": pick(shares.EDUCATION, following(rng, people.status, 0.6)),
        "NAME_FAMILY_STATUS": family,
        "NAME_HOUSING_TYPE": pick(shares.HOUSING_TYPE, following(rng, 0.8 * people.youth + 0.6 * people.status, 0.4)),
    }
    work = {
        **_dates(rng, people, days_birth, retired),
        "OWN_CAR_AGE": number(np.floor(rng.gamma(1.5, 8.0, n)).clip(0, 65), ~car),
        "FLAG_MOBIL": whole(np.ones(n)),
        "FLAG_EMP_PHONE": whole(~retired),
        "FLAG_WORK_PHONE": whole(~retired & (rng.random(n) < 0.243)),
        "FLAG_CONT_MOBILE": whole(rng.random(n) < 0.9981),
        "FLAG_PHONE": whole(following(rng, people.status, -0.12) > 0.719),
        "FLAG_EMAIL": whole(rng.random(n) < 0.0567),
        "OCCUPATION_TYPE": gaps(occupation, retired | (rng.random(n) < 0.163)),
        "CNT_FAM_MEMBERS": number(1.0 + children + couple, rng.random(n) < 0.00001),
    }
    return _Person(retired, opening, household, work)


def _dates(rng: Rng, people: People, days_birth: Floats, retired: Bools) -> dict[str, pl.Series]:
    n = people.size
    adult = -days_birth - 18 * 365
    tenure = quantile(shares.DAYS_EMPLOYED, following(rng, 0.7 * people.youth + 0.5 * people.status, 0.5))
    employed = np.where(retired, NOT_EMPLOYED, -np.minimum(-tenure, adult).clip(1))
    registered = -np.round(rng.beta(1.1, 2.6, n) * 16_700).clip(0, -days_birth)
    published = np.round(quantile(shares.DAYS_ID_PUBLISH, following(rng, people.youth, 0.25)))
    return {
        "DAYS_BIRTH": whole(days_birth),
        "DAYS_EMPLOYED": whole(np.round(employed)),
        "DAYS_REGISTRATION": number(registered),
        "DAYS_ID_PUBLISH": whole(published),
    }


def _place(rng: Rng, people: People, rating: Ints, retired: Bools) -> dict[str, pl.Series]:
    n = people.size
    in_city = np.where((rating == 3) & (rng.random(n) < 0.09), 2, rating)
    work = ~retired
    other_live = rng.random(n) < 0.0151
    other_work = work & ((rng.random(n) < 0.05) | (other_live & (rng.random(n) < 0.5)))
    city_live = other_live | (following(rng, people.status, 0.15) > 0.935)
    city_work = other_work | (work & (following(rng, people.youth, 0.2) > 0.77))
    organization = pick(shares.ORGANIZATION, rng.random(n)).cast(pl.String)
    return {
        "REGION_RATING_CLIENT": whole(rating),
        "REGION_RATING_CLIENT_W_CITY": whole(in_city),
        "WEEKDAY_APPR_PROCESS_START": pick(shares.WEEKDAY, rng.random(n)),
        "HOUR_APPR_PROCESS_START": whole(pick_index(shares.HOUR, rng.random(n))),
        "REG_REGION_NOT_LIVE_REGION": whole(other_live),
        "REG_REGION_NOT_WORK_REGION": whole(other_work),
        "LIVE_REGION_NOT_WORK_REGION": whole(other_work & (rng.random(n) < 0.8)),
        "REG_CITY_NOT_LIVE_CITY": whole(city_live),
        "REG_CITY_NOT_WORK_CITY": whole(city_work),
        "LIVE_CITY_NOT_WORK_CITY": whole(city_work & (rng.random(n) < 0.78)),
        "ORGANIZATION_TYPE": pl.select(
            pl.when(pl.Series(retired)).then(pl.lit("XNA")).otherwise(organization)
        ).to_series(),
    }


def _population(rng: Rng, rating: Ints) -> Floats:
    population = np.zeros(rating.size)
    for level, values in shares.REGION_POPULATION.items():
        here = rating == level
        population[here] = rng.choice(values, int(here.sum()))
    return population


def _external_scores(rng: Rng, people: People) -> dict[str, pl.Series]:
    """Three agencies' scores, 0 to 1, higher is safer: each sees other factors, and knows something of its own."""
    n = people.size
    seen = (
        -0.60 * people.youth - 0.15 * people.status - 0.12 * people.pay + 0.72 * people.scores[0],
        -0.30 * people.status - 0.10 * people.pay - 0.12 * people.hunger + 0.90 * people.scores[1],
        -0.20 * people.youth - 0.15 * people.debt - 0.15 * people.hunger - 0.10 * people.pay + 0.90 * people.scores[2],
    )
    missing = (
        following(rng, people.status, 0.1) > 0.4362,
        rng.random(n) < 0.0021,
        following(rng, people.history, -0.75) > 0.8017,
    )
    return {
        f"EXT_SOURCE_{k + 1}": number(quantile(shares.EXT_SOURCE[k], rank(seen[k])), missing[k], digits=12)
        for k in range(3)
    }


def _circle(rng: Rng, people: People) -> dict[str, pl.Series]:
    """Acquaintances seen in arrears, and how long ago the phone number changed."""
    n = people.size
    seen = np.floor(rng.gamma(0.55, 3.35, n))
    share = logistic(-2.4 + 0.35 * people.pay + 0.2 * people.status)
    late = rng.binomial(seen.astype(np.int64), share)
    later = rng.binomial(late, 0.7)
    missing = rng.random(n) < 0.0033
    changed = np.round(quantile(shares.PHONE_CHANGE, following(rng, 0.5 * people.hunger + 0.5 * people.youth, 0.2)))
    return {
        "OBS_30_CNT_SOCIAL_CIRCLE": number(seen, missing),
        "DEF_30_CNT_SOCIAL_CIRCLE": number(late, missing),
        "OBS_60_CNT_SOCIAL_CIRCLE": number(np.maximum(seen - (rng.random(n) < 0.01), later), missing),
        "DEF_60_CNT_SOCIAL_CIRCLE": number(later, missing),
        "DAYS_LAST_PHONE_CHANGE": number(changed, rng.random(n) < 0.000003),
    }


def _documents(rng: Rng, people: People, retired: Bools) -> dict[str, pl.Series]:
    n = people.size
    sixth = retired & (rng.random(n) < 0.5)
    third = ~sixth & (following(rng, people.debt, 0.1) > 0.22)
    eighth = ~third & ~sixth & (rng.random(n) < 0.41)
    handed = {paper: rng.random(n) < share for paper, share in shares.DOCUMENT.items()}
    handed |= {3: third, 6: sixth, 8: eighth}
    return {f"FLAG_DOCUMENT_{paper}": whole(handed[paper]) for paper in range(2, 22)}


def _enquiries(rng: Rng, people: People) -> dict[str, pl.Series]:
    """How often the bureau was asked about the applicant; unknown for those without a file there."""
    missing = following(rng, people.history, -0.8) > 0.865
    pull = np.exp(0.45 * people.hunger - 0.1)
    rates = {"HOUR": 0.0064, "DAY": 0.007, "WEEK": 0.0344, "MON": 0.267, "QRT": 0.265, "YEAR": 1.9}
    return {f"AMT_REQ_CREDIT_BUREAU_{span}": number(rng.poisson(rate * pull), missing) for span, rate in rates.items()}


def _words(condition: Bools, yes: str, no: str) -> pl.Series:
    return named(condition.astype(np.int64), (no, yes))
