-- bureau_features: one row per SK_ID_CURR. Credits at other lenders, as the credit bureau reports them.
-- *_amount in the book's currency, *_days in days, *_count whole numbers (0 for somebody without any credit),
-- *_share in [0, 1], *_to_* plain ratios, status 0 (not past due) to 5. `_1y` = credits asked for in the last 365 days.
-- Reads application, bureau, bureau_balance_features.
with
credits as (
    select
        bureau.SK_ID_CURR,
        case when CREDIT_ACTIVE = 'Active' then 1 else 0 end as is_active,
        case when CREDIT_ACTIVE = 'Closed' then 1 else 0 end as is_closed,
        case when CREDIT_ACTIVE in ('Sold', 'Bad debt') then 1 else 0 end as is_sold_or_bad,
        case when CREDIT_TYPE = 'Consumer credit' then 1 else 0 end as is_consumer,
        case when CREDIT_TYPE = 'Credit card' then 1 else 0 end as is_card,
        case when CREDIT_TYPE = 'Car loan' then 1 else 0 end as is_car,
        case when CREDIT_TYPE in ('Mortgage', 'Real estate loan') then 1 else 0 end as is_mortgage,
        case when CREDIT_TYPE = 'Microloan' then 1 else 0 end as is_microloan,
        case when DAYS_CREDIT between -36500 and 0 then cast(-DAYS_CREDIT as integer) end as age_days,
        -- Open-ended cards end in the year 2100: days beyond twenty years tell nothing.
        case when DAYS_CREDIT_ENDDATE between -7300 and 7300 then cast(DAYS_CREDIT_ENDDATE as integer) end as end_days,
        case when DAYS_ENDDATE_FACT between -36500 and 0 then cast(-DAYS_ENDDATE_FACT as integer) end as ended_days_ago,
        case when DAYS_CREDIT_UPDATE between -36500 and 0 then cast(-DAYS_CREDIT_UPDATE as integer) end
            as updated_days_ago,
        case when CREDIT_DAY_OVERDUE between 0 and 36500 then cast(CREDIT_DAY_OVERDUE as integer) end as overdue_days,
        AMT_CREDIT_SUM as amount,
        AMT_CREDIT_SUM_DEBT as debt,
        AMT_CREDIT_SUM_LIMIT as credit_limit,
        AMT_CREDIT_SUM_OVERDUE as overdue,
        AMT_CREDIT_MAX_OVERDUE as overdue_max,
        AMT_ANNUITY as annuity,
        CNT_CREDIT_PROLONG as prolonged,
        history.months_count,
        history.open_months_count,
        history.past_due_months_count,
        history.past_due_over_30_months_count,
        history.past_due_months_12m_count,
        history.worst_status,
        history.worst_status_12m,
        history.past_due_months_ago
    from bureau
    left join bureau_balance_features as history on history.SK_ID_BUREAU = bureau.SK_ID_BUREAU
),
grouped as (
    select
        SK_ID_CURR,
        count(*) as credits_count,
        sum(is_active) as active_count,
        sum(is_closed) as closed_count,
        sum(is_sold_or_bad) as sold_or_bad_count,
        sum(is_consumer) as consumer_count,
        sum(is_card) as card_count,
        sum(is_car) as car_count,
        sum(is_mortgage) as mortgage_count,
        sum(is_microloan) as microloan_count,
        sum(is_card * is_active) as card_active_count,

        count(case when age_days <= 365 then 1 end) as credits_count_1y,
        count(case when age_days <= 730 then 1 end) as credits_count_2y,
        count(case when age_days <= 1095 then 1 end) as credits_count_3y,
        count(case when age_days <= 365 and is_active = 1 then 1 end) as active_count_1y,
        sum(case when age_days <= 365 then amount end) as amount_1y,
        sum(case when age_days <= 730 then amount end) as amount_2y,
        sum(case when age_days <= 1095 then amount end) as amount_3y,
        sum(case when age_days <= 365 then debt end) as debt_1y,
        sum(case when age_days <= 730 then debt end) as debt_2y,
        sum(case when age_days <= 1095 then debt end) as debt_3y,
        max(case when age_days <= 365 then overdue_max end) as overdue_max_1y,
        max(case when age_days <= 730 then overdue_max end) as overdue_max_2y,
        max(case when age_days <= 1095 then overdue_max end) as overdue_max_3y,

        min(age_days) as newest_days,
        max(age_days) as oldest_days,
        sum(age_days) as age_days_sum,
        count(age_days) as age_days_count,
        min(case when is_active = 1 then age_days end) as active_newest_days,
        max(case when is_active = 1 then age_days end) as active_oldest_days,
        min(case when is_card = 1 then age_days end) as card_newest_days,
        min(case when is_consumer = 1 then age_days end) as consumer_newest_days,
        min(ended_days_ago) as last_ended_days,
        min(updated_days_ago) as updated_days_min,
        sum(updated_days_ago) as updated_days_sum,
        count(updated_days_ago) as updated_days_count,

        max(amount) as amount_max,
        sum(amount) as amount_sum,
        count(amount) as amount_count,
        sum(case when is_active = 1 then amount end) as active_amount_sum,
        sum(case when is_closed = 1 then amount end) as closed_amount_sum,
        sum(debt) as debt_sum,
        max(debt) as debt_max,
        sum(case when debt is not null then amount end) as amount_of_known_debt_sum,
        sum(case when is_active = 1 then debt end) as active_debt_sum,
        sum(case when is_active = 1 and debt is not null then amount end) as active_amount_of_known_debt_sum,
        sum(case when is_card = 1 then debt end) as card_debt_sum,
        sum(case when is_card = 1 and debt is not null then amount end) as card_amount_of_known_debt_sum,
        sum(case when is_consumer = 1 then debt end) as consumer_debt_sum,
        sum(credit_limit) as limit_sum,
        sum(case when is_active = 1 then annuity end) as active_annuity_sum,
        -- What each running credit still costs a month, if its debt is paid evenly until it ends.
        sum(case when is_active = 1 and debt > 0 and end_days > 0
            then try_cast(30 * debt / nullif(greatest(end_days, 30), 0) as decimal(18, 3)) end) as monthly_burden_sum,

        count(case when overdue_days > 0 then 1 end) as overdue_count,
        max(overdue_days) as overdue_days_max,
        sum(overdue) as overdue_sum,
        max(overdue_max) as overdue_max,
        count(case when overdue_max > 0 then 1 end) as overdue_ever_count,
        max(case when is_active = 1 then overdue_max end) as active_overdue_max,
        sum(prolonged) as prolonged_sum,

        max(case when is_active = 1 then end_days end) as active_end_days_max,
        sum(case when is_active = 1 then end_days end) as active_end_days_sum,
        count(case when is_active = 1 then end_days end) as active_end_days_count,
        count(case when is_active = 1 and end_days < 0 then 1 end) as active_past_end_count,
        -- Both days count from the application, so planned end less real end is how early it was paid back.
        sum(case when is_closed = 1 then end_days + ended_days_ago end) as closed_early_days_sum,
        count(case when is_closed = 1 then end_days + ended_days_ago end) as closed_early_known_count,
        count(case when is_closed = 1 and end_days + ended_days_ago > 30 then 1 end) as closed_early_count,
        count(case when is_closed = 1 and end_days + ended_days_ago < -30 then 1 end) as closed_late_count,
        sum(age_days - ended_days_ago) as lifetime_days_sum,
        count(age_days - ended_days_ago) as lifetime_days_count,

        count(months_count) as history_count,
        sum(months_count) as months_sum,
        sum(open_months_count) as open_months_sum,
        sum(past_due_months_count) as past_due_months_sum,
        sum(past_due_over_30_months_count) as past_due_over_30_months_sum,
        sum(past_due_months_12m_count) as past_due_months_12m_sum,
        count(case when past_due_months_count > 0 then 1 end) as past_due_credits_count,
        max(worst_status) as worst_status,
        max(worst_status_12m) as worst_status_12m,
        max(case when is_active = 1 then worst_status end) as active_worst_status,
        min(past_due_months_ago) as past_due_months_ago
    from credits
    group by SK_ID_CURR
)
select
    application.SK_ID_CURR,

    -- how many, of what kind
    cast(coalesce(credits_count, 0) as integer) as bureau_count,
    cast(coalesce(active_count, 0) as integer) as bureau_active_count,
    cast(coalesce(closed_count, 0) as integer) as bureau_closed_count,
    cast(coalesce(sold_or_bad_count, 0) as integer) as bureau_sold_or_bad_count,
    cast(active_count as double) / nullif(credits_count, 0) as bureau_active_share,
    cast(coalesce(consumer_count, 0) as integer) as bureau_consumer_count,
    cast(coalesce(card_count, 0) as integer) as bureau_card_count,
    cast(coalesce(car_count, 0) as integer) as bureau_car_count,
    cast(coalesce(mortgage_count, 0) as integer) as bureau_mortgage_count,
    cast(coalesce(microloan_count, 0) as integer) as bureau_microloan_count,
    cast(coalesce(card_active_count, 0) as integer) as bureau_card_active_count,

    -- asked for lately
    cast(coalesce(credits_count_1y, 0) as integer) as bureau_count_1y,
    cast(coalesce(credits_count_2y, 0) as integer) as bureau_count_2y,
    cast(coalesce(credits_count_3y, 0) as integer) as bureau_count_3y,
    cast(coalesce(active_count_1y, 0) as integer) as bureau_active_count_1y,
    cast(amount_1y as double) as bureau_amount_1y,
    cast(amount_2y as double) as bureau_amount_2y,
    cast(amount_3y as double) as bureau_amount_3y,
    cast(debt_1y as double) as bureau_debt_amount_1y,
    cast(debt_2y as double) as bureau_debt_amount_2y,
    cast(debt_3y as double) as bureau_debt_amount_3y,
    cast(overdue_max_1y as double) as bureau_overdue_max_amount_1y,
    cast(overdue_max_2y as double) as bureau_overdue_max_amount_2y,
    cast(overdue_max_3y as double) as bureau_overdue_max_amount_3y,

    -- how long ago
    newest_days as bureau_newest_days,
    oldest_days as bureau_oldest_days,
    cast(age_days_sum as double) / nullif(age_days_count, 0) as bureau_age_days_mean,
    cast(oldest_days - newest_days as double) / nullif(credits_count - 1, 0) as bureau_days_between_mean,
    active_newest_days as bureau_active_newest_days,
    active_oldest_days as bureau_active_oldest_days,
    card_newest_days as bureau_card_newest_days,
    consumer_newest_days as bureau_consumer_newest_days,
    last_ended_days as bureau_last_ended_days,
    updated_days_min as bureau_updated_days_min,
    cast(updated_days_sum as double) / nullif(updated_days_count, 0) as bureau_updated_days_mean,

    -- amounts and debt
    cast(amount_sum as double) as bureau_amount_sum,
    cast(amount_max as double) as bureau_amount_max,
    cast(amount_sum as double) / nullif(amount_count, 0) as bureau_amount_mean,
    cast(active_amount_sum as double) as bureau_active_amount_sum,
    cast(closed_amount_sum as double) as bureau_closed_amount_sum,
    cast(debt_sum as double) as bureau_debt_sum,
    cast(debt_max as double) as bureau_debt_max,
    cast(debt_sum as double) / nullif(cast(amount_of_known_debt_sum as double), 0) as bureau_debt_to_amount,
    cast(active_debt_sum as double) as bureau_active_debt_sum,
    cast(active_debt_sum as double) / nullif(cast(active_amount_of_known_debt_sum as double), 0)
        as bureau_active_debt_to_amount,
    cast(card_debt_sum as double) as bureau_card_debt_sum,
    cast(card_debt_sum as double) / nullif(cast(card_amount_of_known_debt_sum as double), 0)
        as bureau_card_debt_to_amount,
    cast(consumer_debt_sum as double) as bureau_consumer_debt_sum,
    cast(limit_sum as double) as bureau_limit_sum,
    cast(active_annuity_sum as double) as bureau_active_annuity_sum,
    cast(monthly_burden_sum as double) as bureau_monthly_burden_sum,
    cast(debt_sum as double) / nullif(cast(AMT_INCOME_TOTAL as double), 0) as bureau_debt_to_income,
    cast(monthly_burden_sum as double) / nullif(cast(AMT_INCOME_TOTAL as double), 0) as bureau_monthly_burden_to_income,
    cast(debt_sum as double) / nullif(cast(AMT_CREDIT as double), 0) as bureau_debt_to_credit_asked,

    -- overdue
    cast(coalesce(overdue_count, 0) as integer) as bureau_overdue_count,
    overdue_days_max as bureau_overdue_days_max,
    cast(overdue_sum as double) as bureau_overdue_sum,
    cast(overdue_max as double) as bureau_overdue_max_amount,
    cast(coalesce(overdue_ever_count, 0) as integer) as bureau_overdue_ever_count,
    cast(active_overdue_max as double) as bureau_active_overdue_max_amount,
    cast(coalesce(prolonged_sum, 0) as double) as bureau_prolonged_count,

    -- how credits end
    active_end_days_max as bureau_active_end_days_max,
    cast(active_end_days_sum as double) / nullif(active_end_days_count, 0) as bureau_active_end_days_mean,
    cast(coalesce(active_past_end_count, 0) as integer) as bureau_active_past_end_count,
    cast(closed_early_days_sum as double) / nullif(closed_early_known_count, 0) as bureau_closed_early_days_mean,
    cast(closed_early_count as double) / nullif(closed_early_known_count, 0) as bureau_closed_early_share,
    cast(closed_late_count as double) / nullif(closed_early_known_count, 0) as bureau_closed_late_share,
    cast(lifetime_days_sum as double) / nullif(lifetime_days_count, 0) as bureau_lifetime_days_mean,

    -- month by month; NULL where the bureau sent no monthly history
    cast(coalesce(history_count, 0) as integer) as bureau_status_credits_count,
    cast(months_sum as integer) as bureau_status_months_count,
    cast(past_due_months_sum as integer) as bureau_status_past_due_months_count,
    cast(past_due_months_sum as double) / nullif(open_months_sum, 0) as bureau_status_past_due_months_share,
    cast(past_due_over_30_months_sum as integer) as bureau_status_past_due_over_30_months_count,
    cast(past_due_months_12m_sum as integer) as bureau_status_past_due_months_count_12m,
    cast(past_due_credits_count as double) / nullif(history_count, 0) as bureau_status_past_due_credits_share,
    worst_status as bureau_status_worst,
    worst_status_12m as bureau_status_worst_12m,
    active_worst_status as bureau_status_active_worst,
    past_due_months_ago as bureau_status_past_due_months_ago
from application
left join grouped on grouped.SK_ID_CURR = application.SK_ID_CURR
