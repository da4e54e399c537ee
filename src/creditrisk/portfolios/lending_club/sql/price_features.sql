-- price_features: one row per loan (loan_key): the features of loan_features, and the lender's own grade, rate and
-- payment. *_rank counts from the best (A = 1, A1 = 1), interest_rate_pct in percent a year, instalment_usd in US
-- dollars a month, instalment_year_to_income a ratio of yearly amounts. Reads application, loan_features.
with price as (
    select
        loan_key,
        case grade when 'A' then 1 when 'B' then 2 when 'C' then 3 when 'D' then 4 when 'E' then 5 when 'F' then 6
            when 'G' then 7 end as grade_rank,
        try_cast(substr(sub_grade, 2, 1) as integer) as step,
        int_rate,
        cast(installment as double) as instalment_usd
    from application
)
select
    f.loan_key,
    f.loan_amount_usd, f.term_months, f.loan_purpose, f.joint_application, f.income_annual_usd, f.loan_to_income,
    f.dti_pct, f.owns_home_flag, f.revolving_balance_usd, f.revolving_utilisation_pct,
    f.revolving_balance_to_income, f.loan_to_revolving_balance, f.credit_age_months,
    f.credit_age_months_per_account, f.open_accounts, f.total_accounts, f.open_accounts_share, f.inquiries_6m,
    f.late_payments_2y, f.months_since_late_payment, f.public_records, f.months_since_public_record,
    f.bankruptcies, f.tax_liens, f.collections_12m, f.chargeoffs_12m, f.accounts_late_now, f.amount_past_due_usd,
    f.months_since_major_derogatory, f.credit_score_points, f.accounts_opened_24m, f.accounts_opened_12m,
    f.months_since_inquiry, f.months_since_newest_account, f.months_since_newest_revolving,
    f.months_since_oldest_revolving, f.months_since_oldest_instalment, f.months_since_newest_card,
    f.months_since_late_card, f.months_since_late_revolving, f.accounts_ever_late_120d, f.accounts_late_90d_24m,
    f.accounts_late_30d_now, f.accounts_late_120d_now, f.accounts_never_late_pct, f.cards_above_75_pct,
    f.card_utilisation_pct, f.collected_ever_usd, f.total_balance_usd, f.total_balance_to_limit,
    f.debt_without_mortgage_to_income, f.account_balance_mean_usd, f.card_unused_limit_usd, f.card_limit_usd,
    f.loan_to_card_limit, f.revolving_limit_reported_usd, f.instalment_original_usd, f.mortgages,
    f.instalment_accounts, f.revolving_accounts_active, f.revolving_accounts_open, f.revolving_accounts,
    f.cards_active, f.cards, f.accounts_opened_6m, f.instalment_opened_12m, f.instalment_opened_24m,
    f.revolving_opened_12m, f.revolving_opened_24m, f.inquiries_12m, f.inquiries_finance_companies,
    f.finance_company_accounts, f.months_since_newest_instalment, f.instalment_accounts_active,
    f.instalment_balance_to_income, f.instalment_utilisation_pct, f.total_utilisation_pct, f.card_balance_max_usd,
    f.second_credit_score_points, f.second_credit_age_months, f.second_inquiries_6m, f.second_open_accounts,
    f.second_mortgages, f.second_revolving_utilisation_pct, f.second_chargeoffs_12m, f.second_collections_12m,
    f.second_months_since_major_derogatory,

    p.grade_rank as lender_grade_rank,
    (p.grade_rank - 1) * 5 + p.step as lender_sub_grade_rank,
    p.int_rate as interest_rate_pct,
    p.instalment_usd,
    12 * p.instalment_usd / nullif(f.income_annual_usd, 0) as instalment_year_to_income
from loan_features as f
join price as p on p.loan_key = f.loan_key
