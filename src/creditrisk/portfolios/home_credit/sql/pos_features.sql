-- pos_features: one row per SK_ID_CURR. Monthly state of earlier consumer and cash loans at this lender.
-- *_days in days past due, *_count whole numbers (0 for a new client), *_share in [0, 1], term and remaining in
-- instalments. `_6m` = snapshots of the 6 months before the application. Reads application, POS_CASH_balance.
with
months as (
    select
        SK_ID_CURR,
        SK_ID_PREV,
        cast(MONTHS_BALANCE as integer) as month_number,
        NAME_CONTRACT_STATUS as status,
        case when CNT_INSTALMENT between 0 and 999 then cast(CNT_INSTALMENT as integer) end as term,
        case when CNT_INSTALMENT_FUTURE between 0 and 999 then cast(CNT_INSTALMENT_FUTURE as integer) end as remaining
    from POS_CASH_balance
    where MONTHS_BALANCE between -1200 and 0
),
loans as (
    select
        SK_ID_CURR,
        SK_ID_PREV,
        count(*) as months_count,
        count(case when month_number >= -12 then 1 end) as months_count_12m,
        max(month_number) as month_newest,
        min(month_number) as month_oldest,
        max(case when status = 'Completed' then 1 else 0 end) as is_completed,
        max(case when status in ('Demand', 'Amortized debt') then 1 else 0 end) as is_troubled,
        max(case when status = 'Returned to the store' then 1 else 0 end) as is_returned,
        max(term) as term_max,
        min(term) as term_min,
        -- The newest month, with what it says in its last three digits: read without sorting, and without ties.
        max((month_number + 2000) * 1000 + remaining) as newest_remaining_packed,
        max(case when remaining is not null then month_number end) as newest_remaining_month
    from months
    group by SK_ID_CURR, SK_ID_PREV
),
measured as (
    select
        SK_ID_CURR,
        months_count,
        months_count_12m,
        month_newest,
        month_oldest,
        is_completed,
        is_troubled,
        is_returned,
        term_max,
        term_max - term_min as term_change,
        case when is_completed = 0 then newest_remaining_packed - (newest_remaining_month + 2000) * 1000 end
            as remaining
    from loans
),
grouped as (
    select
        SK_ID_CURR,
        count(*) as loans_count,
        sum(months_count) as months_count,
        sum(months_count_12m) as months_count_12m,
        max(month_newest) as month_newest,
        min(month_oldest) as month_oldest,
        sum(is_completed) as completed_count,
        sum(is_troubled) as troubled_count,
        sum(is_returned) as returned_count,
        sum(term_max) as term_sum,
        count(term_max) as term_count,
        max(term_max) as term_max,
        count(case when term_change > 0 then 1 end) as term_changed_count,
        count(case when remaining > 0 then 1 end) as open_count,
        sum(remaining) as remaining_sum,
        max(remaining) as remaining_max,
        sum(case when remaining is not null then term_max end) as term_of_open_sum,
        count(case when remaining > 0 and month_newest >= -3 then 1 end) as open_count_3m,
        sum(case when month_newest >= -3 then remaining end) as remaining_sum_3m
    from measured
    group by SK_ID_CURR
),
-- Three months in a hundred are past due: counting them apart is cheaper than together with the others.
past_due_loans as (
    select
        SK_ID_CURR,
        SK_ID_PREV,
        count(*) as past_due_count,
        count(case when SK_DPD_DEF > 0 then 1 end) as past_due_tolerant_count,
        max(SK_DPD) as past_due_days_max,
        max(SK_DPD_DEF) as past_due_tolerant_days_max,
        max(MONTHS_BALANCE) as past_due_month_newest,
        count(case when MONTHS_BALANCE >= -12 then 1 end) as past_due_count_12m,
        max(case when MONTHS_BALANCE >= -6 then SK_DPD end) as past_due_days_max_6m,
        max(case when MONTHS_BALANCE >= -12 then SK_DPD end) as past_due_days_max_12m,
        max(case when MONTHS_BALANCE >= -12 then SK_DPD_DEF end) as past_due_tolerant_days_max_12m
    from POS_CASH_balance
    where SK_DPD > 0 and MONTHS_BALANCE between -1200 and 0
    group by SK_ID_CURR, SK_ID_PREV
),
past_due as (
    select
        SK_ID_CURR,
        count(*) as past_due_loans_count,
        sum(past_due_count) as past_due_count,
        sum(past_due_tolerant_count) as past_due_tolerant_count,
        max(past_due_days_max) as past_due_days_max,
        max(past_due_tolerant_days_max) as past_due_tolerant_days_max,
        max(past_due_month_newest) as past_due_month_newest,
        sum(past_due_count_12m) as past_due_count_12m,
        max(past_due_days_max_6m) as past_due_days_max_6m,
        max(past_due_days_max_12m) as past_due_days_max_12m,
        max(past_due_tolerant_days_max_12m) as past_due_tolerant_days_max_12m
    from past_due_loans
    group by SK_ID_CURR
)
select
    application.SK_ID_CURR,
    cast(coalesce(loans_count, 0) as integer) as pos_loans_count,
    cast(coalesce(months_count, 0) as integer) as pos_months_count,
    cast(coalesce(months_count_12m, 0) as integer) as pos_months_count_12m,
    -month_newest as pos_newest_months,
    -month_oldest as pos_oldest_months,
    cast(coalesce(past_due_count, 0) as integer) as pos_past_due_count,
    cast(coalesce(past_due_count, 0) as double) / nullif(cast(months_count as double), 0) as pos_past_due_share,
    cast(coalesce(past_due_tolerant_count, 0) as double) / nullif(cast(months_count as double), 0)
        as pos_past_due_tolerant_share,
    cast(coalesce(past_due_loans_count, 0) as double) / nullif(loans_count, 0) as pos_past_due_loans_share,
    coalesce(past_due_days_max, 0) as pos_past_due_days_max,
    coalesce(past_due_tolerant_days_max, 0) as pos_past_due_tolerant_days_max,
    -past_due_month_newest as pos_past_due_newest_months,
    cast(coalesce(past_due_count_12m, 0) as double) / nullif(cast(months_count_12m as double), 0)
        as pos_past_due_share_12m,
    coalesce(past_due_days_max_6m, 0) as pos_past_due_days_max_6m,
    coalesce(past_due_days_max_12m, 0) as pos_past_due_days_max_12m,
    coalesce(past_due_tolerant_days_max_12m, 0) as pos_past_due_tolerant_days_max_12m,
    cast(coalesce(completed_count, 0) as integer) as pos_completed_count,
    cast(completed_count as double) / nullif(loans_count, 0) as pos_completed_share,
    cast(coalesce(troubled_count, 0) as integer) as pos_troubled_count,
    cast(coalesce(returned_count, 0) as integer) as pos_returned_count,
    cast(term_sum as double) / nullif(term_count, 0) as pos_term_mean,
    term_max as pos_term_max,
    cast(coalesce(term_changed_count, 0) as integer) as pos_term_changed_count,
    cast(coalesce(open_count, 0) as integer) as pos_open_count,
    cast(coalesce(remaining_sum, 0) as integer) as pos_remaining_sum,
    remaining_max as pos_remaining_max,
    cast(remaining_sum as double) / nullif(cast(term_of_open_sum as double), 0) as pos_remaining_share,
    cast(coalesce(open_count_3m, 0) as integer) as pos_open_count_3m,
    cast(coalesce(remaining_sum_3m, 0) as integer) as pos_remaining_sum_3m
from application
left join grouped on grouped.SK_ID_CURR = application.SK_ID_CURR
left join past_due on past_due.SK_ID_CURR = application.SK_ID_CURR
