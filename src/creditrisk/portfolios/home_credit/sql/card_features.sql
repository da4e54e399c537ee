-- card_features: one row per SK_ID_CURR. Monthly state of earlier credit cards at this lender.
-- *_amount in the book's currency, *_days in days past due, *_count whole numbers (0 without a card),
-- *_share in [0, 1], *_to_* plain ratios. `_3m` = months -3 to -1 before the application.
-- Reads application, credit_card_balance.
with
months as (
    select
        SK_ID_CURR,
        cast(MONTHS_BALANCE as integer) as month_number,
        case when MONTHS_BALANCE >= -3 then 3 when MONTHS_BALANCE >= -6 then 6 when MONTHS_BALANCE >= -12 then 12
            else 1200 end as span,
        AMT_BALANCE as balance,
        AMT_CREDIT_LIMIT_ACTUAL as credit_limit,
        cast(AMT_BALANCE as double) / nullif(cast(AMT_CREDIT_LIMIT_ACTUAL as double), 0) as used,
        AMT_DRAWINGS_CURRENT as drawn,
        AMT_DRAWINGS_ATM_CURRENT as drawn_cash,
        AMT_INST_MIN_REGULARITY as minimum_due,
        AMT_PAYMENT_CURRENT as paid,
        AMT_PAYMENT_TOTAL_CURRENT as paid_total,
        CNT_DRAWINGS_CURRENT as drawings,
        CNT_DRAWINGS_ATM_CURRENT as drawings_cash,
        SK_DPD as past_due_days,
        SK_DPD_DEF as past_due_tolerant_days
    from credit_card_balance
    where MONTHS_BALANCE between -1200 and 0
),
spans as (
    select
        SK_ID_CURR,
        span,
        count(*) as months_count,
        max(month_number) as month_newest,
        min(month_number) as month_oldest,
        sum(balance) as balance_sum,
        max(balance) as balance_max,
        sum(credit_limit) as limit_sum,
        max(credit_limit) as limit_max,
        max(used) as used_max,
        count(case when used > 0.9 then 1 end) as nearly_full_count,
        count(case when used > 1 then 1 end) as over_limit_count,
        sum(drawn) as drawn_sum,
        sum(drawn_cash) as drawn_cash_sum,
        count(case when drawn > 0 then 1 end) as drawn_count,
        max(case when drawn > 0 then month_number end) as drawn_month_newest,
        sum(drawings) as drawings_sum,
        sum(drawings_cash) as drawings_cash_sum,
        sum(paid_total) as paid_sum,
        sum(minimum_due) as minimum_due_sum,
        sum(case when minimum_due > 0 then coalesce(paid, 0) end) as paid_when_due_sum,
        count(case when minimum_due > 0 then 1 end) as minimum_due_count,
        count(case when minimum_due > 0 and coalesce(paid, 0) < minimum_due then 1 end) as minimum_missed_count,
        count(case when past_due_days > 0 then 1 end) as past_due_count,
        max(past_due_days) as past_due_days_max,
        max(past_due_tolerant_days) as past_due_tolerant_days_max
    from months
    group by SK_ID_CURR, span
),
grouped as (
    select
        SK_ID_CURR,
        sum(months_count) as months_count,
        max(month_newest) as month_newest,
        min(month_oldest) as month_oldest,
        sum(balance_sum) as balance_sum,
        max(balance_max) as balance_max,
        sum(limit_sum) as limit_sum,
        max(limit_max) as limit_max,
        max(used_max) as used_max,
        sum(nearly_full_count) as nearly_full_count,
        sum(over_limit_count) as over_limit_count,
        sum(drawn_sum) as drawn_sum,
        sum(drawn_cash_sum) as drawn_cash_sum,
        sum(drawn_count) as drawn_count,
        max(drawn_month_newest) as drawn_month_newest,
        sum(drawings_sum) as drawings_sum,
        sum(drawings_cash_sum) as drawings_cash_sum,
        sum(paid_sum) as paid_sum,
        sum(minimum_due_sum) as minimum_due_sum,
        sum(paid_when_due_sum) as paid_when_due_sum,
        sum(minimum_due_count) as minimum_due_count,
        sum(minimum_missed_count) as minimum_missed_count,
        sum(past_due_count) as past_due_count,
        max(past_due_days_max) as past_due_days_max,
        max(past_due_tolerant_days_max) as past_due_tolerant_days_max,

        sum(case when span <= 3 then balance_sum end) as balance_sum_3m,
        sum(case when span <= 3 then limit_sum end) as limit_sum_3m,
        sum(case when span <= 3 then months_count end) as months_count_3m,
        sum(case when span <= 3 then drawn_sum end) as drawn_sum_3m,
        sum(case when span <= 3 then drawings_cash_sum end) as drawings_cash_sum_3m,

        sum(case when span <= 6 then balance_sum end) as balance_sum_6m,
        sum(case when span <= 6 then limit_sum end) as limit_sum_6m,

        sum(case when span <= 12 then balance_sum end) as balance_sum_12m,
        sum(case when span <= 12 then limit_sum end) as limit_sum_12m,
        sum(case when span <= 12 then months_count end) as months_count_12m,
        max(case when span <= 12 then used_max end) as used_max_12m,
        sum(case when span <= 12 then drawn_sum end) as drawn_sum_12m,
        sum(case when span <= 12 then drawn_cash_sum end) as drawn_cash_sum_12m,
        sum(case when span <= 12 then drawings_cash_sum end) as drawings_cash_sum_12m,
        sum(case when span <= 12 then paid_when_due_sum end) as paid_when_due_sum_12m,
        sum(case when span <= 12 then minimum_due_sum end) as minimum_due_sum_12m,
        sum(case when span <= 12 then minimum_due_count end) as minimum_due_count_12m,
        sum(case when span <= 12 then minimum_missed_count end) as minimum_missed_count_12m,
        sum(case when span <= 12 then past_due_count end) as past_due_count_12m,
        max(case when span <= 12 then past_due_days_max end) as past_due_days_max_12m
    from spans
    group by SK_ID_CURR
)
select
    application.SK_ID_CURR,

    -- over all time
    cast(coalesce(months_count, 0) as integer) as card_months_count,
    -month_newest as card_newest_months,
    -month_oldest as card_oldest_months,
    cast(balance_sum as double) / nullif(cast(months_count as double), 0) as card_balance_amount_mean,
    cast(balance_max as double) as card_balance_amount_max,
    cast(limit_max as double) as card_limit_amount_max,
    cast(balance_sum as double) / nullif(cast(limit_sum as double), 0) as card_used_share,
    used_max as card_used_share_max,
    cast(nearly_full_count as double) / nullif(cast(months_count as double), 0) as card_nearly_full_share,
    cast(coalesce(over_limit_count, 0) as integer) as card_over_limit_count,
    cast(drawn_sum as double) / nullif(cast(limit_sum as double), 0) as card_drawn_to_limit,
    cast(drawn_cash_sum as double) / nullif(cast(drawn_sum as double), 0) as card_cash_share,
    cast(drawn_count as double) / nullif(cast(months_count as double), 0) as card_drawn_months_share,
    -drawn_month_newest as card_drawn_newest_months,
    cast(drawings_sum as double) / nullif(cast(months_count as double), 0) as card_drawings_per_month,
    cast(paid_sum as double) / nullif(cast(drawn_sum as double), 0) as card_paid_to_drawn,
    cast(paid_when_due_sum as double) / nullif(cast(minimum_due_sum as double), 0) as card_paid_to_minimum,
    cast(minimum_missed_count as double) / nullif(cast(minimum_due_count as double), 0) as card_minimum_missed_share,
    cast(coalesce(past_due_count, 0) as integer) as card_past_due_count,
    cast(past_due_count as double) / nullif(cast(months_count as double), 0) as card_past_due_share,
    past_due_days_max as card_past_due_days_max,
    past_due_tolerant_days_max as card_past_due_tolerant_days_max,
    cast(balance_max as double) / nullif(cast(AMT_INCOME_TOTAL as double), 0) as card_balance_max_to_income,

    -- the last 3, 6 and 12 months
    cast(balance_sum_3m as double) / nullif(cast(months_count_3m as double), 0) as card_balance_amount_mean_3m,
    cast(balance_sum_3m as double) / nullif(cast(limit_sum_3m as double), 0) as card_used_share_3m,
    cast(drawn_sum_3m as double) / nullif(cast(limit_sum_3m as double), 0) as card_drawn_to_limit_3m,
    cast(drawings_cash_sum_3m as double) / nullif(cast(months_count_3m as double), 0)
        as card_cash_drawings_per_month_3m,
    cast(balance_sum_6m as double) / nullif(cast(limit_sum_6m as double), 0) as card_used_share_6m,
    cast(balance_sum_12m as double) / nullif(cast(limit_sum_12m as double), 0) as card_used_share_12m,
    used_max_12m as card_used_share_max_12m,
    cast(drawn_sum_12m as double) / nullif(cast(limit_sum_12m as double), 0) as card_drawn_to_limit_12m,
    cast(drawn_cash_sum_12m as double) / nullif(cast(drawn_sum_12m as double), 0) as card_cash_share_12m,
    cast(drawings_cash_sum_12m as double) / nullif(cast(months_count_12m as double), 0)
        as card_cash_drawings_per_month_12m,
    cast(paid_when_due_sum_12m as double) / nullif(cast(minimum_due_sum_12m as double), 0) as card_paid_to_minimum_12m,
    cast(minimum_missed_count_12m as double) / nullif(cast(minimum_due_count_12m as double), 0)
        as card_minimum_missed_share_12m,
    cast(past_due_count_12m as integer) as card_past_due_count_12m,
    past_due_days_max_12m as card_past_due_days_max_12m,

    -- is the balance growing: use of the last three months against all time
    cast(balance_sum_3m as double) / nullif(cast(limit_sum_3m as double), 0)
        - cast(balance_sum as double) / nullif(cast(limit_sum as double), 0) as card_used_share_trend_3m
from application
left join grouped on grouped.SK_ID_CURR = application.SK_ID_CURR
