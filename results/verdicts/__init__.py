"""What the records say of each claim of the paper: reproduced, not reproduced, not testable."""

from results.verdicts.judging import judge
from results.verdicts.types import Outcome, Verdict

__all__ = ["Outcome", "Verdict", "judge"]
