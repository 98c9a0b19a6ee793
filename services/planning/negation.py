"""How far a "no" reaches: over a list up to the next comma or clause (`calm, no drums or brass, harp`)."""

from dataclasses import dataclass

from services.planning.phrases import Token

NEGATORS = {"no", "not", "without", "sans", "minus", "excluding", "exclude", "omit", "avoid", "never", "lacking"}
NEGATORS |= {"don't", "dont", "nor", "w/o", "nothing", "hardly", "barely", "devoid", "avoiding", "isn't", "aren't"}
NEGATORS |= {"skip", "shouldn't", "doesn't", "neither", "zero", "remove", "anything"}
_CHAIN = {"or", "and", "nor", "&"}
_ENDS = {"but", "with", "just", "only", "plus", "featuring", "except", "instead", "while", "then"}
_FILLERS_AFTER_NEGATION = 4


@dataclass(frozen=True)
class Negation:
    """Whether a "no" still holds. It reaches over a few words to the first phrase, then only along `or` and `and`."""

    left: int = 0  # words it may still pass over
    chained: bool = False  # a negated instrument was just named: a conjunction hands the negation on

    @property
    def holds(self) -> bool:
        return self.left > 0

    def over(self, token: Token) -> "Negation":
        if token.text in NEGATORS:
            return Negation(_FILLERS_AFTER_NEGATION + 1)
        if token.pause or token.text in _ENDS:
            return Negation()
        if self.chained:
            return Negation(1) if token.text in _CHAIN else Negation()
        return Negation(max(self.left - 1, 0))

    def after_phrase(self, instrument: bool) -> "Negation":
        """A negated adjective leaves the negation to its noun (`no slow drums`); a negated instrument may chain."""
        if not self.holds:
            return Negation()
        return Negation(0, chained=True) if instrument else Negation(self.left - 1)
