"""The prompt guard: names of artists, bands, songs and trademarks in what people order, found before it is made.

    guard = Guard.load(settings.names)
    guard.check("in the style of Qu\\u0435en")     # one Match, refused
"""

from services.rights.guard.engine import Match
from services.rights.guard.guard import Guard
from services.rights.guard.lists import NameListError
from services.rights.guard.plans import Finding, PlanFindings, judge_plan

__all__ = ["Finding", "Guard", "Match", "NameListError", "PlanFindings", "judge_plan"]
