"""The condition types of a status, each with what it means when it is `True`. docs/reasons.md lists them."""

from enum import StrEnum
from typing import Self


class ConditionType(StrEnum):
    """One row a condition type: its value, the kind that has it (empty: every kind), and its meaning.

    In the order of an object's life; then the roll-ups.
    """

    kind: str
    meaning: str

    def __new__(cls, value: str, kind: str = "", meaning: str = "") -> Self:
        # The defaults are for type checkers: to them, looking up ConditionType("Built") is this call as well.
        member = str.__new__(cls, value)
        member._value_ = value
        member.kind, member.meaning = kind, meaning
        return member

    SOURCE_RESOLVED = "SourceResolved", "InkService", "The commit to deploy is known."
    BUILT = "Built", "InkService", "Its image exists."
    RELEASED = "Released", "InkService", "The release command has run for this revision."
    DEPLOYED = "Deployed", "InkService", "All pods run the newest revision and are ready, and no older pod is serving."
    ROUTED = "Routed", "InkService", "The newest revision answers at the public host."
    LAST_RUN_SUCCEEDED = (
        "LastRunSucceeded",
        "InkService",
        ("The last run of the cron job succeeded. Absent until a run has ended."),
    )
    AVAILABLE = "Available", "InkService", "Some revision is serving, perhaps an older one."
    VERIFIED = "Verified", "InkDomain", "The tenant has proved control of the zone."
    DELEGATED = "Delegated", "InkDomain", "The zone's name servers are the platform's."
    ZONE_READY = "ZoneReady", "InkDomain", "The platform answers DNS queries for the zone."
    CERTIFICATE_READY = "CertificateReady", "InkDomain", "The zone's certificate has been issued."
    READY = "Ready", "", "The newest spec is live. Otherwise the reason is that of the first step that is not done."
    RECONCILING = "Reconciling", "", "Ink is working on the newest spec. Absent otherwise."
    STALLED = (
        "Stalled",
        "",
        (
            "Ink cannot continue without help, or has been failing for too long. Absent otherwise; never together with "
            "Reconciling."
        ),
    )
