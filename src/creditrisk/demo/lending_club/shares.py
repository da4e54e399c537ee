"""How often each value occurs, rounded from the published table, and invented words. Safe first, risky last."""

from __future__ import annotations

YEARS = {
    2007: 0.010, 2008: 0.035, 2009: 0.080, 2010: 0.150, 2011: 0.205, 2012: 0.200, 2013: 0.110, 2014: 0.080, 2015: 0.060,
    2016: 0.045, 2017: 0.025,
}  # fmt: skip
"""Loans by year of issue. The real book grew twentyfold after 2012; here most loans are old enough to be finished."""

PURPOSE = {
    "wedding": 0.010, "car": 0.018, "credit_card": 0.185, "major_purchase": 0.032, "home_improvement": 0.068,
    "house": 0.006, "debt_consolidation": 0.540, "vacation": 0.008, "moving": 0.009, "medical": 0.015,
    "educational": 0.004, "renewable_energy": 0.002, "other": 0.075, "small_business": 0.028,
}  # fmt: skip

TITLE = {
    "wedding": "Wedding expenses", "car": "Car financing", "credit_card": "Credit card refinancing",
    "major_purchase": "Major purchase", "home_improvement": "Home improvement", "house": "Home buying",
    "debt_consolidation": "Debt consolidation", "vacation": "Vacation", "moving": "Moving and relocation",
    "medical": "Medical expenses", "educational": "Learning and training", "renewable_energy": "Green loan",
    "other": "Other", "small_business": "Business",
}  # fmt: skip
"""What the lender's form wrote from 2013 on; before, borrowers wrote their own."""

HOME = {"MORTGAGE": 0.474, "OWN": 0.092, "RENT": 0.4305, "OTHER": 0.003, "NONE": 0.0005}

EMP_LENGTH = {
    "10+ years": 0.297, "9 years": 0.035, "8 years": 0.043, "7 years": 0.047, "6 years": 0.056, "5 years": 0.075,
    "4 years": 0.078, "3 years": 0.092, "2 years": 0.107, "1 year": 0.078, "< 1 year": 0.092,
}  # fmt: skip

VERIFICATION = {"Not Verified": 0.36, "Source Verified": 0.32, "Verified": 0.32}

SUB_GRADE = (
    0.030, 0.035, 0.040, 0.052, 0.056, 0.052, 0.055, 0.062, 0.064, 0.063, 0.060, 0.055, 0.050, 0.046, 0.042, 0.034,
    0.031, 0.029, 0.026, 0.023, 0.0165, 0.0145, 0.0125, 0.0115, 0.0105, 0.0075, 0.006, 0.0052, 0.0043, 0.0037, 0.0022,
    0.0016, 0.0013, 0.001, 0.001,
)  # fmt: skip
"""A1 to G5."""

STATES: dict[str, tuple[float, int, int]] = {
    "CA": (0.155, 900, 961), "NY": (0.086, 100, 149), "TX": (0.079, 750, 799), "FL": (0.071, 320, 349),
    "IL": (0.040, 600, 629), "NJ": (0.037, 70, 89), "PA": (0.035, 150, 196), "OH": (0.033, 430, 458),
    "GA": (0.033, 300, 319), "VA": (0.030, 220, 246), "NC": (0.028, 270, 289), "MI": (0.026, 480, 499),
    "MD": (0.024, 206, 219), "MA": (0.023, 10, 27), "AZ": (0.023, 850, 865), "WA": (0.022, 980, 994),
    "CO": (0.021, 800, 816), "MN": (0.018, 550, 567), "IN": (0.016, 460, 479), "MO": (0.016, 630, 658),
    "CT": (0.016, 60, 69), "NV": (0.014, 889, 898), "TN": (0.014, 370, 385), "WI": (0.013, 530, 549),
    "AL": (0.0125, 350, 369), "OR": (0.012, 970, 979), "SC": (0.012, 290, 299), "LA": (0.0115, 700, 714),
    "KY": (0.0095, 400, 427), "OK": (0.009, 730, 749), "KS": (0.0085, 660, 679), "AR": (0.0075, 716, 729),
    "UT": (0.0075, 840, 847), "NM": (0.0055, 870, 884), "HI": (0.005, 967, 968), "NH": (0.0048, 30, 38),
    "WV": (0.0045, 247, 268), "RI": (0.0044, 28, 29), "MS": (0.004, 386, 397), "MT": (0.0029, 590, 599),
    "DE": (0.0028, 197, 199), "DC": (0.0028, 200, 205), "AK": (0.0024, 995, 999), "WY": (0.0022, 820, 831),
    "VT": (0.002, 50, 59), "SD": (0.002, 570, 577), "NE": (0.0015, 680, 693), "ME": (0.0012, 39, 49),
    "ND": (0.001, 580, 588), "ID": (0.0008, 832, 838), "IA": (0.0002, 500, 528),
}  # fmt: skip
"""Share of loans, and the first and last three digits of the state's zip codes."""

SENIORITY = ("", "", "", "", "Senior ", "Assistant ", "Lead ", "Head ", "Junior ", "Regional ", "Deputy ", "Chief ")
JOBS = (
    "Teacher", "Manager", "Registered Nurse", "Driver", "Supervisor", "Engineer", "Project Manager", "Sales", "Owner",
    "Office Manager", "Truck Driver", "Technician", "Accountant", "Analyst", "Director", "Server", "Mechanic",
    "Electrician", "Administrator", "Cook", "Bookkeeper", "Paralegal", "Machinist", "Officer", "Consultant", "Clerk",
    "Designer", "Operator", "Foreman", "Cashier", "Programmer", "Librarian", "Pharmacist", "Carpenter", "Dispatcher",
    "Inspector, Quality", "Secretary", "Welder", "Custodian", "Therapist",
)  # fmt: skip

PLANS = (
    "pay off my credit cards",
    "bring several debts into one payment",
    "repair the roof and paint the house",
    "pay for our wedding",
    "buy a used car",
    "cover medical bills",
    "move closer to work",
    "start a small shop",
)
REMARKS = (
    "My job is stable, and I have never missed a payment.",
    'I want one payment a month, not five; "simple" is the word.',
    "The rates on my cards are too high, so this loan saves me money.",
    "I pay all bills on time.",
    "Thank you for considering this request!",
)

STATUS = (
    "Fully Paid", "Charged Off", "Current", "In Grace Period", "Late (16-30 days)", "Late (31-120 days)", "Default",
    "Does not meet the credit policy. Status:Fully Paid", "Does not meet the credit policy. Status:Charged Off",
)  # fmt: skip
PAID, CHARGED_OFF, CURRENT, GRACE, LATE_16, LATE_31, DEFAULT, NO_POLICY_PAID, NO_POLICY_CHARGED_OFF = range(9)

HARDSHIP_REASON = {
    "NATURAL_DISASTER": 0.33, "UNEMPLOYMENT": 0.17, "MEDICAL": 0.15, "EXCESSIVE_OBLIGATIONS": 0.15,
    "INCOME_CURTAILMENT": 0.14, "REDUCED_HOURS": 0.04, "DISABILITY": 0.02,
}  # fmt: skip
