"""A book small enough to read in one look: two tables, three features."""

from __future__ import annotations

from pathlib import Path

PORTFOLIO = """\
name: tiny
title: Tiny book
currency: EUR
entity: {key: loan_id}
tables:
  application: {file: applications, key: [loan_id], required: true}
  payments: {file: payments, key: [payment_id], parent: application, foreign_key: loan_id}
target:
  column: bad
  bad: ninety days late
  horizon: twelve months
  population: everybody
  is_not: a forecast of loss
split: {test_share: 0.25, calibration_share: 0.25, folds: 3}
features:
  preset: application
  presets:
    application: {sql: [payment_features.sql, feature_table.sql]}
policy:
  prohibited: [{column: sex, ground: the law}]
  monotone: {income: pd_falls}
fairness:
  groups: {sex: {sql: sex}}
training:
  parameters:
    xgboost: {learning_rate: 0.3, max_depth: 3, rounds: 20}
    logistic: {}
assessment:
  segments: {payments: case when payment_days_late_max > 2 then 'late' else 'in time' end, town: town}
decision:
  decline_from_pd: {value: 0.3, because: a test, owner: tests}
  refer_from_share_of_cut_off: {value: 0.8, because: a test, owner: tests}
  grades: {A: 0.05, B: 0.2, C: 1.0}
  changeable: {debt: {direction: down, because: it can be paid back first}}
"""

APPLICATION = """\
table: application
grain: one row per loan
columns:
  - {name: loan_id, type: integer, available: identifier, null: false}
  - {name: bad, type: integer, available: outcome}
  - {name: income, type: "decimal(18,3)", available: application, min: 0}
  - {name: debt, type: "decimal(18,3)", available: application, min: 0}
  - {name: town, type: text, available: application, categories: [big, small]}
  - {name: sex, type: text, available: application}
  - {name: recovered, type: "decimal(18,3)", available: post_origination}
unique: [[loan_id]]
"""

PAYMENTS = """\
table: payments
grain: one row per payment
columns:
  - {name: payment_id, type: integer, available: identifier, null: false}
  - {name: loan_id, type: integer, available: identifier, null: false}
  - {name: day, type: integer, available: application, time: event}
  - {name: days_late, type: integer, available: application}
  - {name: paid, type: "decimal(18,3)", available: application}
unique: [[payment_id]]
"""

PAYMENT_FEATURES = """\
-- payment_features: one row per application; paid in EUR, days in days.
select a.loan_id,
       count(p.payment_id) as payment_count,
       sum(p.paid) as payment_sum,
       max(p.days_late) as payment_days_late_max
from application as a
left join payments as p on p.loan_id = a.loan_id
group by a.loan_id
"""

FEATURE_TABLE = """\
-- feature_table: one row per application; amounts in EUR, shares in [0, 1] and above.
select a.loan_id,
       cast(a.income as double) as income,
       cast(a.debt as double) / nullif(cast(a.income as double), 0) as debt_to_income,
       a.town as town,
       p.payment_count as payment_count,
       cast(p.payment_sum as double) as payment_sum,
       p.payment_days_late_max as payment_days_late_max
from application as a
left join payment_features as p on p.loan_id = a.loan_id
"""

REASONS = """\
groups:
  INCOME: {text: Your income is low for the loan, features: [income]}
  DEBT: {text: Your debts are high for your income, features: [debt_to_income]}
  TOWN: {text: Where the property lies, features: [town]}
  PAYMENTS: {text: Earlier payments were late, features: [payment_*]}
"""


def write_tiny_book(folder: Path) -> Path:
    """A folder that `load_book` takes."""
    for name, text in {
        "portfolio.yaml": PORTFOLIO,
        "contracts/application.yaml": APPLICATION,
        "contracts/payments.yaml": PAYMENTS,
        "sql/payment_features.sql": PAYMENT_FEATURES,
        "sql/feature_table.sql": FEATURE_TABLE,
        "reasons.yaml": REASONS,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
