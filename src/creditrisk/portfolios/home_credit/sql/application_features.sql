-- application_features: one row per SK_ID_CURR. What the application itself and the external sources say.
-- *_amount in the book's currency, *_years in years (365.25 days), *_share in [0, 1], *_to_* are plain ratios,
-- *_count are whole numbers, flags are 0 or 1. Reads application.
with
cleaned as (
    select
        SK_ID_CURR,
        -- 365243 is the marker for "not employed", not a thousand-year career: null it before any ratio.
        case when DAYS_EMPLOYED between -36500 and 0 then -DAYS_EMPLOYED end as employed_days,
        -- Living on a pension or on public assistance counts like the best work there is, never for less:
        -- docs/fair-lending-policy.md.
        coalesce(NAME_INCOME_TYPE in ('Pensioner', 'Unemployed'), false) or coalesce(DAYS_EMPLOYED = 365243, false)
            as supported,
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
    source_1 * source_2 * source_3 as ext_source_product,
    source_1 * source_2 as ext_source_product_1_2,
    source_1 * source_3 as ext_source_product_1_3,
    source_2 * source_3 as ext_source_product_2_3,
    (source_2 + source_3) / 2 as ext_source_mean_2_3,
    3 - sources_count as ext_source_missing_count,

    -- the credit asked for
    case NAME_CONTRACT_TYPE when 'Revolving loans' then 1 when 'Cash loans' then 0 end as revolving_flag,
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
    case when supported then 50 when employed_days / 365.25 < 50 then employed_days / 365.25
        when employed_days is not null then 50 end as employed_years,
    case when DAYS_REGISTRATION between -36500 and 0 then -DAYS_REGISTRATION end / 365.25 as registration_years,
    case when DAYS_ID_PUBLISH between -36500 and 0 then -DAYS_ID_PUBLISH end / 365.25 as id_document_years,
    case when DAYS_LAST_PHONE_CHANGE between -36500 and 0 then -DAYS_LAST_PHONE_CHANGE end / 365.25
        as phone_change_years,
    -- 40 years less the car's age; 0 without a car, or with one of unknown age.
    case when OWN_CAR_AGE < 40 then 40 - OWN_CAR_AGE else 0 end as own_car_newness,
    case NAME_EDUCATION_TYPE when 'Lower secondary' then 1 when 'Secondary / secondary special' then 2
        when 'Incomplete higher' then 3 when 'Higher education' then 4 when 'Academic degree' then 5 end
        as education_level,
    -- Skill levels 1 to 4 of the International Standard Classification of Occupations (ISCO-08), roughly.
    case when supported then 5
        when OCCUPATION_TYPE in ('Low-skill Laborers', 'Cleaning staff', 'Laborers') then 1
        when OCCUPATION_TYPE in ('Drivers', 'Cooking staff', 'Waiters/barmen staff', 'Security staff', 'Sales staff',
            'Private service staff', 'Secretaries') then 2
        when OCCUPATION_TYPE in ('Core staff', 'Realty agents', 'HR staff', 'Medicine staff', 'High skill tech staff',
            'IT staff') then 3
        when OCCUPATION_TYPE in ('Managers', 'Accountants') then 4 end as occupation_skill,
    -- How steady work is in a sector; 58 kinds of employer are too many to learn from, and a church is not told apart.
    case when supported then 4
        when ORGANIZATION_TYPE in ('Government', 'Military', 'Police', 'Security Ministries', 'Emergency', 'Postal',
            'Legal Services', 'School', 'University', 'Kindergarten', 'Culture', 'Medicine', 'Bank', 'Insurance',
            'Electricity', 'Housing', 'Telecom') then 3
        when ORGANIZATION_TYPE in ('Construction', 'Agriculture', 'Self-employed', 'Restaurant', 'Hotel', 'Services',
            'Cleaning', 'Security', 'Realtor', 'Mobile', 'Advertising') or ORGANIZATION_TYPE like 'Transport%'
            or ORGANIZATION_TYPE like 'Trade%' then 1
        when ORGANIZATION_TYPE <> 'XNA' then 2 end as employer_steadiness,
    case when NAME_HOUSING_TYPE in ('Rented apartment', 'With parents') then 1
        when NAME_HOUSING_TYPE = 'Municipal apartment' then 2
        when NAME_HOUSING_TYPE in ('House / apartment', 'Office apartment', 'Co-op apartment') then 3 end
        as housing_security,
    case FLAG_OWN_CAR when 'Y' then 1 when 'N' then 0 end as own_car_flag,
    case FLAG_OWN_REALTY when 'Y' then 1 when 'N' then 0 end as own_realty_flag,

    -- ways to reach the applicant
    case FLAG_CONT_MOBILE when 1 then 1 when 0 then 0 end as mobile_reachable_flag,
    case FLAG_PHONE when 1 then 1 when 0 then 0 end as home_phone_flag,
    case FLAG_EMAIL when 1 then 1 when 0 then 0 end as email_flag,

    -- where
    REGION_POPULATION_RELATIVE as region_population_share,
    case when REGION_RATING_CLIENT between 1 and 3 then cast(REGION_RATING_CLIENT as integer) end as region_rating,
    case when REGION_RATING_CLIENT_W_CITY between 1 and 3 then cast(REGION_RATING_CLIENT_W_CITY as integer) end
        as region_rating_with_city,
    case REG_REGION_NOT_LIVE_REGION when 1 then 1 when 0 then 0 end as registered_elsewhere_than_living_region_flag,
    case when supported then 0 when REG_REGION_NOT_WORK_REGION in (0, 1) then REG_REGION_NOT_WORK_REGION end
        as registered_elsewhere_than_working_region_flag,
    case when supported then 0 when LIVE_REGION_NOT_WORK_REGION in (0, 1) then LIVE_REGION_NOT_WORK_REGION end
        as living_elsewhere_than_working_region_flag,
    case REG_CITY_NOT_LIVE_CITY when 1 then 1 when 0 then 0 end as registered_elsewhere_than_living_city_flag,
    case when supported then 0 when REG_CITY_NOT_WORK_CITY in (0, 1) then REG_CITY_NOT_WORK_CITY end
        as registered_elsewhere_than_working_city_flag,
    case when supported then 0 when LIVE_CITY_NOT_WORK_CITY in (0, 1) then LIVE_CITY_NOT_WORK_CITY end
        as living_elsewhere_than_working_city_flag,

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
    TOTALAREA_MODE as building_total_area
from application
inner join cleaned on cleaned.SK_ID_CURR = application.SK_ID_CURR
inner join counted on counted.SK_ID_CURR = application.SK_ID_CURR
