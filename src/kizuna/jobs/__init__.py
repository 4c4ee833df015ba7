"""Jobs at work: a runner in each served process, and a process of its own for each job, which takes its memory away with it."""

from kizuna.jobs.runner import Runner
from kizuna.jobs.work import carry_out

__all__ = ["Runner", "carry_out"]
