"""The words of a few trades, from which the datasets are made.

Each is rows that happen (orders) and whom they belong to (customers). What people call a column is
its first word; the others become synonyms. No two columns of a domain are called the same.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    column: str
    kind: str
    words: tuple[str, ...]
    unit: str | None
    low: int
    high: int


@dataclass(frozen=True)
class Choice:
    """A column of few texts; `plural` is what several of its values are called."""

    column: str
    plural: str
    values: tuple[str, ...]
    words: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        return self.words[0] if self.words else self.column.replace("_", " ")


@dataclass(frozen=True)
class Domain:
    facts: str
    fact: str
    time: str
    measures: tuple[Measure, ...]
    choices: tuple[Choice, ...]
    flag: tuple[str, str]
    parents: str
    parent: str
    names: tuple[str, ...]
    attributes: tuple[Choice, ...]
    # The column of the date at which a parent began, and the verb for it.
    began: tuple[str, str]
    # What is true of a parent or not: the column, and the words for both.
    standing: tuple[str, str, str]


PEOPLE = ("Ada Klein", "Ben Moser", "Cleo Hart", "Dora Lind", "Emil Ruiz", "Fay Okoro", "Gus Wolf")
FIRMS = ("Alba Ltd", "Borealis", "Cobalt", "Delphi", "Esker", "Fjord Group", "Granite")
COUNTRIES = Choice("country", "countries", ("Austria", "France", "Norway", "Spain"))
REGIONS = Choice("region", "regions", ("North", "South", "East", "West"))

DOMAINS = (
    Domain(
        "orders",
        "order",
        "ordered_on",
        (
            Measure("amount", "decimal", ("revenue", "sales"), "EUR", 5, 900),
            Measure("quantity", "int", ("quantity",), "pieces", 1, 12),
            Measure("margin", "decimal", ("margin",), None, -60, 200),
        ),
        (
            Choice("status", "statuses", ("open", "shipped", "cancelled", "returned")),
            Choice("channel", "channels", ("web", "store", "phone")),
        ),
        ("paid", "unpaid"),
        "customers",
        "customer",
        PEOPLE,
        (COUNTRIES, Choice("segment", "segments", ("consumer", "corporate", "home office"))),
        ("joined_on", "joined"),
        ("active", "active", "inactive"),
    ),
    Domain(
        "tickets",
        "ticket",
        "opened_at",
        (
            Measure("handling_minutes", "int", ("handling time",), "minutes", 1, 240),
            Measure("score", "double", ("score",), "points", -3, 5),
            Measure("cost", "decimal", ("cost",), "EUR", 0, 90),
        ),
        (
            Choice("priority", "priorities", ("low", "normal", "high", "urgent")),
            Choice("topic", "topics", ("billing", "delivery", "login")),
        ),
        ("escalated", "unescalated"),
        "agents",
        "agent",
        PEOPLE,
        (
            Choice("team", "teams", ("Blue", "Green", "Night Shift")),
            Choice("office", "offices", ("Oslo", "Porto", "Riga")),
        ),
        ("hired_on", "were hired"),
        ("is_certified", "certified", "uncertified"),
    ),
    Domain(
        "shipments",
        "shipment",
        "shipped_on",
        (
            Measure("weight", "double", ("weight",), "kg", 1, 400),
            Measure("freight", "decimal", ("freight", "freight cost"), "EUR", 4, 300),
            Measure("parcels", "int", ("parcels",), "pieces", 1, 20),
        ),
        (
            Choice("mode", "modes", ("road", "rail", "sea", "air")),
            Choice("outcome", "outcomes", ("delivered", "lost", "damaged")),
        ),
        ("insured", "uninsured"),
        "carriers",
        "carrier",
        FIRMS,
        (REGIONS, Choice("tier", "tiers", ("gold", "silver", "basic"))),
        ("contracted_on", "were contracted"),
        ("approved", "approved", "unapproved"),
    ),
    Domain(
        "bookings",
        "booking",
        "booked_at",
        (
            Measure("price", "decimal", ("price", "turnover"), "EUR", 30, 700),
            Measure("nights", "int", ("nights",), None, 1, 14),
            Measure("balance", "decimal", ("balance",), "EUR", -80, 80),
        ),
        (
            Choice("room_type", "room types", ("single", "double", "suite"), ("room type",)),
            Choice("source", "sources", ("agency", "website", "walk-in")),
        ),
        ("confirmed", "unconfirmed"),
        "hotels",
        "hotel",
        FIRMS,
        (Choice("city", "cities", ("Bergen", "Lyon", "New Haven", "Graz")), COUNTRIES),
        ("opened_on", "opened"),
        ("is_verified", "verified", "unverified"),
    ),
    Domain(
        "readings",
        "reading",
        "measured_at",
        (
            Measure("energy", "double", ("energy", "consumption"), "kWh", 0, 90),
            Measure("temperature", "decimal", ("temperature",), "°C", -20, 35),
            Measure("pulses", "int", ("pulses",), None, 0, 500),
        ),
        (
            Choice("quality", "qualities", ("good", "estimated", "bad")),
            Choice("tariff", "tariffs", ("peak", "off-peak", "flat")),
        ),
        ("checked", "unchecked"),
        "meters",
        "meter",
        ("Hall A", "Hall B", "Roof", "Yard", "Gate 1", "Gate 2", "Cellar"),
        (REGIONS, Choice("maker", "makers", ("Ohm Works", "Volta", "Wattson"))),
        ("installed_on", "were installed"),
        ("calibrated", "calibrated", "uncalibrated"),
    ),
)
