"""What the cluster looks like when a test has failed."""

from __future__ import annotations

from support.cluster.kubectl import Kubectl

STATUSES = r'jsonpath={range .items[*]}{.metadata.name}{"\n"}{.status}{"\n"}{end}'
QUESTIONS = (
    ("services", ("get", "inksvc", "-A", "-o", "wide")),
    ("statuses", ("get", "inksvc", "-A", "-o", STATUSES)),
    ("pods", ("get", "pods", "-A", "-o", "wide")),
    ("jobs", ("get", "jobs", "-n", "dp-builds")),
    ("events", ("get", "events", "-A", "--sort-by=.lastTimestamp")),
    ("operator", ("logs", "-n", "dp-system", "deployment/operator", "--tail=120")),
    ("operator before its restart", ("logs", "-n", "dp-system", "deployment/operator", "--tail=60", "--previous")),
    ("gateway", ("logs", "-n", "dp-system", "deployment/gateway", "--tail=60")),
    ("git", ("logs", "-n", "dp-system", "-l", "app.kubernetes.io/name=git", "--tail=40")),
    ("resolver", ("logs", "-n", "dp-system", "deployment/resolver", "--tail=40")),
    ("builders", ("logs", "-n", "dp-builds", "-l", "ml.ink/component=build", "--tail=60", "--prefix")),
)  # fmt: skip
LINES_MAX = 150


def dump(kubectl: Kubectl) -> str:
    """The answers to the usual questions, each bounded; a question that fails says so and stops nothing."""
    parts = []
    for title, question in QUESTIONS:
        done = kubectl.attempt(*question, timeout=30)
        lines = (done.stdout or done.stderr).splitlines()[-LINES_MAX:]
        parts.append(f"----- {title}\n" + "\n".join(line[:600] for line in lines))
    return "\n".join(parts)
