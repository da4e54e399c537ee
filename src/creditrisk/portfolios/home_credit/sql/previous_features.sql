-- previous_features: one row per SK_ID_CURR. What the applicant asked this lender for before, and what became of it.
-- *_amount in the book's currency, *_days in days, *_count whole numbers (0 for a new client), *_share in [0, 1],
-- *_to_* plain ratios, interest = all payments over the credit, less 1. `last` = by day of decision.
-- Reads application, previous_application.
with
asked as (
    select
        SK_ID_CURR,
        case NAME_CONTRACT_STATUS when 'Approved' then 1 else 0 end as is_approved,
        case NAME_CONTRACT_STATUS when 'Refused' then 1 else 0 end as is_refused,
        case NAME_CONTRACT_STATUS when 'Canceled' then 1 else 0 end as is_canceled,
        case NAME_CONTRACT_TYPE when 'Cash loans' then 1 else 0 end as is_cash,
        case NAME_CONTRACT_TYPE when 'Consumer loans' then 1 else 0 end as is_consumer,
        case NAME_CONTRACT_TYPE when 'Revolving loans' then 1 else 0 end as is_revolving,
        case when DAYS_DECISION between -36500 and 0 then cast(-DAYS_DECISION as integer) end as decided_days_ago,
        AMT_APPLICATION as asked_amount,
        AMT_CREDIT as credit,
        AMT_ANNUITY as annuity,
        case when CNT_PAYMENT between 1 and 1200 then cast(CNT_PAYMENT as integer) end as term_months,
        -- Decimals, so that their sums are exact; try_cast: an absurd ratio becomes NULL and breaks nothing.
        try_cast(cast(AMT_APPLICATION as double) / nullif(cast(AMT_CREDIT as double), 0) as decimal(18, 6))
            as asked_to_granted,
        try_cast(cast(AMT_ANNUITY as double) * nullif(CNT_PAYMENT, 0) / nullif(cast(AMT_CREDIT as double), 0) - 1
            as decimal(18, 6)) as interest,
        case when RATE_DOWN_PAYMENT between -1 and 1 then try_cast(RATE_DOWN_PAYMENT as decimal(18, 6)) end
            as down_payment_rate,
        CODE_REJECT_REASON as reject_reason,
        NAME_YIELD_GROUP as yield_group,
        NAME_PRODUCT_TYPE as offer,
        -- 365243 stands for "not yet" in the plan's days: such a contract is still running.
        case when NAME_CONTRACT_STATUS = 'Approved' and DAYS_TERMINATION > 0 then 1 else 0 end as is_running,
        case when DAYS_LAST_DUE_1ST_VERSION between 1 and 36500 then cast(DAYS_LAST_DUE_1ST_VERSION as integer) end
            as planned_days_ahead,
        case when DAYS_LAST_DUE between -36500 and 36500 and DAYS_LAST_DUE_1ST_VERSION between -36500 and 36500
            then cast(DAYS_LAST_DUE_1ST_VERSION - DAYS_LAST_DUE as integer) end as ended_early_days,
        case when DAYS_FIRST_DRAWING between -36500 and 0 then cast(-DAYS_FIRST_DRAWING as integer) end
            as first_drawing_days_ago,
        case when DAYS_TERMINATION between -36500 and 0 then cast(-DAYS_TERMINATION as integer) end
            as terminated_days_ago
    from previous_application
),
grouped as (
    select
        SK_ID_CURR,
        count(*) as asked_count,
        sum(is_approved) as approved_count,
        sum(is_refused) as refused_count,
        sum(is_canceled) as canceled_count,
        sum(is_cash) as cash_count,
        sum(is_consumer) as consumer_count,
        sum(is_revolving) as revolving_count,
        sum(is_cash * is_refused) as cash_refused_count,
        count(case when decided_days_ago <= 365 then 1 end) as asked_count_1y,
        count(case when decided_days_ago <= 730 then 1 end) as asked_count_2y,
        sum(case when decided_days_ago <= 365 then is_approved end) as approved_count_1y,
        sum(case when decided_days_ago <= 365 then is_refused end) as refused_count_1y,
        sum(case when decided_days_ago <= 730 then is_refused end) as refused_count_2y,
        count(case when reject_reason = 'HC' then 1 end) as refused_policy_count,
        count(case when reject_reason in ('SCO', 'SCOFR') then 1 end) as refused_score_count,
        count(case when reject_reason = 'LIMIT' then 1 end) as refused_limit_count,
        count(case when offer = 'walk-in' then 1 end) as walk_in_count,
        count(case when offer = 'x-sell' then 1 end) as offered_count,
        count(case when yield_group = 'high' then 1 end) as high_yield_count,

        min(decided_days_ago) as newest_days,
        max(decided_days_ago) as oldest_days,
        sum(decided_days_ago) as decided_days_sum,
        min(case when is_approved = 1 then decided_days_ago end) as approved_newest_days,
        min(case when is_refused = 1 then decided_days_ago end) as refused_newest_days,
        min(first_drawing_days_ago) as first_drawing_days,
        min(terminated_days_ago) as terminated_newest_days,

        max(case when is_approved = 1 then credit end) as approved_credit_max,
        sum(case when is_approved = 1 then credit end) as approved_credit_sum,
        max(case when is_approved = 1 then annuity end) as approved_annuity_max,
        sum(case when is_approved = 1 then annuity end) as approved_annuity_sum,
        count(case when is_approved = 1 then annuity end) as approved_annuity_count,
        sum(case when is_refused = 1 then asked_amount end) as refused_asked_sum,
        sum(case when is_approved = 1 then term_months end) as approved_term_sum,
        count(case when is_approved = 1 then term_months end) as approved_term_count,
        sum(case when is_refused = 1 then term_months end) as refused_term_sum,
        count(case when is_refused = 1 then term_months end) as refused_term_count,
        min(asked_to_granted) as asked_to_granted_min,
        max(asked_to_granted) as asked_to_granted_max,
        sum(asked_to_granted) as asked_to_granted_sum,
        count(asked_to_granted) as asked_to_granted_count,
        sum(case when is_approved = 1 then asked_to_granted end) as approved_asked_to_granted_sum,
        count(case when is_approved = 1 then asked_to_granted end) as approved_asked_to_granted_count,
        max(interest) as interest_max,
        min(interest) as interest_min,
        sum(interest) as interest_sum,
        count(interest) as interest_count,
        max(down_payment_rate) as down_payment_rate_max,
        sum(down_payment_rate) as down_payment_rate_sum,
        count(down_payment_rate) as down_payment_rate_count,

        sum(is_running) as running_count,
        sum(case when is_running = 1 then annuity end) as running_annuity_sum,
        sum(case when is_running = 1 then credit end) as running_credit_sum,
        max(case when is_running = 1 then planned_days_ahead end) as running_end_days,
        sum(case when is_approved = 1 then ended_early_days end) as ended_early_days_sum,
        count(case when is_approved = 1 then ended_early_days end) as ended_early_days_count
    from asked
    group by SK_ID_CURR
),
latest as (
    select
        SK_ID_CURR,
        -- One number to order by, so that DuckDB keeps five rows an applicant instead of sorting all of them.
        row_number() over (
            partition by SK_ID_CURR
            order by case when DAYS_DECISION between -36500 and 0 then DAYS_DECISION else -36501 end * 1000000000000
                + greatest(least(SK_ID_PREV, 4000000000000000000), -4000000000000000000) desc
        ) as recency,
        case NAME_CONTRACT_STATUS when 'Approved' then 1 else 0 end as is_approved,
        case NAME_CONTRACT_STATUS when 'Refused' then 1 else 0 end as is_refused,
        AMT_CREDIT as credit,
        case when CNT_PAYMENT between 1 and 1200 then cast(CNT_PAYMENT as integer) end as term_months,
        try_cast(cast(AMT_APPLICATION as double) / nullif(cast(AMT_CREDIT as double), 0) as decimal(18, 6))
            as asked_to_granted,
        try_cast(cast(AMT_ANNUITY as double) * nullif(CNT_PAYMENT, 0) / nullif(cast(AMT_CREDIT as double), 0) - 1
            as decimal(18, 6)) as interest,
        NAME_CONTRACT_STATUS as status,
        PRODUCT_COMBINATION as product,
        NAME_CLIENT_TYPE as client_type,
        CHANNEL_TYPE as channel,
        NAME_YIELD_GROUP as yield_group,
        CODE_REJECT_REASON as reject_reason
    from previous_application
),
last_ones as (
    select
        SK_ID_CURR,
        sum(case when recency <= 3 then is_approved end) as last_3_approved_count,
        sum(case when recency <= 3 then is_refused end) as last_3_refused_count,
        sum(is_approved) as last_5_approved_count,
        sum(is_refused) as last_5_refused_count,
        sum(case when recency <= 3 then credit end) as last_3_credit_sum,
        count(case when recency <= 3 then credit end) as last_3_credit_count,
        sum(case when recency <= 3 then term_months end) as last_3_term_sum,
        count(case when recency <= 3 then term_months end) as last_3_term_count,
        sum(case when recency <= 3 then asked_to_granted end) as last_3_asked_to_granted_sum,
        count(case when recency <= 3 then asked_to_granted end) as last_3_asked_to_granted_count,
        sum(asked_to_granted) as last_5_asked_to_granted_sum,
        count(asked_to_granted) as last_5_asked_to_granted_count,
        max(case when recency = 1 then status end) as last_status,
        max(case when recency = 1 then product end) as last_product,
        max(case when recency = 1 then client_type end) as last_client_type,
        max(case when recency = 1 then channel end) as last_channel,
        max(case when recency = 1 then yield_group end) as last_yield_group,
        max(case when recency = 1 then reject_reason end) as last_reject_reason,
        max(case when recency = 1 then credit end) as last_credit,
        max(case when recency = 1 then term_months end) as last_term,
        max(case when recency = 1 then asked_to_granted end) as last_asked_to_granted,
        max(case when recency = 1 then interest end) as last_interest
    from latest
    where recency <= 5
    group by SK_ID_CURR
)
select
    application.SK_ID_CURR,

    -- how many, and how they ended
    cast(coalesce(asked_count, 0) as integer) as previous_count,
    cast(coalesce(approved_count, 0) as integer) as previous_approved_count,
    cast(coalesce(refused_count, 0) as integer) as previous_refused_count,
    cast(coalesce(canceled_count, 0) as integer) as previous_canceled_count,
    cast(approved_count as double) / nullif(asked_count, 0) as previous_approved_share,
    cast(refused_count as double) / nullif(asked_count, 0) as previous_refused_share,
    cast(coalesce(cash_count, 0) as integer) as previous_cash_count,
    cast(coalesce(consumer_count, 0) as integer) as previous_consumer_count,
    cast(coalesce(revolving_count, 0) as integer) as previous_revolving_count,
    cast(coalesce(cash_refused_count, 0) as integer) as previous_cash_refused_count,
    cast(coalesce(asked_count_1y, 0) as integer) as previous_count_1y,
    cast(coalesce(asked_count_2y, 0) as integer) as previous_count_2y,
    cast(coalesce(approved_count_1y, 0) as integer) as previous_approved_count_1y,
    cast(coalesce(refused_count_1y, 0) as integer) as previous_refused_count_1y,
    cast(coalesce(refused_count_2y, 0) as integer) as previous_refused_count_2y,
    cast(coalesce(refused_policy_count, 0) as integer) as previous_refused_policy_count,
    cast(coalesce(refused_score_count, 0) as integer) as previous_refused_score_count,
    cast(coalesce(refused_limit_count, 0) as integer) as previous_refused_limit_count,
    cast(walk_in_count as double) / nullif(asked_count, 0) as previous_walk_in_share,
    cast(offered_count as double) / nullif(asked_count, 0) as previous_offered_share,
    cast(high_yield_count as double) / nullif(asked_count, 0) as previous_high_yield_share,

    -- how long ago
    newest_days as previous_newest_days,
    oldest_days as previous_oldest_days,
    cast(decided_days_sum as double) / nullif(asked_count, 0) as previous_decided_days_mean,
    approved_newest_days as previous_approved_newest_days,
    refused_newest_days as previous_refused_newest_days,
    first_drawing_days as previous_first_drawing_days,
    terminated_newest_days as previous_terminated_newest_days,

    -- asked, granted, and at what price
    cast(approved_credit_max as double) as previous_approved_credit_max,
    cast(approved_credit_sum as double) / nullif(cast(approved_count as double), 0) as previous_approved_credit_mean,
    cast(approved_annuity_max as double) as previous_approved_annuity_max,
    cast(approved_annuity_sum as double) / nullif(approved_annuity_count, 0) as previous_approved_annuity_mean,
    cast(refused_asked_sum as double) / nullif(cast(refused_count as double), 0) as previous_refused_asked_mean,
    cast(approved_term_sum as double) / nullif(approved_term_count, 0) as previous_approved_term_mean,
    cast(refused_term_sum as double) / nullif(refused_term_count, 0) as previous_refused_term_mean,
    cast(asked_to_granted_min as double) as previous_asked_to_granted_min,
    cast(asked_to_granted_max as double) as previous_asked_to_granted_max,
    cast(asked_to_granted_sum as double) / nullif(asked_to_granted_count, 0) as previous_asked_to_granted_mean,
    cast(approved_asked_to_granted_sum as double) / nullif(approved_asked_to_granted_count, 0)
        as previous_approved_asked_to_granted_mean,
    cast(interest_max as double) as previous_interest_max,
    cast(interest_min as double) as previous_interest_min,
    cast(interest_sum as double) / nullif(interest_count, 0) as previous_interest_mean,
    cast(down_payment_rate_max as double) as previous_down_payment_rate_max,
    cast(down_payment_rate_sum as double) / nullif(down_payment_rate_count, 0) as previous_down_payment_rate_mean,
    cast(AMT_CREDIT as double) / nullif(cast(approved_credit_max as double), 0)
        as previous_credit_asked_to_approved_max,
    cast(AMT_ANNUITY as double) / nullif(cast(approved_annuity_max as double), 0)
        as previous_annuity_asked_to_approved_max,

    -- still running, and how they end
    cast(coalesce(running_count, 0) as integer) as previous_running_count,
    cast(running_annuity_sum as double) as previous_running_annuity_sum,
    cast(running_credit_sum as double) as previous_running_credit_sum,
    cast(running_annuity_sum as double) / nullif(cast(AMT_INCOME_TOTAL as double), 0)
        as previous_running_annuity_to_income,
    running_end_days as previous_running_end_days,
    cast(ended_early_days_sum as double) / nullif(ended_early_days_count, 0) as previous_ended_early_days_mean,

    -- the last one, three and five
    cast(last_3_approved_count as integer) as previous_last_3_approved_count,
    cast(last_3_refused_count as integer) as previous_last_3_refused_count,
    cast(last_5_approved_count as integer) as previous_last_5_approved_count,
    cast(last_5_refused_count as integer) as previous_last_5_refused_count,
    cast(last_3_credit_sum as double) / nullif(last_3_credit_count, 0) as previous_last_3_credit_mean,
    cast(last_3_term_sum as double) / nullif(last_3_term_count, 0) as previous_last_3_term_mean,
    cast(last_3_asked_to_granted_sum as double) / nullif(last_3_asked_to_granted_count, 0)
        as previous_last_3_asked_to_granted_mean,
    cast(last_5_asked_to_granted_sum as double) / nullif(last_5_asked_to_granted_count, 0)
        as previous_last_5_asked_to_granted_mean,
    last_status as previous_last_status,
    last_product as previous_last_product,
    last_client_type as previous_last_client_type,
    last_channel as previous_last_channel,
    last_yield_group as previous_last_yield_group,
    last_reject_reason as previous_last_reject_reason,
    cast(last_credit as double) as previous_last_credit,
    last_term as previous_last_term,
    cast(last_asked_to_granted as double) as previous_last_asked_to_granted,
    cast(last_interest as double) as previous_last_interest
from application
left join grouped on grouped.SK_ID_CURR = application.SK_ID_CURR
left join last_ones on last_ones.SK_ID_CURR = application.SK_ID_CURR
