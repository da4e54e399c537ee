"""What the credit bureau tells about a borrower on the day of application; many columns began in later years."""

from __future__ import annotations

import numpy as np
import polars as pl

from creditrisk.demo.draws import Bools, Floats, Ints, Rng, following, logistic, number, quantile, rank
from creditrisk.demo.lending_club.loans import Loans, month_number
from creditrisk.demo.lending_club.words import month_words

BEGAN_2012_03 = (
    "acc_open_past_24mths", "mort_acc", "bc_open_to_buy", "bc_util", "percent_bc_gt_75", "mths_since_recent_bc",
    "mths_since_recent_inq", "total_bal_ex_mort", "total_bc_limit", "mths_since_last_major_derog",
    "mths_since_recent_bc_dlq", "mths_since_recent_revol_delinq",
)  # fmt: skip
BEGAN_2012_06 = ("num_sats", "num_bc_sats")
BEGAN_2012_08 = (
    "tot_coll_amt", "tot_cur_bal", "total_rev_hi_lim", "avg_cur_bal", "mo_sin_old_il_acct", "mo_sin_old_rev_tl_op",
    "mo_sin_rcnt_rev_tl_op", "mo_sin_rcnt_tl", "num_accts_ever_120_pd", "num_actv_bc_tl", "num_actv_rev_tl",
    "num_bc_tl", "num_il_tl", "num_op_rev_tl", "num_rev_accts", "num_rev_tl_bal_gt_0", "num_tl_120dpd_2m",
    "num_tl_30dpd", "num_tl_90g_dpd_24m", "num_tl_op_past_12m", "pct_tl_nvr_dlq", "tot_hi_cred_lim",
    "total_il_high_credit_limit",
)  # fmt: skip
BEGAN_2015_12 = (
    "open_acc_6m", "open_act_il", "open_il_12m", "open_il_24m", "mths_since_rcnt_il", "total_bal_il", "il_util",
    "open_rv_12m", "open_rv_24m", "max_bal_bc", "all_util", "inq_fi", "total_cu_tl", "inq_last_12m",
)  # fmt: skip
BEGAN = {
    month_number(2012, 3): BEGAN_2012_03,
    month_number(2012, 6): BEGAN_2012_06,
    month_number(2012, 8): BEGAN_2012_08,
    month_number(2015, 12): BEGAN_2015_12,
}
"""Columns by the month of issue from which they exist: an empty cell before marks the era, not the borrower."""


FICO = (
    (0.0, 660), (0.1, 660), (0.25, 675), (0.5, 690), (0.75, 715), (0.95, 765), (0.99, 800), (1.0, 845),
)  # fmt: skip
MONTHS_SINCE_LATE = ((0.0, 0), (0.05, 4), (0.25, 16), (0.5, 32), (0.75, 50), (0.95, 75), (1.0, 110))
FILE_YEARS = ((0.0, 3.1), (0.05, 6), (0.25, 11), (0.5, 14.5), (0.75, 20), (0.95, 31), (1.0, 55))
UTILISATION_PCT = (
    (0.0, 0), (0.02, 0.2), (0.05, 6), (0.25, 30), (0.5, 51), (0.75, 71), (0.95, 92), (0.99, 98), (1.0, 120),
)  # fmt: skip


def credit_file(rng: Rng, loans: Loans) -> dict[str, pl.Series]:
    """The bureau's columns, in no particular order."""
    columns = _standing(rng, loans) | _accounts(rng, loans)
    for month, names in BEGAN.items():
        before = pl.Series(loans.issued < month)
        for name in names:
            columns[name] = pl.select(pl.when(~before).then(columns[name])).to_series()
    return columns


def _standing(rng: Rng, loans: Loans) -> dict[str, pl.Series]:
    """FICO band, arrears, public records and enquiries."""
    n = loans.size
    weak = 0.72 * loans.trouble + 0.42 * loans.use + 0.20 * loans.roots + 0.45 * rng.standard_normal(n)
    fico = 5 * np.round(quantile(FICO, 1 - rank(weak)) / 5)
    ever_late = following(rng, loans.trouble, 0.45) > 0.56
    months_late = np.floor(quantile(MONTHS_SINCE_LATE, rng.random(n)))
    recent = ever_late & (months_late < 24)
    late_times = np.where(recent, 1 + rng.poisson(0.4, n), 0)
    record = following(rng, loans.trouble, 0.3) > 0.89
    records = np.where(record, 1 + rng.poisson(0.12, n), 0)
    bankrupt = np.minimum(records, np.where(rng.random(n) < 0.68, 1, 0))
    grave = ever_late & (rng.random(n) < 0.5)
    enquiries = rng.poisson(0.75 * np.exp(0.5 * loans.hunger - 0.1))
    history = np.round(12 * quantile(FILE_YEARS, following(rng, 0.6 * loans.depth - 0.5 * loans.roots, 0.7)))
    in_collection = following(rng, loans.trouble, 0.3) > 0.87
    oldest_loan = np.minimum(history, np.floor(126 * np.exp(0.4 * rng.standard_normal(n))))
    late_now = ever_late & (rng.random(n) < 0.008)
    return {
        "fico_range_low": number(fico),
        "fico_range_high": number(fico + np.where(fico >= 845, 5, 4)),
        "delinq_2yrs": number(late_times),
        "mths_since_last_delinq": number(months_late, ~ever_late),
        "pub_rec": number(records),
        "mths_since_last_record": number(np.floor(120 * rng.beta(2.6, 1.8, n)), ~record),
        "pub_rec_bankruptcies": number(bankrupt, (loans.issued < month_number(2008, 6)) & (rng.random(n) < 0.6)),
        "tax_liens": number(np.where(rng.random(n) < 0.5, records - bankrupt, 0)),
        "inq_last_6mths": number(enquiries),
        "earliest_cr_line": month_words(loans.issued - history.astype(np.int64)),
        "collections_12_mths_ex_med": number(rng.random(n) < 0.011, rng.random(n) < 0.0005),
        "mths_since_last_major_derog": number((months_late + rng.poisson(6, n)), ~grave),
        "mths_since_recent_bc_dlq": number(months_late + rng.poisson(3, n), ~(ever_late & (rng.random(n) < 0.48))),
        "mths_since_recent_revol_delinq": number(
            months_late + rng.poisson(1, n), ~(ever_late & (rng.random(n) < 0.68))
        ),
        "acc_now_delinq": number(late_now),
        "delinq_amnt": number(np.where(late_now, np.floor(rng.gamma(0.6, 1500.0, n)), 0)),
        "chargeoff_within_12_mths": number(rng.random(n) < 0.008 * np.exp(0.6 * loans.trouble)),
        "tot_coll_amt": number(np.where(in_collection, np.floor(rng.gamma(0.5, 2300.0, n)) + 50, 0)),
        "num_accts_ever_120_pd": number(np.where(grave, 1 + rng.poisson(0.7, n), 0)),
        "num_tl_120dpd_2m": number(rng.random(n) < 0.0009, rng.random(n) < 0.042),
        "num_tl_30dpd": number(late_now & (rng.random(n) < 0.6)),
        "num_tl_90g_dpd_24m": number(np.where(grave & recent, 1 + rng.poisson(0.3, n), 0)),
        "mths_since_recent_inq": number(
            np.floor(25 * rng.beta(0.85, 2.2, n) * np.exp(-0.2 * loans.hunger)).clip(0, 24),
            (enquiries == 0) & (rng.random(n) < 0.2),
        ),
        "inq_fi": number(rng.poisson(np.exp(0.4 * loans.hunger - 0.1))),
        "inq_last_12m": number(enquiries + rng.poisson(1.3 * np.exp(0.5 * loans.hunger))),
        "mo_sin_old_rev_tl_op": number(np.maximum(history - rng.poisson(12, n), 3)),
        "mo_sin_old_il_acct": number(oldest_loan, rng.random(n) < 0.03),
    }


def _accounts(rng: Rng, loans: Loans) -> dict[str, pl.Series]:
    """Numbers of accounts, balances and limits, which add up."""
    n = loans.size
    cards = 1 + rng.poisson(7.0 * np.exp(0.38 * loans.depth - 0.07))
    bank_cards = rng.binomial(cards, 0.62)
    instalment = rng.poisson(2.4 * np.exp(0.35 * loans.depth + 0.25 * loans.burden - 0.09))
    mortgage = rng.binomial(1, logistic(-0.5 - 0.9 * loans.roots + 0.6 * loans.means))
    closed = rng.poisson(11.0 * np.exp(0.40 * loans.depth - 0.15 * loans.roots - 0.09))
    closed_cards = rng.binomial(closed, 0.5)
    util = quantile(UTILISATION_PCT, following(rng, loans.use, 0.85))
    limit = np.round(cards * 2_900 * np.exp(0.45 * loans.means + 0.35 * rng.standard_normal(n)) / 100) * 100 + 300
    revolving = np.round(limit * util / 100)
    bank_limit = np.round(limit * bank_cards / cards / 100) * 100
    bank_util = (util * np.exp(0.15 * rng.standard_normal(n))).clip(0, 130)
    bank_balance = np.minimum(np.round(bank_limit * bank_util / 100), revolving)
    lent = np.round(instalment * 13_000 * np.exp(0.35 * loans.means + 0.5 * rng.standard_normal(n)))
    owed = np.round(lent * rng.beta(2.6, 1.3, n))
    house = np.round(mortgage * 190_000 * np.exp(0.45 * loans.means + 0.4 * rng.standard_normal(n)))
    house_owed = np.round(house * rng.beta(4, 1.4, n))
    open_all = cards + instalment + mortgage
    total = open_all + closed
    with_balance = rng.binomial(cards, (0.45 + util / 250).clip(0, 1))
    no_bank_card = bank_cards == 0
    ever_late_pct = np.where(following(rng, loans.trouble, 0.5) > 0.5, rng.gamma(1.4, 8.0, n).clip(0, 75), 0)
    return {
        "open_acc": number(open_all),
        "total_acc": number(total),
        "revol_bal": number(revolving),
        "revol_util": number(util, rng.random(n) < 0.0006, digits=1),
        "mort_acc": number(mortgage + rng.poisson(0.9 * mortgage)),
        "num_sats": number(open_all - (rng.random(n) < 0.01) * (open_all > 1)),
        "num_bc_sats": number(bank_cards),
        "num_bc_tl": number(bank_cards + rng.binomial(closed_cards, 0.55)),
        "num_il_tl": number(instalment + rng.binomial(closed - closed_cards, 0.9)),
        "num_op_rev_tl": number(cards),
        "num_rev_accts": number(cards + closed_cards),
        "num_rev_tl_bal_gt_0": number(with_balance),
        "num_actv_rev_tl": number(with_balance),
        "num_actv_bc_tl": number(np.minimum(with_balance, bank_cards)),
        "pct_tl_nvr_dlq": number(100 - ever_late_pct, digits=1),
        "percent_bc_gt_75": number(_share_full(rng, bank_cards, bank_util), no_bank_card, digits=1),
        "bc_util": number(bank_util, no_bank_card, digits=1),
        "bc_open_to_buy": number(np.maximum(bank_limit - bank_balance, 0), no_bank_card),
        "total_bc_limit": number(bank_limit),
        "total_rev_hi_lim": number(limit),
        "total_bal_ex_mort": number(revolving + owed),
        "total_il_high_credit_limit": number(lent),
        "tot_cur_bal": number(revolving + owed + house_owed),
        "tot_hi_cred_lim": number(limit + lent + house),
        "avg_cur_bal": number(np.round((revolving + owed + house_owed) / open_all)),
        "total_bal_il": number(owed),
        "il_util": number(np.round(100 * owed / np.maximum(lent, 1)), (instalment == 0) | (rng.random(n) < 0.02)),
        "all_util": number(np.round(100 * (revolving + owed) / np.maximum(limit + lent, 1))),
        "max_bal_bc": number(np.round(bank_balance * rng.beta(3, 2, n))),
        "total_cu_tl": number(rng.poisson(rng.gamma(0.5, 3.0, n))),
        **_openings(rng, loans, cards, instalment),
    }


def _share_full(rng: Rng, bank_cards: Ints, bank_util: Floats) -> Floats:
    return 100.0 * rng.binomial(bank_cards, (bank_util / 130).clip(0, 1) ** 1.2) / np.maximum(bank_cards, 1)


def _openings(rng: Rng, loans: Loans, cards: Ints, instalment: Ints) -> dict[str, pl.Series]:
    """Accounts opened lately: each window holds the shorter one's."""
    n = loans.size
    pull = np.exp(0.40 * loans.hunger - 0.08)
    half, cards_year, cards_two = rng.poisson(0.45 * pull), rng.poisson(0.8 * pull), rng.poisson(1.4 * pull)
    loans_year, loans_two = rng.poisson(0.6 * pull), rng.poisson(0.8 * pull)
    cards_12 = np.minimum(half + cards_year, cards)
    cards_24 = np.minimum(cards_12 + cards_two, cards)
    loans_12, loans_24 = np.minimum(loans_year, instalment), np.minimum(loans_year + loans_two, instalment)
    since_card = np.floor(rng.gamma(0.9, 15.0, n) * np.exp(-0.3 * loans.hunger)).clip(0, 400)
    since_loan = np.floor(rng.gamma(0.9, 22.0, n) * np.exp(-0.2 * loans.hunger)).clip(0, 240)
    no_loan: Bools = instalment == 0
    return {
        "acc_open_past_24mths": number(cards_24 + loans_24),
        "num_tl_op_past_12m": number(cards_12 + loans_12),
        "open_acc_6m": number(half),
        "open_act_il": number(instalment),
        "open_il_12m": number(loans_12),
        "open_il_24m": number(loans_24),
        "open_rv_12m": number(cards_12),
        "open_rv_24m": number(cards_24),
        "mths_since_rcnt_il": number(since_loan, no_loan),
        "mo_sin_rcnt_rev_tl_op": number(since_card),
        "mo_sin_rcnt_tl": number(np.where(no_loan, since_card, np.minimum(since_card, since_loan))),
        "mths_since_recent_bc": number(since_card + rng.poisson(9, n), rng.random(n) < 0.01),
    }
