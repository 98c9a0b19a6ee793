"""Turns what workers report into recordings: the one place where attempts, profiles and outcomes are put together."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785

from db.rows import NewAttempt, Profile, Recording
from services.rendering.jobs import FinishedTake, Job


def engine_profile(generator: dict[str, Any], finishing: dict[str, Any]) -> Profile:
    """The whole engine profile of a take and its digest (RFC 8785 canonical JSON)."""
    profile = {"generator": generator, "mastering": finishing}
    return Profile(hashlib.sha256(rfc8785.dumps(profile)).hexdigest(), profile)


@dataclass
class Work:
    """A job on its way: what was tried so far. Not shared between threads."""

    job: Job
    deaths: int = 0
    ran_out: int = 0  # how many of the deaths were for want of memory that the generator itself told of
    attempts: list[NewAttempt] = field(default_factory=list)
    started: datetime | None = None
    actor: str = ""
    generated_s: float = 0.0
    profile: dict[str, Any] = field(default_factory=dict)

    def begin(self, actor: str) -> None:
        """A new try starts now on `actor`."""
        self.started, self.actor = datetime.now(UTC), actor

    def died(self, error: str) -> None:
        """The worker that held the take is gone."""
        self.deaths += 1
        self._attempt("died", error)

    def ran_out_of_memory(self, error: str) -> None:
        """The batch that held the take did not fit into memory; its worker is given up."""
        self.ran_out += 1
        self._attempt("died", error)

    def finished(self, take: FinishedTake) -> Recording:
        self._attempt("done", None, {"generate": self.generated_s, **take.seconds})
        profile = engine_profile(self.profile, take.profile)
        return Recording(
            take_id=self.job.take_id,
            status="done",
            attempts=tuple(self.attempts),
            assets=take.assets,
            measurements=take.measurements,
            pcm_sha256=take.pcm_sha256,
            profile=profile,
            fingerprint=take.fingerprint,
            hearing=take.hearing,
        )

    def failed(self, error: str) -> Recording:
        self._attempt("failed", error)
        return Recording(self.job.take_id, "failed", tuple(self.attempts), error=error)

    def out_of_room(self, remedy: str) -> Recording:
        """After memory ran out on every try. The next run tries again: by then it may be set otherwise."""
        last = self.attempts[-1].error if self.attempts else "unknown"
        return self.failed(
            f"out of memory {self.ran_out} times, each on a fresh worker or another one ({last}); {remedy}"
        )

    def quarantined(self, remedy: str = "") -> Recording:
        """After repeated deaths, the last of them alone. `remedy` is what to set where memory was why."""
        last = self.attempts[-1].error if self.attempts else "unknown"
        error = f"its worker died {self.deaths} times, the last time alone: {last}"
        if remedy:
            error += f"; workers that are killed have most often run out of memory: {remedy}"
        now = datetime.now(UTC)
        self.attempts.append(NewAttempt("quarantined", self.started or now, now, self.actor, error=error))
        return Recording(self.job.take_id, "quarantined", tuple(self.attempts), error=error)

    def _attempt(self, outcome: str, error: str | None, seconds: dict[str, float] | None = None) -> None:
        now = datetime.now(UTC)
        started = self.started or now - timedelta(seconds=self.generated_s)
        self.attempts.append(NewAttempt(outcome, started, now, self.actor, seconds or {}, error))
