"""Names of the figures: their columns, what they are of, and what they are called for people.

Every metric is defined exactly in docs/monitoring.md.
"""

from typing import Final

# columns
METRIC: Final = "metric"
BY: Final = "by"
GROUP: Final = "group"
VALUE: Final = "value"
LOW: Final = "low"
HIGH: Final = "high"
N: Final = "n"
BEFORE: Final = "before"
CHANGE: Final = "change"
CHANGE_LOW: Final = "change_low"
CHANGE_HIGH: Final = "change_high"
COLUMNS: Final = (
    METRIC, BY, GROUP, VALUE, LOW, HIGH, N, BEFORE, CHANGE, CHANGE_LOW, CHANGE_HIGH,
)  # fmt: skip

# what a figure is by
ALL: Final = "all"
DAY: Final = "day"
SEGMENT: Final = "segment"
RELEASE: Final = "release"
ARM: Final = "arm"
RANK: Final = "rank"
GENRE: Final = "genre"
MOST_SHOWN: Final = "most_shown"
LEAST_SHOWN: Final = "least_shown"

# metrics
CLICK_THROUGH: Final = "click_through"
LIST_CLICK_THROUGH: Final = "list_click_through"
CLICKS: Final = "clicks"
WATCH_MINUTES: Final = "watch_minutes"
SATISFACTION: Final = "satisfaction"
ACTIVE_DAYS: Final = "active_days"
RETURN_RATE: Final = "return_rate"
CHURN_RATE: Final = "churn_rate"
FALLBACK_SHARE: Final = "fallback_share"
NEW_USERS: Final = "new_users"
DIVERSITY: Final = "diversity"
COVERAGE: Final = "coverage"
CONCENTRATION: Final = "concentration"
TOP_SHARE: Final = "top_share"
AVAILABILITY: Final = "availability"
ERROR_RATE: Final = "error_rate"
LATENCY_P50: Final = "latency_p50"
LATENCY_P95: Final = "latency_p95"
LATENCY_P99: Final = "latency_p99"
USERS: Final = "users"
ANSWERS: Final = "answers"
IMPRESSIONS: Final = "impressions"
ACTIONS: Final = "actions"

SHARES: Final = frozenset(
    {
        CLICK_THROUGH, LIST_CLICK_THROUGH, RETURN_RATE, CHURN_RATE, FALLBACK_SHARE, NEW_USERS,
        DIVERSITY, COVERAGE, CONCENTRATION, TOP_SHARE, AVAILABILITY, ERROR_RATE,
    }
)  # fmt: skip
"""Metrics that lie between 0 and 1."""

LABELS: Final = {
    CLICK_THROUGH: "Click-through",
    LIST_CLICK_THROUGH: "Lists with a click",
    CLICKS: "Clicks per user and week",
    WATCH_MINUTES: "Minutes watched per user and week",
    SATISFACTION: "Satisfaction (mean rating)",
    ACTIVE_DAYS: "Active days per user and week",
    RETURN_RATE: "Share of users who return",
    CHURN_RATE: "Share of users who leave",
    FALLBACK_SHARE: "Share of lists that are not personal",
    NEW_USERS: "Share of users who are new",
    DIVERSITY: "Variety of genres within a list",
    COVERAGE: "Share of the catalogue shown",
    CONCENTRATION: "Concentration (Gini)",
    TOP_SHARE: "Share of the most shown 1 % of movies",
    AVAILABILITY: "Availability",
    ERROR_RATE: "Error rate",
    LATENCY_P50: "Latency, median (s)",
    LATENCY_P95: "Latency, 95 of 100 (s)",
    LATENCY_P99: "Latency, 99 of 100 (s)",
    USERS: "Users",
    ANSWERS: "Lists shown",
    IMPRESSIONS: "Movies shown",
    ACTIONS: "Actions",
}
"""What each metric is called for people; these are all of them."""
