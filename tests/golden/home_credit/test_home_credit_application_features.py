"""application_features.sql: what the application and the external sources say, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from creditrisk.duck import DuckSettings, locked_room
from creditrisk.features import compute_one_query, table_schema
from tests.golden.home_credit.people import Row, book, typed

APPLICATION: Row = {
    "SK_ID_CURR": 1,
    "NAME_CONTRACT_TYPE": "Cash loans",
    "AMT_INCOME_TOTAL": "100000",
    "AMT_CREDIT": "210000",
    "AMT_ANNUITY": "10000",
    "AMT_GOODS_PRICE": "200000",
    "NAME_INCOME_TYPE": "State servant",
    "NAME_EDUCATION_TYPE": "Higher education",
    "OCCUPATION_TYPE": "Core staff",
    "ORGANIZATION_TYPE": "School",
    "NAME_HOUSING_TYPE": "House / apartment",
    "DAYS_BIRTH": -14610,
    "DAYS_EMPLOYED": -1461,
    "DAYS_REGISTRATION": -2922,
    "DAYS_ID_PUBLISH": -4383,
    "DAYS_LAST_PHONE_CHANGE": 0,
    "FLAG_OWN_CAR": "Y",
    "FLAG_OWN_REALTY": "N",
    "OWN_CAR_AGE": 7,
    "FLAG_EMP_PHONE": 1,
    "FLAG_WORK_PHONE": 0,
    "FLAG_CONT_MOBILE": 1,
    "FLAG_PHONE": 0,
    "FLAG_EMAIL": 1,
    "REGION_POPULATION_RELATIVE": 0.02,
    "REGION_RATING_CLIENT": 2,
    "REGION_RATING_CLIENT_W_CITY": 3,
    "REG_REGION_NOT_LIVE_REGION": 0,
    "REG_REGION_NOT_WORK_REGION": 1,
    "LIVE_REGION_NOT_WORK_REGION": 1,
    "REG_CITY_NOT_LIVE_CITY": 0,
    "REG_CITY_NOT_WORK_CITY": 1,
    "LIVE_CITY_NOT_WORK_CITY": 0,
    "EXT_SOURCE_1": 0.5,
    "EXT_SOURCE_2": 0.25,
    "EXT_SOURCE_3": 0.75,
    "AMT_REQ_CREDIT_BUREAU_HOUR": 0,
    "AMT_REQ_CREDIT_BUREAU_DAY": 1,
    "AMT_REQ_CREDIT_BUREAU_WEEK": 2,
    "AMT_REQ_CREDIT_BUREAU_MON": 3,
    "AMT_REQ_CREDIT_BUREAU_QRT": 4,
    "AMT_REQ_CREDIT_BUREAU_YEAR": 5,
    "FLAG_DOCUMENT_3": 1,
    "FLAG_DOCUMENT_6": 0,
    "APARTMENTS_AVG": 0.1,
    "YEARS_BEGINEXPLUATATION_AVG": 0.9,
    "ELEVATORS_AVG": 0.0,
    "ENTRANCES_AVG": 0.2,
    "FLOORSMAX_AVG": 0.3,
    "LIVINGAREA_AVG": 0.4,
    "TOTALAREA_MODE": 1.0,
    "HOUSETYPE_MODE": "block of flats",
    "WALLSMATERIAL_MODE": "Panel",
    "EMERGENCYSTATE_MODE": "No",
}

EXPECTED: Row = {
    "ext_source_1": 0.5,
    "ext_source_2": 0.25,
    "ext_source_3": 0.75,
    "ext_source_mean": 0.5,
    "ext_source_min": 0.25,
    "ext_source_max": 0.75,
    "ext_source_product": 0.09375,
    "ext_source_product_1_2": 0.125,
    "ext_source_product_1_3": 0.375,
    "ext_source_product_2_3": 0.1875,
    "ext_source_mean_2_3": 0.5,
    "ext_source_missing_count": 0,
    "revolving_flag": 0,
    "income_amount": 100000.0,
    "credit_amount": 210000.0,
    "annuity_amount": 10000.0,
    "goods_price_amount": 200000.0,
    "credit_to_annuity": 21.0,
    "credit_to_goods": 1.05,
    "credit_to_income": 2.1,
    "annuity_to_income": 0.1,
    "goods_to_income": 2.0,
    "credit_above_goods_amount": 10000.0,
    # 21 payments give the credit back: the next half year ends at 24, and so does the next year.
    "implied_interest_half_years": 24 / 21 - 1,
    "implied_interest_years": 24 / 21 - 1,
    "age_years": 40.0,  # 14,610 / 365.25
    "employed_years": 4.0,
    "registration_years": 8.0,
    "id_document_years": 12.0,
    "phone_change_years": 0.0,
    "own_car_newness": 33,
    "education_level": 4,
    "occupation_skill": 3,
    "employer_steadiness": 3,
    "housing_security": 3,
    "own_car_flag": 1,
    "own_realty_flag": 0,
    "mobile_reachable_flag": 1,
    "home_phone_flag": 0,
    "email_flag": 1,
    "region_population_share": 0.02,
    "region_rating": 2,
    "region_rating_with_city": 3,
    "registered_elsewhere_than_living_region_flag": 0,
    "registered_elsewhere_than_working_region_flag": 1,
    "living_elsewhere_than_working_region_flag": 1,
    "registered_elsewhere_than_living_city_flag": 0,
    "registered_elsewhere_than_working_city_flag": 1,
    "living_elsewhere_than_working_city_flag": 0,
    "enquiries_hour_count": 0,
    "enquiries_day_count": 1,
    "enquiries_week_count": 2,
    "enquiries_month_count": 3,
    "enquiries_quarter_count": 4,
    "enquiries_year_count": 5,
    "enquiries_recent_count": 6.0,
    "document_2_flag": None,
    "document_3_flag": 1,
    "document_5_flag": None,
    "document_6_flag": 0,
    "document_8_flag": None,
    "document_13_flag": None,
    "document_16_flag": None,
    "document_18_flag": None,
    "building_apartments": 0.1,
    "building_years_in_use": 0.9,
    "building_elevators": 0.0,
    "building_entrances": 0.2,
    "building_floors_max": 0.3,
    "building_living_area": 0.4,
    "building_total_area": 1.0,
}


def one(**changes: Any) -> Row:
    """The features of the applicant above, with these columns changed."""
    return made([{**APPLICATION, **changes}])[1]


def made(rows: list[Row]) -> dict[int, Row]:
    with locked_room(DuckSettings(threads=1)) as con:
        table = compute_one_query(
            con, {"application": typed("application", rows)}, book().sql[:1], table_schema(book()), key="SK_ID_CURR"
        )
    return {row.pop("SK_ID_CURR"): row for row in table.to_pylist()}


def test_an_application_with_everything_filled_in() -> None:
    row = one()
    words = {name: value for name, value in EXPECTED.items() if isinstance(value, str | None)}
    assert {name: row.pop(name) for name in words} == words
    assert row == pytest.approx({name: value for name, value in EXPECTED.items() if name not in words}, rel=1e-12)


def test_an_application_with_nothing_but_a_key_has_no_figures() -> None:
    row = made([{"SK_ID_CURR": 1}])[1]
    known = {"ext_source_missing_count": 3, "own_car_newness": 0}
    assert row == {name: known.get(name) for name in EXPECTED}


SUPPORTED = {"employed_years": 50.0, "occupation_skill": 5, "employer_steadiness": 4,
             "registered_elsewhere_than_working_region_flag": 0, "living_elsewhere_than_working_region_flag": 0,
             "registered_elsewhere_than_working_city_flag": 0, "living_elsewhere_than_working_city_flag": 0,
}  # fmt: skip
"""The best value of each feature about work."""


@pytest.mark.parametrize(
    "told",
    [{"DAYS_EMPLOYED": 365243}, {"NAME_INCOME_TYPE": "Pensioner"}, {"NAME_INCOME_TYPE": "Unemployed"},
     {"NAME_INCOME_TYPE": None, "DAYS_EMPLOYED": 365243}, {"NAME_INCOME_TYPE": "Pensioner", "DAYS_EMPLOYED": None}],
)  # fmt: skip
def test_pensions_and_public_assistance_count_like_the_best_work_there_is(told: Row) -> None:
    row = one(**told)
    assert {name: row[name] for name in SUPPORTED} == SUPPORTED


def test_nobody_at_work_beats_a_pensioner() -> None:
    row = one(DAYS_EMPLOYED=-30000, OCCUPATION_TYPE="Managers", ORGANIZATION_TYPE="Bank")
    assert (row["employed_years"], row["occupation_skill"], row["employer_steadiness"]) == (50.0, 4, 3)
    assert one(DAYS_EMPLOYED=None)["employed_years"] is None


@pytest.mark.parametrize(
    ("sources", "mean", "lowest", "highest", "missing"),
    [((0.5, None, None), 0.5, 0.5, 0.5, 2), ((None, 0.2, 0.4), 0.3, 0.2, 0.4, 1),
     ((None, None, None), None, None, None, 3), ((-7.0, 0.2, 1e300), 0.2, 0.2, 0.2, 2)],
)  # fmt: skip
def test_external_scores_that_are_missing_or_out_of_range_are_left_out(
    sources: tuple[float | None, ...], mean: float | None, lowest: float | None, highest: float | None, missing: int
) -> None:
    row = one(**{f"EXT_SOURCE_{number}": score for number, score in enumerate(sources, start=1)})
    assert row["ext_source_mean"] == (None if mean is None else pytest.approx(mean))
    assert (row["ext_source_min"], row["ext_source_max"]) == (lowest, highest)
    assert row["ext_source_missing_count"] == missing
    assert row["ext_source_product"] is None


@pytest.mark.parametrize("column", ["AMT_INCOME_TOTAL", "AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE"])
def test_nothing_is_divided_by_zero(column: str) -> None:
    divided = {
        "AMT_INCOME_TOTAL": ["credit_to_income", "annuity_to_income", "goods_to_income"],
        "AMT_CREDIT": ["implied_interest_half_years", "implied_interest_years"],
        "AMT_ANNUITY": ["credit_to_annuity", "implied_interest_half_years"],
        "AMT_GOODS_PRICE": ["credit_to_goods"],
    }[column]
    row = one(**{column: "0"})
    assert [row[name] for name in divided] == [None] * len(divided)


@pytest.mark.parametrize(
    ("kind", "steadiness"),
    [("Business Entity Type 3", 2), ("Industry: type 9", 2), ("Trade: type 2", 1), ("Transport: type 4", 1),
     ("Police", 3), ("University", 3), ("Bank", 3), ("Hotel", 1), ("Self-employed", 1), ("Religion", 2),
     ("Circus", 2), ("XNA", None), (None, None)],
)  # fmt: skip
def test_employers_are_told_apart_by_how_steady_work_is_and_a_church_is_not_named(
    kind: str | None, steadiness: int | None
) -> None:
    assert one(ORGANIZATION_TYPE=kind)["employer_steadiness"] == steadiness


def test_maternity_leave_is_read_as_work() -> None:
    assert one(NAME_INCOME_TYPE="Maternity leave") == one(NAME_INCOME_TYPE="Working")


@pytest.mark.parametrize(("age", "newness"), [(0, 40), (12, 28), (40, 0), (65, 0), (None, 0)])
def test_a_car_counts_by_how_new_it_is_and_one_of_unknown_age_like_none(age: int | None, newness: int) -> None:
    assert one(OWN_CAR_AGE=age)["own_car_newness"] == newness


@pytest.mark.parametrize(
    ("education", "level"), [("Lower secondary", 1), ("Academic degree", 5), ("Something else", None), (None, None)]
)
def test_education_is_a_level(education: str | None, level: int | None) -> None:
    assert one(NAME_EDUCATION_TYPE=education)["education_level"] == level


@pytest.mark.parametrize(
    ("housing", "security"),
    [("Rented apartment", 1), ("With parents", 1), ("Municipal apartment", 2), ("Co-op apartment", 3), (None, None)],
)
def test_housing_is_told_by_how_secure_it_is(housing: str | None, security: int | None) -> None:
    assert one(NAME_HOUSING_TYPE=housing)["housing_security"] == security


def test_a_rating_or_flag_that_is_none_is_no_figure() -> None:
    assert one(REGION_RATING_CLIENT_W_CITY=-1)["region_rating_with_city"] is None
    assert one(FLAG_EMAIL=7)["email_flag"] is None
