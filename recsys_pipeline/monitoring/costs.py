"""What computing costs a month, from what was measured and what things cost."""

from dataclasses import dataclass
from typing import Final

DAYS_PER_MONTH: Final = 365.25 / 12
HOURS_PER_MONTH: Final = 24 * DAYS_PER_MONTH
WEEKS_PER_MONTH: Final = DAYS_PER_MONTH / 7
_SECONDS_PER_HOUR: Final = 3600
_GIGABYTE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """The parts of a month's cost, in the currency of the prices.

    Attributes:
        weekly_run: the weekly job, by the processor time that it took.
        storage: tables, releases and logs.
        servers: machines that answer requests, all month and whether busy or not.
        fixed: whatever else it costs a month.
    """

    weekly_run: float
    storage: float
    servers: float
    fixed: float

    @property
    def computing(self) -> float:
        """What the infrastructure costs: everything but `fixed`."""
        return self.weekly_run + self.storage + self.servers

    @property
    def total(self) -> float:
        """Everything."""
        return self.computing + self.fixed


def monthly_cost(
    *,
    core_seconds: float,
    stored_bytes: float,
    servers: int,
    cores_per_server: int,
    core_hour: float,
    gigabyte_month: float,
    fixed: float = 0.0,
) -> MonthlyCost:
    """The cost of a month of 365.25 / 12 days.

    Args:
        core_seconds: processor time of one weekly run, measured, summed over cores.
        stored_bytes: what lies in storage, measured; a gigabyte is 10⁹ of them.
        servers, cores_per_server: machines that answer requests.
        core_hour: price of one core for an hour.
        gigabyte_month: price of a gigabyte stored for a month.
        fixed: price of the rest, a month.

    Raises:
        ValueError: an argument is negative.

    >>> cost = monthly_cost(
    ...     core_seconds=7200, stored_bytes=2e9, servers=2, cores_per_server=2,
    ...     core_hour=0.05, gigabyte_month=0.1,
    ... )
    >>> round(cost.weekly_run, 2), cost.storage, round(cost.servers, 2), round(cost.total, 2)
    (0.43, 0.2, 146.1, 146.73)
    """
    measured = (core_seconds, stored_bytes, servers, cores_per_server)
    prices = (core_hour, gigabyte_month, fixed)
    if min(*measured, *prices) < 0:
        raise ValueError(f"a cost from negative figures: {measured}, {prices}")
    return MonthlyCost(
        weekly_run=core_seconds / _SECONDS_PER_HOUR * core_hour * WEEKS_PER_MONTH,
        storage=stored_bytes / _GIGABYTE * gigabyte_month,
        servers=servers * cores_per_server * HOURS_PER_MONTH * core_hour,
        fixed=fixed,
    )
