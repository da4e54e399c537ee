-- loan_features: one row per loan (loan_key). *_usd in US dollars, *_pct in percent (0 to 100 and above), *_to_* and
-- *_share as ratios, *_months in months and months_since_* in months before issue_d, others are counts.
-- Reads application. What cannot be computed is NULL: no income, no credit file, or a column the file's era lacks.
with loan as (
    select
        loan_key, issue_d, term, purpose, home_ownership,
        coalesce(application_type, 'Individual') = 'Joint App' as is_joint,
        cast(loan_amnt as double) as loan_usd,
        -- Both applicants' income and debts where two apply; dti 999 and -1 say that there is no ratio.
        cast(case when application_type = 'Joint App' then coalesce(annual_inc_joint, annual_inc) else annual_inc end
            as double) as income_usd,
        case when application_type = 'Joint App' and dti_joint >= 0 and dti_joint < 999 then dti_joint
            when dti >= 0 and dti < 999 then dti end as dti,
        cast(case when application_type = 'Joint App' then coalesce(revol_bal_joint, revol_bal) else revol_bal end
            as double) as revolving_of_all_usd,
        cast(revol_bal as double) as revolving_usd,

        -- Whole months from one month to the other; NULL when the credit line is younger than the loan.
        case when earliest_cr_line <= issue_d then
            (extract(year from issue_d) - extract(year from earliest_cr_line)) * 12
            + extract(month from issue_d) - extract(month from earliest_cr_line) end as credit_age,
        case when sec_app_earliest_cr_line <= issue_d then
            (extract(year from issue_d) - extract(year from sec_app_earliest_cr_line)) * 12
            + extract(month from issue_d) - extract(month from sec_app_earliest_cr_line) end as second_credit_age,
        revol_util, open_acc, total_acc, inq_last_6mths, delinq_2yrs, pub_rec, acc_now_delinq, delinq_amnt,
        -- Loans of 2007 and 2008 write 0 months where it never happened: then the count beside it is 0 too.
        case when mths_since_last_delinq = 0 and delinq_2yrs = 0 then null else mths_since_last_delinq end
            as since_late,
        case when mths_since_last_record = 0 and pub_rec = 0 then null else mths_since_last_record end
            as since_record,
        -- In 2007 and 2008 these could be left empty beside a credit file: that marks the era, not the borrower.
        case when pub_rec is not null then coalesce(pub_rec_bankruptcies, 0) end as bankruptcies,
        case when pub_rec is not null then coalesce(tax_liens, 0) end as tax_liens,
        case when open_acc is not null then coalesce(collections_12_mths_ex_med, 0) end as collections,
        case when open_acc is not null then coalesce(chargeoff_within_12_mths, 0) end as chargeoffs,
        mths_since_last_major_derog, fico_range_low, fico_range_high,

        acc_open_past_24mths, num_tl_op_past_12m, mths_since_recent_inq, mo_sin_rcnt_tl, mo_sin_rcnt_rev_tl_op,
        mo_sin_old_rev_tl_op, mo_sin_old_il_acct, mths_since_recent_bc, mths_since_recent_bc_dlq,
        mths_since_recent_revol_delinq, num_accts_ever_120_pd, num_tl_90g_dpd_24m, num_tl_30dpd, num_tl_120dpd_2m,
        pct_tl_nvr_dlq, percent_bc_gt_75, bc_util, tot_coll_amt, tot_cur_bal, tot_hi_cred_lim, total_bal_ex_mort,
        avg_cur_bal, bc_open_to_buy, total_bc_limit, total_rev_hi_lim, total_il_high_credit_limit, mort_acc, num_il_tl,
        num_actv_rev_tl, num_op_rev_tl, num_rev_accts, num_actv_bc_tl, num_bc_tl,

        open_acc_6m, open_il_12m, open_il_24m, open_rv_12m, open_rv_24m, inq_last_12m, inq_fi, total_cu_tl,
        mths_since_rcnt_il, open_act_il, total_bal_il, il_util, all_util, max_bal_bc,

        sec_app_fico_range_low, sec_app_fico_range_high, sec_app_inq_last_6mths, sec_app_open_acc, sec_app_mort_acc,
        sec_app_revol_util, sec_app_chargeoff_within_12_mths, sec_app_collections_12_mths_ex_med,
        sec_app_mths_since_last_major_derog
    from application
)
select
    loan_key,

    -- What is asked for, and from which income.
    loan_usd as loan_amount_usd,
    term as term_months,
    purpose as loan_purpose,
    is_joint as joint_application,
    income_usd as income_annual_usd,
    loan_usd / nullif(income_usd, 0) as loan_to_income,
    dti as dti_pct,
    case when home_ownership in ('MORTGAGE', 'OWN') then 1 when home_ownership is not null then 0 end as owns_home_flag,

    -- Revolving credit.
    revolving_usd as revolving_balance_usd,
    revol_util as revolving_utilisation_pct,
    revolving_of_all_usd / nullif(income_usd, 0) as revolving_balance_to_income,
    loan_usd / nullif(revolving_usd, 0) as loan_to_revolving_balance,

    -- Age and breadth of the credit file, as of issue_d.
    credit_age as credit_age_months,
    cast(credit_age as double) / nullif(total_acc, 0) as credit_age_months_per_account,
    open_acc as open_accounts,
    total_acc as total_accounts,
    cast(open_acc as double) / nullif(total_acc, 0) as open_accounts_share,
    inq_last_6mths as inquiries_6m,

    -- Trouble in the past; NULL months = never.
    delinq_2yrs as late_payments_2y,
    since_late as months_since_late_payment,
    pub_rec as public_records,
    since_record as months_since_public_record,
    bankruptcies,
    tax_liens,
    collections as collections_12m,
    chargeoffs as chargeoffs_12m,
    acc_now_delinq as accounts_late_now,
    cast(delinq_amnt as double) as amount_past_due_usd,
    mths_since_last_major_derog as months_since_major_derogatory,
    cast(fico_range_low + fico_range_high as double) / 2 as credit_score_points,

    -- Added to the file in August 2012.
    acc_open_past_24mths as accounts_opened_24m,
    num_tl_op_past_12m as accounts_opened_12m,
    mths_since_recent_inq as months_since_inquiry,
    mo_sin_rcnt_tl as months_since_newest_account,
    mo_sin_rcnt_rev_tl_op as months_since_newest_revolving,
    mo_sin_old_rev_tl_op as months_since_oldest_revolving,
    mo_sin_old_il_acct as months_since_oldest_instalment,
    mths_since_recent_bc as months_since_newest_card,
    mths_since_recent_bc_dlq as months_since_late_card,
    mths_since_recent_revol_delinq as months_since_late_revolving,
    num_accts_ever_120_pd as accounts_ever_late_120d,
    num_tl_90g_dpd_24m as accounts_late_90d_24m,
    num_tl_30dpd as accounts_late_30d_now,
    num_tl_120dpd_2m as accounts_late_120d_now,
    pct_tl_nvr_dlq as accounts_never_late_pct,
    percent_bc_gt_75 as cards_above_75_pct,
    bc_util as card_utilisation_pct,
    cast(tot_coll_amt as double) as collected_ever_usd,
    cast(tot_cur_bal as double) as total_balance_usd,
    cast(tot_cur_bal as double) / nullif(cast(tot_hi_cred_lim as double), 0) as total_balance_to_limit,
    cast(total_bal_ex_mort as double) / nullif(income_usd, 0) as debt_without_mortgage_to_income,
    cast(avg_cur_bal as double) as account_balance_mean_usd,
    cast(bc_open_to_buy as double) as card_unused_limit_usd,
    cast(total_bc_limit as double) as card_limit_usd,
    loan_usd / nullif(cast(total_bc_limit as double), 0) as loan_to_card_limit,
    cast(total_rev_hi_lim as double) as revolving_limit_reported_usd,
    cast(total_il_high_credit_limit as double) as instalment_original_usd,
    mort_acc as mortgages,
    num_il_tl as instalment_accounts,
    num_actv_rev_tl as revolving_accounts_active,
    num_op_rev_tl as revolving_accounts_open,
    num_rev_accts as revolving_accounts,
    num_actv_bc_tl as cards_active,
    num_bc_tl as cards,

    -- Added in December 2015.
    open_acc_6m as accounts_opened_6m,
    open_il_12m as instalment_opened_12m,
    open_il_24m as instalment_opened_24m,
    open_rv_12m as revolving_opened_12m,
    open_rv_24m as revolving_opened_24m,
    inq_last_12m as inquiries_12m,
    inq_fi as inquiries_finance_companies,
    total_cu_tl as finance_company_accounts,
    mths_since_rcnt_il as months_since_newest_instalment,
    open_act_il as instalment_accounts_active,
    cast(total_bal_il as double) / nullif(income_usd, 0) as instalment_balance_to_income,
    il_util as instalment_utilisation_pct,
    all_util as total_utilisation_pct,
    cast(max_bal_bc as double) as card_balance_max_usd,

    -- The second applicant, from March 2017.
    cast(sec_app_fico_range_low + sec_app_fico_range_high as double) / 2 as second_credit_score_points,
    second_credit_age as second_credit_age_months,
    sec_app_inq_last_6mths as second_inquiries_6m,
    sec_app_open_acc as second_open_accounts,
    sec_app_mort_acc as second_mortgages,
    sec_app_revol_util as second_revolving_utilisation_pct,
    sec_app_chargeoff_within_12_mths as second_chargeoffs_12m,
    sec_app_collections_12_mths_ex_med as second_collections_12m,
    sec_app_mths_since_last_major_derog as second_months_since_major_derogatory
from loan
