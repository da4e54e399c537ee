-- instalment_features: one row per SK_ID_CURR. How instalments of earlier loans at this lender were paid.
-- days late > 0 paid after the due day, < 0 before it; an instalment never paid is late until the application.
-- *_days in days, *_amount in the book's currency, *_count whole numbers (0 for a new client), *_share in [0, 1],
-- paid_to_due plain ratio. `_60d` = due in the 60 days before the application.
-- Reads application, installments_payments,
-- last_instalment_features.
with
payments as (
    select
        SK_ID_CURR,
        cast(-DAYS_INSTALMENT as integer) as due_days_ago,
        cast(case when DAYS_ENTRY_PAYMENT between -36500 and 0 then DAYS_ENTRY_PAYMENT else 0 end - DAYS_INSTALMENT
            as integer) as late_days,
        AMT_INSTALMENT as due,
        coalesce(AMT_PAYMENT, 0) as paid
    from installments_payments
    where DAYS_INSTALMENT between -36500 and 0
),
-- One pass over all payments into four spans of time; the windows below are sums over spans, which is exact and
-- four times cheaper than to filter every payment for every window.
spans as (
    select
        SK_ID_CURR,
        case when due_days_ago <= 60 then 60 when due_days_ago <= 180 then 180 when due_days_ago <= 365 then 365
            else 36500 end as span,
        count(*) as payments_count,
        count(case when late_days > 0 then 1 end) as late_count,
        count(case when late_days > 7 then 1 end) as late_over_7_count,
        count(case when late_days > 30 then 1 end) as late_over_30_count,
        count(case when paid < due then 1 end) as underpaid_count,
        sum(late_days) as late_days_sum,
        sum(greatest(late_days, 0)) as overdue_days_sum,
        sum(cast(late_days as bigint) * late_days) as late_days_squared_sum,
        max(late_days) as late_days_max,
        sum(due) as due_sum,
        sum(paid) as paid_sum,
        min(due_days_ago) as due_newest_days,
        max(due_days_ago) as due_oldest_days
    from payments
    group by SK_ID_CURR, case when due_days_ago <= 60 then 60 when due_days_ago <= 180 then 180
        when due_days_ago <= 365 then 365 else 36500 end
),
grouped as (
    select
        SK_ID_CURR,
        sum(payments_count) as payments_count,
        sum(late_count) as late_count,
        sum(late_over_7_count) as late_over_7_count,
        sum(late_over_30_count) as late_over_30_count,
        sum(underpaid_count) as underpaid_count,
        sum(late_days_sum) as late_days_sum,
        sum(overdue_days_sum) as overdue_days_sum,
        sum(late_days_squared_sum) as late_days_squared_sum,
        max(late_days_max) as late_days_max,
        sum(due_sum) as due_sum,
        sum(paid_sum) as paid_sum,
        min(due_newest_days) as due_newest_days,
        max(due_oldest_days) as due_oldest_days,

        sum(case when span <= 60 then payments_count end) as payments_count_60d,
        sum(case when span <= 60 then late_count end) as late_count_60d,
        sum(case when span <= 60 then late_days_sum end) as late_days_sum_60d,
        max(case when span <= 60 then late_days_max end) as late_days_max_60d,
        sum(case when span <= 60 then due_sum end) as due_sum_60d,
        sum(case when span <= 60 then paid_sum end) as paid_sum_60d,

        sum(case when span <= 180 then payments_count end) as payments_count_180d,
        sum(case when span <= 180 then late_count end) as late_count_180d,
        sum(case when span <= 180 then late_over_7_count end) as late_over_7_count_180d,
        sum(case when span <= 180 then underpaid_count end) as underpaid_count_180d,
        sum(case when span <= 180 then late_days_sum end) as late_days_sum_180d,
        sum(case when span <= 180 then overdue_days_sum end) as overdue_days_sum_180d,
        max(case when span <= 180 then late_days_max end) as late_days_max_180d,
        sum(case when span <= 180 then due_sum end) as due_sum_180d,
        sum(case when span <= 180 then paid_sum end) as paid_sum_180d,

        sum(case when span <= 365 then payments_count end) as payments_count_365d,
        sum(case when span <= 365 then late_count end) as late_count_365d,
        sum(case when span <= 365 then late_over_7_count end) as late_over_7_count_365d,
        sum(case when span <= 365 then late_over_30_count end) as late_over_30_count_365d,
        sum(case when span <= 365 then underpaid_count end) as underpaid_count_365d,
        sum(case when span <= 365 then late_days_sum end) as late_days_sum_365d,
        sum(case when span <= 365 then overdue_days_sum end) as overdue_days_sum_365d,
        max(case when span <= 365 then late_days_max end) as late_days_max_365d,
        sum(case when span <= 365 then due_sum end) as due_sum_365d,
        sum(case when span <= 365 then paid_sum end) as paid_sum_365d
    from spans
    group by SK_ID_CURR
)
select
    application.SK_ID_CURR,

    -- over all time
    cast(coalesce(payments_count, 0) as integer) as instalment_count,
    cast(coalesce(late_count, 0) as integer) as instalment_late_count,
    cast(late_count as double) / nullif(cast(payments_count as double), 0) as instalment_late_share,
    cast(late_over_7_count as double) / nullif(cast(payments_count as double), 0) as instalment_late_over_7_share,
    cast(coalesce(late_over_30_count, 0) as integer) as instalment_late_over_30_count,
    cast(underpaid_count as double) / nullif(cast(payments_count as double), 0) as instalment_underpaid_share,
    cast(late_days_sum as double) / nullif(cast(payments_count as double), 0) as instalment_late_days_mean,
    cast(overdue_days_sum as double) / nullif(cast(payments_count as double), 0) as instalment_overdue_days_mean,
    -- n * sum of squares - square of the sum is never below zero while the three are whole numbers.
    sqrt(cast(payments_count * late_days_squared_sum - late_days_sum * late_days_sum as double))
        / nullif(cast(payments_count as double), 0) as instalment_late_days_deviation,
    late_days_max as instalment_late_days_max,
    cast(due_sum as double) / nullif(cast(payments_count as double), 0) as instalment_due_amount_mean,
    cast(paid_sum as double) / nullif(cast(due_sum as double), 0) as instalment_paid_to_due,
    due_newest_days as instalment_newest_days,
    due_oldest_days as instalment_oldest_days,
    cast(AMT_ANNUITY as double) * cast(payments_count as double) / nullif(cast(due_sum as double), 0)
        as instalment_annuity_asked_to_due_mean,

    -- due in the last 60, 180 and 365 days
    cast(coalesce(payments_count_60d, 0) as integer) as instalment_count_60d,
    cast(late_count_60d as double) / nullif(cast(payments_count_60d as double), 0) as instalment_late_share_60d,
    cast(late_days_sum_60d as double) / nullif(cast(payments_count_60d as double), 0) as instalment_late_days_mean_60d,
    late_days_max_60d as instalment_late_days_max_60d,
    cast(paid_sum_60d as double) / nullif(cast(due_sum_60d as double), 0) as instalment_paid_to_due_60d,

    cast(coalesce(payments_count_180d, 0) as integer) as instalment_count_180d,
    cast(late_count_180d as double) / nullif(cast(payments_count_180d as double), 0) as instalment_late_share_180d,
    cast(late_over_7_count_180d as double) / nullif(cast(payments_count_180d as double), 0)
        as instalment_late_over_7_share_180d,
    cast(underpaid_count_180d as double) / nullif(cast(payments_count_180d as double), 0)
        as instalment_underpaid_share_180d,
    cast(late_days_sum_180d as double) / nullif(cast(payments_count_180d as double), 0)
        as instalment_late_days_mean_180d,
    cast(overdue_days_sum_180d as double) / nullif(cast(payments_count_180d as double), 0)
        as instalment_overdue_days_mean_180d,
    late_days_max_180d as instalment_late_days_max_180d,
    cast(paid_sum_180d as double) / nullif(cast(due_sum_180d as double), 0) as instalment_paid_to_due_180d,

    cast(coalesce(payments_count_365d, 0) as integer) as instalment_count_365d,
    cast(late_count_365d as double) / nullif(cast(payments_count_365d as double), 0) as instalment_late_share_365d,
    cast(late_over_7_count_365d as double) / nullif(cast(payments_count_365d as double), 0)
        as instalment_late_over_7_share_365d,
    cast(coalesce(late_over_30_count_365d, 0) as integer) as instalment_late_over_30_count_365d,
    cast(underpaid_count_365d as double) / nullif(cast(payments_count_365d as double), 0)
        as instalment_underpaid_share_365d,
    cast(late_days_sum_365d as double) / nullif(cast(payments_count_365d as double), 0)
        as instalment_late_days_mean_365d,
    cast(overdue_days_sum_365d as double) / nullif(cast(payments_count_365d as double), 0)
        as instalment_overdue_days_mean_365d,
    late_days_max_365d as instalment_late_days_max_365d,
    cast(due_sum_365d as double) as instalment_due_amount_365d,
    cast(paid_sum_365d as double) / nullif(cast(due_sum_365d as double), 0) as instalment_paid_to_due_365d,
    cast(paid_sum_365d as double) / nullif(cast(AMT_INCOME_TOTAL as double), 0) as instalment_paid_365d_to_income,

    -- is it getting worse: the last half year against the time before it
    cast(late_days_sum_180d as double) / nullif(cast(payments_count_180d as double), 0)
        - cast(late_days_sum - late_days_sum_180d as double)
        / nullif(cast(payments_count - payments_count_180d as double), 0) as instalment_late_days_trend_180d,
    cast(late_count_180d as double) / nullif(cast(payments_count_180d as double), 0)
        - cast(late_count - late_count_180d as double)
        / nullif(cast(payments_count - payments_count_180d as double), 0) as instalment_late_share_trend_180d,

    -- the last two, three and five
    cast(late_days_sum_last_2 as double) / nullif(payments_count_last_2, 0) as instalment_last_2_late_days_mean,
    cast(late_days_sum_last_3 as double) / nullif(payments_count_last_3, 0) as instalment_last_3_late_days_mean,
    late_days_max_last_3 as instalment_last_3_late_days_max,
    cast(late_days_sum_last_5 as double) / nullif(payments_count_last_5, 0) as instalment_last_5_late_days_mean,
    late_days_max_last_5 as instalment_last_5_late_days_max,
    cast(late_count_last_5 as integer) as instalment_last_5_late_count,
    cast(underpaid_count_last_5 as integer) as instalment_last_5_underpaid_count
from application
left join grouped on grouped.SK_ID_CURR = application.SK_ID_CURR
left join last_instalment_features on last_instalment_features.SK_ID_CURR = application.SK_ID_CURR
