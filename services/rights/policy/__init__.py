"""What may be done with music: the policy that weighs facts for one question and answers with every reason.

Small rules, each with one thing to say; the strictest wins; unknown is never allowed. Nothing here reads or writes
anything.
"""

from services.rights.policy.judging import Policy
from services.rights.policy.words import STRICTNESS, Judgement, Licensee, Material, Question, Reason, strictest

__all__ = ["STRICTNESS", "Judgement", "Licensee", "Material", "Policy", "Question", "Reason", "strictest"]
