#!/usr/bin/env python3
"""The ticks of cron expressions in four time zones over ten years, found without any code of Baton.

croniter finds the local times, zoneinfo says which moments they are. The rules of DST are those of docs/schedules.md:
an expression that names every hour of the day follows the passing of time; any other names times of day, each of which
counts once: at its first occurrence, or at the first moment after the gap that swallowed it.

    python3 -m venv /tmp/reference && /tmp/reference/bin/pip install croniter==7.0.0 tzdata==2026.6
    /tmp/reference/bin/python server/domain/tests/reference/ticks.py > server/domain/tests/reference/ticks.tsv

A line: zone, expression, number of ticks, SHA-256 over all of them (seconds since 1970, a line each), and those within
three hours of a change of the clocks. tests/rules/schedule_zones.rs compares.
"""

import hashlib
import os
import sys
from datetime import datetime, timedelta, timezone

os.environ["PYTHONTZPATH"] = ""  # The rules of the package tzdata, not of this machine.
from zoneinfo import ZoneInfo  # noqa: E402

from croniter import croniter  # noqa: E402

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
FIRST, END = datetime(2026, 1, 1), datetime(2036, 1, 1)
AROUND = timedelta(hours=3)
# Seconds come first where there are six fields.
EXPRESSIONS = [
    "*/30 * * * *",
    "0 * * * *",
    "45 * * * MON",
    "0 2 * * *",
    "30 2 * * *",
    "15 1 * * *",
    "*/20 1-3 * * *",
    "5 */2 * * *",
    "0 9 * * MON-FRI",
    "0 0 1 * *",
    "0 0 L * *",
    "45 23 * * SUN",
    "0 12 13 * FRI",
    "0 0 29 2 *",
    "30 59 1 * * *",
    "0 3 1-7 */3 0,6",
]
UTC = timezone.utc


def local_times(expression, first, end):
    """What the expression names between two local times, without any zone."""
    seconds = len(expression.split()) == 6
    found = croniter(expression, first - timedelta(seconds=1), second_at_beginning=seconds)
    while True:
        local = found.get_next(datetime)
        if local >= end:
            return
        yield local


def names_every_hour(expression):
    day = datetime(2026, 6, 1)
    anyday = expression.split()[:-3] + ["*", "*", "*"]
    return len({local.hour for local in local_times(" ".join(anyday), day, day + timedelta(days=1))}) == 24


def shown(instant, zone):
    """What the clocks show."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def moments(local, zone):
    """Every moment at which the clocks show a local time, in order: none, one or two."""
    both = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(moment for moment in both if shown(moment, zone) == local)


def first_after_gap(local, zone):
    """The first moment at which the clocks show a later time than one that they skip."""
    low = (local - timedelta(days=2)).replace(tzinfo=UTC)
    high = (local + timedelta(days=2)).replace(tzinfo=UTC)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if shown(middle, zone) < local:
            low = middle
        else:
            high = middle
    return high


def ticks(expression, zone):
    every_hour = names_every_hour(expression)
    found = set()
    # A local time may be up to a day away from the moment's time in UTC.
    for local in local_times(expression, FIRST - timedelta(days=2), END + timedelta(days=2)):
        there = moments(local, zone)
        if every_hour:
            found.update(there)
        else:
            found.add(there[0] if there else first_after_gap(local, zone))
    first, end = FIRST.replace(tzinfo=UTC), END.replace(tzinfo=UTC)
    return sorted(int(moment.timestamp()) for moment in found if first <= moment < end)


def changes(zone):
    """When the clocks are put forward or back, by looking at every hour."""
    moment, end = FIRST.replace(tzinfo=UTC), END.replace(tzinfo=UTC)
    found, before = [], moment.astimezone(zone).utcoffset()
    while moment < end:
        moment += timedelta(minutes=30)
        now = moment.astimezone(zone).utcoffset()
        if now != before:
            found.append(int(moment.timestamp()))
        before = now
    return found


def main():
    for name in ZONES:
        zone = ZoneInfo(name)
        near = changes(zone)
        window = int(AROUND.total_seconds())
        for expression in EXPRESSIONS:
            found = ticks(expression, zone)
            digest = hashlib.sha256("".join(f"{tick}\n" for tick in found).encode()).hexdigest()
            around = [t for t in found if any(abs(t - change) <= window for change in near)]
            print(name, expression, len(found), digest, " ".join(map(str, around)), sep="\t")
        print(f"{name}: {len(near)} changes", file=sys.stderr)


if __name__ == "__main__":
    main()
