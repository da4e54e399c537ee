-- last_instalment_features: one row per SK_ID_CURR that had an instalment due. The last two, three and five of them.
-- *_days* in days, > 0 paid after the due day; *_count whole numbers. Reads installments_payments.
-- A file of its own: together with the windows of instalment_features it would need twice the memory.
with
recent as (
    select
        SK_ID_CURR,
        SK_ID_PREV,
        cast(-DAYS_INSTALMENT as integer) as due_days_ago,
        cast(case when DAYS_ENTRY_PAYMENT between -36500 and 0 then DAYS_ENTRY_PAYMENT else 0 end - DAYS_INSTALMENT
            as integer) as late_days,
        case when coalesce(AMT_PAYMENT, 0) < AMT_INSTALMENT then 1 else 0 end as is_underpaid
    from installments_payments
    where DAYS_INSTALMENT between -36500 and 0
),
latest as (
    select
        SK_ID_CURR,
        late_days,
        is_underpaid,
        -- Nearest due day first, then the latest payment, then the underpaid one: one whole number to order by, so that
        -- DuckDB keeps five rows an applicant instead of sorting all of them. Equal numbers mean equal rows.
        row_number() over (
            partition by SK_ID_CURR
            order by (cast(due_days_ago as bigint) * 400000 + 200000 - late_days * 2 - is_underpaid) * 100000000
                + greatest(least(SK_ID_PREV, 99999999), 0)
        ) as recency
    from recent
)
select
    SK_ID_CURR,
    cast(sum(case when recency <= 2 then late_days end) as bigint) as late_days_sum_last_2,
    count(case when recency <= 2 then 1 end) as payments_count_last_2,
    cast(sum(case when recency <= 3 then late_days end) as bigint) as late_days_sum_last_3,
    count(case when recency <= 3 then 1 end) as payments_count_last_3,
    max(case when recency <= 3 then late_days end) as late_days_max_last_3,
    cast(sum(late_days) as bigint) as late_days_sum_last_5,
    count(*) as payments_count_last_5,
    max(late_days) as late_days_max_last_5,
    count(case when late_days > 0 then 1 end) as late_count_last_5,
    cast(sum(is_underpaid) as bigint) as underpaid_count_last_5
from latest
where recency <= 5
group by SK_ID_CURR
