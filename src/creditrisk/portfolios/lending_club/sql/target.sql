-- target: one row per loan (loan_key). target 1 = charged off or defaulted, 0 = fully paid, NULL = neither is known.
-- Reads application with every column; $observed_until is the day until which outcomes were observed.
-- A loan counts once its term and six months more have passed, whatever its state: one that ended early, well or
-- badly, would otherwise stand beside others of its month whose end is not yet known.
with loan as (
    select
        loan_key,
        trim(replace(loan_status, 'Does not meet the credit policy. Status:', '')) as status,
        -- The same day of the month, or the last one of a shorter month.
        issue_d + (term + 6) * interval '1 month' <= cast($observed_until as date) as matured
    from application
)
select
    loan_key,
    case when status in ('Charged Off', 'Default') then 1 when status = 'Fully Paid' then 0 end as target,
    case
        when matured is null or not matured then 'immature'
        when status in ('Charged Off', 'Default', 'Fully Paid') then 'observed'
        else 'indeterminate'
    end as label_state
from loan
