-- application_features: one row per SK_ID_CURR. What the application itself and the external sources say.
-- *_amount in the book's currency, *_years in years (365.25 days), *_share in [0, 1], *_to_* are plain ratios,
-- *_count are whole numbers, flags are 0 or 1. Reads application.
with
cleaned as (
    select
        SK_ID_CURR,
        -- 365243 is the marker for "not employed", not a thousand-year career: null it before any ratio.
        case when DAYS_EMPLOYED between -36500 and 0 then -DAYS_EMPLOYED end as employed_days,
        case when DAYS_EMPLOYED = 365243 then 1 when DAYS_EMPLOYED is not null then 0 end as not_employed_flag,
        case when DAYS_BIRTH between -36500 and -1 then -DAYS_BIRTH end as age_days,
        case when EXT_SOURCE_1 between 0 and 1 then EXT_SOURCE_1 end as source_1,
        case when EXT_SOURCE_2 between 0 and 1 then EXT_SOURCE_2 end as source_2,
        case when EXT_SOURCE_3 between 0 and 1 then EXT_SOURCE_3 end as source_3,
        cast(AMT_INCOME_TOTAL as double) as income,
        cast(AMT_CREDIT as double) as credit,
        cast(AMT_ANNUITY as double) as annuity,
        cast(AMT_GOODS_PRICE as double) as goods_price
    from application
),
counted as (
    select
        SK_ID_CURR,
        case when source_1 is null then 0 else 1 end + case when source_2 is null then 0 else 1 end
            + case when source_3 is null then 0 else 1 end as sources_count
    from cleaned
)
select
    application.SK_ID_CURR,

    -- external scores; higher is safer
    source_1 as ext_source_1,
    source_2 as ext_source_2,
    source_3 as ext_source_3,
    (coalesce(source_1, 0) + coalesce(source_2, 0) + coalesce(source_3, 0)) / nullif(sources_count, 0)
        as ext_source_mean,
    least(source_1, source_2, source_3) as ext_source_min,
    greatest(source_1, source_2, source_3) as ext_source_max,
    greatest(source_1, source_2, source_3) - least(source_1, source_2, source_3) as ext_source_spread,
    source_1 * source_2 * source_3 as ext_source_product,
    source_1 * source_2 as ext_source_product_1_2,
    source_1 * source_3 as ext_source_product_1_3,
    source_2 * source_3 as ext_source_product_2_3,
    (source_2 + source_3) / 2 as ext_source_mean_2_3,
    3 - sources_count as ext_source_missing_count,

    -- the credit asked for
    NAME_CONTRACT_TYPE as contract_type,
    income as income_amount,
    credit as credit_amount,
    annuity as annuity_amount,
    goods_price as goods_price_amount,
    credit / nullif(annuity, 0) as credit_to_annuity,
    credit / nullif(goods_price, 0) as credit_to_goods,
    credit / nullif(income, 0) as credit_to_income,
    annuity / nullif(income, 0) as annuity_to_income,
    goods_price / nullif(income, 0) as goods_to_income,
    cast(AMT_CREDIT - AMT_GOODS_PRICE as double) as credit_above_goods_amount,
    -- Terms are multiples of half a year: the shortest one that pays the credit back leaves this share as interest.
    6 * ceil(credit / nullif(annuity, 0) / 6) * annuity / nullif(credit, 0) - 1 as implied_interest_half_years,
    12 * ceil(credit / nullif(annuity, 0) / 12) * annuity / nullif(credit, 0) - 1 as implied_interest_years,

    -- work and age
    age_days / 365.25 as age_years,
    employed_days / 365.25 as employed_years,
    not_employed_flag,
    cast(employed_days as double) / nullif(age_days, 0) as employed_to_age,
    case when DAYS_REGISTRATION between -36500 and 0 then -DAYS_REGISTRATION end / 365.25 as registration_years,
    case when DAYS_ID_PUBLISH between -36500 and 0 then -DAYS_ID_PUBLISH end / 365.25 as id_document_years,
    case when DAYS_LAST_PHONE_CHANGE between -36500 and 0 then -DAYS_LAST_PHONE_CHANGE end / 365.25
        as phone_change_years,
    OWN_CAR_AGE as own_car_age_years,
    -- Maternity leave tells sex: whoever takes it has work to come back to.
    case NAME_INCOME_TYPE when 'Maternity leave' then 'Working' else NAME_INCOME_TYPE end as income_type,
    NAME_EDUCATION_TYPE as education_type,
    OCCUPATION_TYPE as occupation_type,
    -- 58 kinds of employer are too many to learn from; a church says what a person believes, so it is not told apart.
    case
        when ORGANIZATION_TYPE like 'Business Entity%' then 'business'
        when ORGANIZATION_TYPE like 'Industry%' then 'industry'
        when ORGANIZATION_TYPE like 'Trade%' then 'trade'
        when ORGANIZATION_TYPE like 'Transport%' then 'transport'
        when ORGANIZATION_TYPE in ('Government', 'Military', 'Police', 'Security Ministries', 'Emergency', 'Postal',
            'Legal Services') then 'state'
        when ORGANIZATION_TYPE in ('School', 'University', 'Kindergarten', 'Culture') then 'education'
        when ORGANIZATION_TYPE = 'Medicine' then 'health'
        when ORGANIZATION_TYPE in ('Bank', 'Insurance', 'Realtor', 'Advertising', 'Telecom', 'Mobile') then 'offices'
        when ORGANIZATION_TYPE in ('Restaurant', 'Hotel', 'Services', 'Cleaning', 'Security') then 'services'
        when ORGANIZATION_TYPE in ('Housing', 'Electricity') then 'utilities'
        when ORGANIZATION_TYPE in ('Construction', 'Agriculture', 'Self-employed') then lower(ORGANIZATION_TYPE)
        when ORGANIZATION_TYPE = 'XNA' then 'none'
        when ORGANIZATION_TYPE is not null then 'other'
    end as employer_sector,
    NAME_HOUSING_TYPE as housing_type,
    case FLAG_OWN_CAR when 'Y' then 1 when 'N' then 0 end as own_car_flag,
    case FLAG_OWN_REALTY when 'Y' then 1 when 'N' then 0 end as own_realty_flag,

    -- ways to reach the applicant
    case FLAG_EMP_PHONE when 1 then 1 when 0 then 0 end as employer_phone_flag,
    case FLAG_WORK_PHONE when 1 then 1 when 0 then 0 end as work_phone_flag,
    case FLAG_CONT_MOBILE when 1 then 1 when 0 then 0 end as mobile_reachable_flag,
    case FLAG_PHONE when 1 then 1 when 0 then 0 end as home_phone_flag,
    case FLAG_EMAIL when 1 then 1 when 0 then 0 end as email_flag,

    -- where
    REGION_POPULATION_RELATIVE as region_population_share,
    case when REGION_RATING_CLIENT between 1 and 3 then cast(REGION_RATING_CLIENT as integer) end as region_rating,
    case when REGION_RATING_CLIENT_W_CITY between 1 and 3 then cast(REGION_RATING_CLIENT_W_CITY as integer) end
        as region_rating_with_city,
    case REG_REGION_NOT_LIVE_REGION when 1 then 1 when 0 then 0 end as registered_elsewhere_than_living_region_flag,
    case REG_REGION_NOT_WORK_REGION when 1 then 1 when 0 then 0 end as registered_elsewhere_than_working_region_flag,
    case LIVE_REGION_NOT_WORK_REGION when 1 then 1 when 0 then 0 end as living_elsewhere_than_working_region_flag,
    case REG_CITY_NOT_LIVE_CITY when 1 then 1 when 0 then 0 end as registered_elsewhere_than_living_city_flag,
    case REG_CITY_NOT_WORK_CITY when 1 then 1 when 0 then 0 end as registered_elsewhere_than_working_city_flag,
    case LIVE_CITY_NOT_WORK_CITY when 1 then 1 when 0 then 0 end as living_elsewhere_than_working_city_flag,

    -- bureau enquiries
    AMT_REQ_CREDIT_BUREAU_HOUR as enquiries_hour_count,
    AMT_REQ_CREDIT_BUREAU_DAY as enquiries_day_count,
    AMT_REQ_CREDIT_BUREAU_WEEK as enquiries_week_count,
    AMT_REQ_CREDIT_BUREAU_MON as enquiries_month_count,
    AMT_REQ_CREDIT_BUREAU_QRT as enquiries_quarter_count,
    AMT_REQ_CREDIT_BUREAU_YEAR as enquiries_year_count,
    cast(AMT_REQ_CREDIT_BUREAU_HOUR as double) + AMT_REQ_CREDIT_BUREAU_DAY + AMT_REQ_CREDIT_BUREAU_WEEK
        + AMT_REQ_CREDIT_BUREAU_MON as enquiries_recent_count,

    -- documents
    case FLAG_DOCUMENT_2 when 1 then 1 when 0 then 0 end as document_2_flag,
    case FLAG_DOCUMENT_3 when 1 then 1 when 0 then 0 end as document_3_flag,
    case FLAG_DOCUMENT_5 when 1 then 1 when 0 then 0 end as document_5_flag,
    case FLAG_DOCUMENT_6 when 1 then 1 when 0 then 0 end as document_6_flag,
    case FLAG_DOCUMENT_8 when 1 then 1 when 0 then 0 end as document_8_flag,
    case FLAG_DOCUMENT_13 when 1 then 1 when 0 then 0 end as document_13_flag,
    case FLAG_DOCUMENT_16 when 1 then 1 when 0 then 0 end as document_16_flag,
    case FLAG_DOCUMENT_18 when 1 then 1 when 0 then 0 end as document_18_flag,

    -- the building
    APARTMENTS_AVG as building_apartments,
    YEARS_BEGINEXPLUATATION_AVG as building_years_in_use,
    ELEVATORS_AVG as building_elevators,
    ENTRANCES_AVG as building_entrances,
    FLOORSMAX_AVG as building_floors_max,
    LIVINGAREA_AVG as building_living_area,
    TOTALAREA_MODE as building_total_area,
    HOUSETYPE_MODE as building_house_type,
    WALLSMATERIAL_MODE as building_walls,
    EMERGENCYSTATE_MODE as building_emergency
from application
inner join cleaned on cleaned.SK_ID_CURR = application.SK_ID_CURR
inner join counted on counted.SK_ID_CURR = application.SK_ID_CURR
