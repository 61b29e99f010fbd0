"""Figures of text: lengths, forms, what is written in several ways.

In: each different text and how often it is there. Lengths are characters (Unicode scalar values).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from .coded import Coded
from .contract import EdaFigure, EdaTopValues
from .figures import figure
from .reading import Suggestion, suggest
from .shape import top_values

# More different texts than this are sampled for their patterns.
MOST_PATTERNS = 20_000
# Beyond this length a text is cut where it is shown.
SHOWN = 200
# Whether a column has many texts is told by this share of so many of its first values.
LOOKED_AT, MANY = 10_000, 0.7
# What belongs to a class, what marks it meanwhile, and how it is shown.
CLASSES = (
    (r"\p{Lu}", "\u0001", "A"),
    (r"\p{Ll}", "\u0002", "a"),
    (r"\p{L}", "\u0003", "x"),
    (r"\p{Nd}", "\u0004", "9"),
)


@dataclass(frozen=True)
class Words:
    """The different texts of a column, each once, in order, and how often it is there."""

    texts: pl.Series
    counts: pl.Series
    total: int

    @classmethod
    def of(cls, values: pl.Series) -> Words:
        """`values` without null."""
        texts, counts = counted(values)
        return cls(texts, counts, len(values))

    @classmethod
    def of_coded(cls, values: Coded) -> Words:
        counts = values.counts()
        there = counts > 0
        return cls.grouped(values.texts.filter(there), counts.filter(there))

    def count(self, which: pl.Series) -> int:
        return int(self.counts.filter(which).sum())

    def lengths(self) -> dict[str, EdaFigure]:
        lengths = self.texts.str.len_chars().cast(pl.Int64)
        total, n = int((lengths * self.counts).sum()), self.total
        order = lengths.arg_sort()
        reached = self.counts.gather(order).cum_sum().to_numpy()
        middle = [
            int(lengths[int(order[int(np.searchsorted(reached, place, "right"))])])
            for place in ((n - 1) // 2, n // 2)
        ]
        return {
            "length_min": figure(lengths.min(), "fewest characters", n),
            "length_max": figure(lengths.max(), "most characters", n),
            "length_mean": figure(total / n, "mean number of characters", n),
            "length_median": figure(sum(middle) / 2, "median number of characters", n),
        }

    def forms(self) -> dict[str, EdaFigure]:
        texts, n = self.texts, self.total
        stripped = texts.str.strip_chars()
        folded = stripped.str.to_lowercase()
        # Where nothing is folded, texts are as different as they were.
        folds = bool((folded != texts).any())
        return {
            "blank": figure(self.count(stripped == ""), "count of empty or blank texts", n),
            "padded": figure(
                self.count((stripped != texts) & (stripped != "")),
                "count of texts with space around them",
                n,
            ),
            "case_variants": figure(
                len(texts) - folded.n_unique() if folds else 0,
                "texts that differ from another in case or surrounding space alone",
                n,
            ),
            "min": figure(shown(texts.min()), "first by code points", n),
            "max": figure(shown(texts.max()), "last by code points", n),
        }

    def suggestion(self) -> Suggestion:
        return suggest(self.texts, self.counts)

    def top(self, most: int) -> EdaTopValues:
        """The most frequent; equal ones by code points, so that the order never varies."""
        ordered = self.ranked(most)
        return top_values([(shown(text), count) for text, count in ordered], self.total)

    def ranked(self, most: int) -> list[tuple[str, int]]:
        counts = self.counts
        if most == 0:
            return []
        if most < len(counts):
            least: int = counts.top_k(most).sort()[0]
            keep = counts >= least
            texts, counts = self.texts.filter(keep), counts.filter(keep)
        else:
            texts = self.texts
        frame = pl.DataFrame({"text": texts, "count": counts})
        best = frame.sort(["count", "text"], descending=[True, False]).head(most)
        return list(zip(best["text"].to_list(), best["count"].to_list(), strict=True))

    def patterns(self, most: int, seed: int) -> EdaTopValues:
        """`A` for capitals, `a` for small letters, `9` for digits, `+` for more of one."""
        texts, counts, exact = self.texts, self.counts, True
        if len(texts) > MOST_PATTERNS:
            # By a seeded hash of the text, since the order of the texts is no one's choice.
            drawn = texts.hash(seed % (1 << 64))
            chosen = drawn <= np.partition(drawn.to_numpy(), MOST_PATTERNS - 1)[MOST_PATTERNS - 1]
            texts, counts, exact = texts.filter(chosen), counts.filter(chosen), False
        cut = texts.str.slice(0, SHOWN)
        found = Words.grouped(pattern(cut), counts)
        top = found.top(most)
        method = "letters, digits and runs of them put into classes"
        update = {"method": method, "exact": exact, "seed": None if exact else seed}
        return top.model_copy(update=update)

    @classmethod
    def grouped(cls, texts: pl.Series, counts: pl.Series) -> Words:
        frame = pl.DataFrame({"text": texts, "count": counts})
        found = frame.group_by("text").agg(pl.col("count").sum())
        return cls(found["text"], found["count"], int(counts.sum()))


def counted(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Each different text and how often it is there."""
    first = values.head(LOOKED_AT)
    if len(values) > LOOKED_AT and first.n_unique() > MANY * len(first):
        found = by_hash(values)
        if found is not None:
            return found
    grouped = values.rename("text").to_frame().group_by("text").len("count")
    return grouped["text"], grouped["count"].cast(pl.Int64)


def by_hash(values: pl.Series) -> tuple[pl.Series, pl.Series] | None:
    """The same, twice as fast where texts seldom repeat; none where two of one hash differ."""
    hashes = values.hash().to_numpy()
    order = np.argsort(hashes)
    hashes, texts = hashes[order], values.gather(order)
    changes = hashes[1:] != hashes[:-1]
    if (changes != (texts.slice(1) != texts.head(-1)).to_numpy()).any():
        return None
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    counts = pl.Series("count", np.diff(starts, append=len(values)))
    return texts.gather(starts), counts


def shown(text: object) -> object:
    return text[:SHOWN] + "…" if isinstance(text, str) and len(text) > SHOWN else text


def pattern(texts: pl.Series) -> pl.Series:
    """Of each text. Letters stand in for themselves once every class is found."""
    out = texts.str.replace_all(r"\s+", " ")
    for form, mark, _ in CLASSES:
        out = out.str.replace_all(form + "{2,}", mark + "+").str.replace_all(form, mark)
    for _, mark, letter in CLASSES:
        out = out.str.replace_all(mark, letter, literal=True)
    return out
