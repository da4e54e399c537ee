"""How often each value occurs, rounded from the published tables. Order matters: safe first, risky last."""

from __future__ import annotations

EDUCATION = {
    "Academic degree": 0.0005, "Higher education": 0.2434, "Incomplete higher": 0.0334,
    "Secondary / secondary special": 0.7102, "Lower secondary": 0.0124,
}  # fmt: skip

INCOME_TYPE = {
    "Businessman": 0.0001, "State servant": 0.086, "Commercial associate": 0.284, "Working": 0.6296,
    "Student": 0.0001, "Unemployed": 0.0001, "Maternity leave": 0.0001,
}  # fmt: skip
"""Of those who are not retired."""

OCCUPATION = {
    "Accountants": 0.0465, "HR staff": 0.0027, "IT staff": 0.0025, "High skill tech staff": 0.0539,
    "Core staff": 0.1306, "Managers": 0.1012, "Medicine staff": 0.0404, "Secretaries": 0.0062,
    "Private service staff": 0.0126, "Realty agents": 0.0036, "Sales staff": 0.1520, "Cooking staff": 0.0282,
    "Laborers": 0.2614, "Security staff": 0.0318, "Cleaning staff": 0.0220, "Drivers": 0.0881,
    "Waiters/barmen staff": 0.0064, "Low-skill Laborers": 0.0099,
}  # fmt: skip

FAMILY_STATUS = {
    "Widow": 0.0523, "Married": 0.6388, "Separated": 0.0643, "Civil marriage": 0.0968,
    "Single / not married": 0.1478, "Unknown": 0.000007,
}  # fmt: skip

HOUSING_TYPE = {
    "Co-op apartment": 0.0036, "Office apartment": 0.0085, "House / apartment": 0.8873,
    "Municipal apartment": 0.0364, "With parents": 0.0483, "Rented apartment": 0.0159,
}  # fmt: skip

TYPE_SUITE = {
    "Unaccompanied": 0.8116, "Family": 0.1311, "Spouse, partner": 0.0371, "Children": 0.0107, "Other_B": 0.0058,
    "Other_A": 0.0028, "Group of people": 0.0009,
}  # fmt: skip

ORGANIZATION = {
    "Business Entity Type 3": 0.2699, "Self-employed": 0.1525, "Other": 0.0662, "Medicine": 0.0444,
    "Business Entity Type 2": 0.0419, "Government": 0.0413, "School": 0.0353, "Trade: type 7": 0.0311,
    "Kindergarten": 0.0273, "Construction": 0.0267, "Business Entity Type 1": 0.0238, "Transport: type 4": 0.0214,
    "Trade: type 3": 0.0139, "Industry: type 9": 0.0134, "Industry: type 3": 0.0130, "Security": 0.0129,
    "Housing": 0.0118, "Industry: type 11": 0.0107, "Military": 0.0105, "Bank": 0.0099, "Agriculture": 0.0097,
    "Police": 0.0093, "Transport: type 2": 0.0087, "Postal": 0.0086, "Security Ministries": 0.0078,
    "Trade: type 2": 0.0075, "Restaurant": 0.0072, "Services": 0.0063, "University": 0.0053,
    "Industry: type 7": 0.0052, "Transport: type 3": 0.0047, "Industry: type 1": 0.0041, "Hotel": 0.0038,
    "Electricity": 0.0038, "Industry: type 4": 0.0035, "Trade: type 6": 0.0025, "Industry: type 5": 0.0024,
    "Insurance": 0.0024, "Telecom": 0.0023, "Emergency": 0.0022, "Industry: type 2": 0.0018, "Advertising": 0.0017,
    "Realtor": 0.0016, "Culture": 0.0015, "Industry: type 12": 0.0015, "Trade: type 1": 0.0014, "Mobile": 0.0013,
    "Legal Services": 0.0012, "Cleaning": 0.0010, "Transport: type 1": 0.0008, "Industry: type 6": 0.0004,
    "Industry: type 10": 0.0004, "Religion": 0.0003, "Industry: type 13": 0.0003, "Trade: type 4": 0.0003,
    "Trade: type 5": 0.0002, "Industry: type 8": 0.0001,
}  # fmt: skip
"""Of those who are not retired; the retired have XNA."""

WEEKDAY = {
    "MONDAY": 0.165, "TUESDAY": 0.175, "WEDNESDAY": 0.169, "THURSDAY": 0.165, "FRIDAY": 0.164, "SATURDAY": 0.110,
    "SUNDAY": 0.052,
}  # fmt: skip

HOUR = (
    0.0001, 0.0003, 0.001, 0.0039, 0.0068, 0.0112, 0.0175, 0.0296, 0.0489, 0.0903, 0.1229, 0.1211, 0.1112, 0.1005,
    0.0897, 0.0800, 0.0659, 0.0454, 0.0273, 0.0125, 0.0038, 0.0013, 0.0005, 0.0001,
)  # fmt: skip

REGION_POPULATION = {
    1: (0.072508, 0.035792, 0.032561, 0.026392, 0.018801),
    2: (0.04622, 0.035792, 0.030755, 0.028663, 0.025164, 0.0228, 0.020713, 0.019101, 0.015221, 0.010032, 0.008019,
        0.006207, 0.003122),
    3: (0.025164, 0.020246, 0.018029, 0.014464, 0.010006, 0.006852, 0.002134),
}  # fmt: skip
"""By region rating; the real file has 81 values."""

CHILDREN = (0.655, 0.225, 0.101, 0.0148, 0.0018, 0.0003)

DOCUMENT = {
    2: 0.00004, 4: 0.00008, 5: 0.0151, 7: 0.0002, 9: 0.0039, 10: 0.00002, 11: 0.0039, 12: 0.00001, 13: 0.0035,
    14: 0.0029, 15: 0.0012, 16: 0.0099, 17: 0.0003, 18: 0.0081, 19: 0.0006, 20: 0.0005, 21: 0.0003,
}  # fmt: skip
"""Papers that were handed in, besides 3, 6 and 8."""

EXT_SOURCE = (
    ((0, 0.014), (0.01, 0.082), (0.05, 0.16), (0.25, 0.335), (0.5, 0.506), (0.75, 0.676), (0.95, 0.832),
     (0.99, 0.89), (1, 0.96)),
    ((0, 0.0), (0.01, 0.03), (0.05, 0.135), (0.25, 0.392), (0.5, 0.566), (0.75, 0.664), (0.95, 0.747),
     (0.99, 0.782), (1, 0.855)),
    ((0, 0.0005), (0.01, 0.065), (0.05, 0.157), (0.25, 0.371), (0.5, 0.535), (0.75, 0.669), (0.95, 0.79),
     (0.99, 0.833), (1, 0.896)),
)  # fmt: skip

DAYS_BIRTH = (
    (0.0, -25229.0), (0.01, -24390.0), (0.05, -23200.0), (0.25, -19650.0), (0.5, -15750.0), (0.75, -12413.0),
    (0.95, -9410.0), (0.99, -8270.0), (1.0, -7489.0),
)  # fmt: skip

DAYS_EMPLOYED = (
    (0.0, -17500.0), (0.01, -11700.0), (0.05, -7700.0), (0.25, -3180.0), (0.5, -1650.0), (0.75, -767.0),
    (0.95, -190.0), (0.99, -80.0), (1.0, -10.0),
)  # fmt: skip

DAYS_ID_PUBLISH = (
    (0.0, -6250.0), (0.01, -5500.0), (0.05, -4950.0), (0.25, -4299.0), (0.5, -3254.0), (0.75, -1720.0), (0.95, -375.0),
    (0.99, -60.0), (1.0, -1.0),
)  # fmt: skip

CREDIT_TO_GOODS = (
    (0.0, 1.0), (0.30, 1.0), (0.31, 1.045), (0.5, 1.13), (0.75, 1.198), (0.95, 1.34), (1.0, 1.6),
)  # fmt: skip
"""Above 1 by the insurance that is lent along."""

CREDIT_TO_ANNUITY = (
    (0.0, 8.0), (0.05, 11.5), (0.25, 15.8), (0.5, 20.3), (0.75, 27.0), (0.95, 35.5), (1.0, 45.0),
)  # fmt: skip

PHONE_CHANGE = (
    (0.0, -4185.0), (0.01, -3150.0), (0.05, -2520.0), (0.25, -1570.0), (0.5, -757.0), (0.75, -274.0),
    (0.875, -4.0), (0.9, 0.0), (1.0, 0.0),
)  # fmt: skip
