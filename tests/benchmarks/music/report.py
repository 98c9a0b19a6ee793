"""Findings to tables: every measure of every take is one finding, and figures, breakdowns and offenders are views of
them. Nothing is measured here.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.benchmarks.music.notes import Share

OFFENDERS = 6


@dataclass(frozen=True)
class Finding:
    """One measure of one take (or pair of takes): `what` names it for whoever wants to make it again. Genre and
    state are empty for what is no take."""

    figure: str
    genre: str
    state: str
    what: str
    share: Share


@dataclass(frozen=True)
class Figure:
    """A figure and its goal: `sense` is `>=`, `<=` or empty where there is no goal; `pooling` is `pooled` (parts of all
    over wholes of all) or `worst` (the take that is farthest from the goal). `percent` is how it is printed."""

    name: str
    goal: float
    sense: str = ">="
    pooling: str = "pooled"
    percent: bool = True
    unit: str = ""

    def value(self, findings: Iterable[Finding]) -> float:
        """The figure over some findings; not a number where there are none."""
        shares = [finding.share for finding in findings if finding.share.whole]
        if not shares:
            return float("nan")
        if self.pooling == "worst":
            return (min if self.sense == ">=" else max)(share.value for share in shares)
        return sum(share.part for share in shares) / sum(share.whole for share in shares)

    def meets(self, value: float) -> bool:
        return not self.sense or math.isnan(value) or (value >= self.goal if self.sense == ">=" else value <= self.goal)

    def shown(self, value: float) -> str:
        if math.isnan(value):
            return "-"
        return f"{100 * value:.1f} %" if self.percent else f"{value:.3g}{self.unit}"


class Report:
    """Findings of many takes, printed figure by figure."""

    def __init__(self, figures: Sequence[Figure], findings: Sequence[Finding]) -> None:
        self.figures = {figure.name: figure for figure in figures}
        self.findings = findings
        self._by_figure: dict[str, list[Finding]] = {name: [] for name in self.figures}
        for finding in findings:
            self._by_figure[finding.figure].append(finding)

    def value(self, name: str, keep: Callable[[Finding], bool] = lambda _: True) -> float:
        """A figure over the findings that `keep` lets through."""
        return self.figures[name].value(finding for finding in self._by_figure[name] if keep(finding))

    def missed(self) -> list[str]:
        """Names of the figures that do not meet their goals."""
        return [name for name, figure in self.figures.items() if not figure.meets(self.value(name))]

    def lines(self) -> Iterator[str]:
        """The whole report, line by line."""
        yield from self.summary()
        yield from self._breakdown("state", lambda finding: finding.state)
        yield from self._breakdown("genre", lambda finding: finding.genre)
        yield from self._offenders()

    def summary(self) -> Iterator[str]:
        """One line a figure: its value, goal, verdict and on how many findings it stands."""
        yield f"{'figure':38} {'value':>9} {'goal':>12}  verdict"
        for name, figure in self.figures.items():
            found = self._by_figure[name]
            if found:
                value = self.value(name)
                goal = f"{figure.sense} {figure.shown(figure.goal)}" if figure.sense else ""
                verdict = "" if not figure.sense else "holds" if figure.meets(value) else "MISSED"
                yield f"{name:38} {figure.shown(value):>9} {goal:>12}  {verdict:8} ({len(found)})"

    def _breakdown(self, title: str, group_of: Callable[[Finding], str]) -> Iterator[str]:
        """A table of figures (in columns, numbered) by group; `!` marks what misses the goal by itself."""
        shown = [name for name in self.figures if self._by_figure[name]]
        groups = [group for group in dict.fromkeys(map(group_of, self.findings)) if group]
        yield f"\nby {title} (! misses the goal by itself):"
        for start in range(0, len(shown), 9):
            names = shown[start : start + 9]
            yield f"{title:14}" + "".join(f"{_short(name):>13}" for name in names)
            for group in groups:
                yield f"{group:14}" + "".join(f"{self._cell(name, group, group_of):>13}" for name in names)

    def _cell(self, name: str, group: str, group_of: Callable[[Finding], str]) -> str:
        figure, value = self.figures[name], self.value(name, lambda finding: group_of(finding) == group)
        return figure.shown(value) + ("" if figure.meets(value) else " !")

    def _offenders(self) -> Iterator[str]:
        """The takes farthest on the wrong side of each goal."""
        for name, figure in self.figures.items():
            bad = [each for each in self._by_figure[name] if each.share.whole and not figure.meets(each.share.value)]
            if not bad or not figure.sense:
                continue
            bad.sort(key=lambda each: each.share.value, reverse=figure.sense == "<=")
            yield f"\n{name}: {len(bad)} of {len(self._by_figure[name])} by themselves beyond the goal; the worst:"
            yield from (f"  {figure.shown(each.share.value):>9}  {each.what}" for each in bad[:OFFENDERS])


def _short(name: str) -> str:
    return name if len(name) <= 12 else name[:11] + "."


def yes(truth: bool) -> Share:
    """A take that meets something, or does not."""
    return Share(float(truth), 1.0)


def level(value: float) -> Share:
    """A measure that is no share."""
    return Share(value, 1.0)
