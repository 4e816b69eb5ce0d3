"""Variables of the build in a Dockerfile that a planner wrote."""

from __future__ import annotations

from ink_builder.variables import declare

PLANNED = """FROM node:22-slim AS build
WORKDIR /app
RUN --mount=type=cache,target=/root/.npm npm ci
RUN npm run build

FROM node:22-slim
COPY --chmod=0644 <<'END' /srv/file
FROM nothing
RUN nothing
END
RUN true
CMD ["node", "."]
"""
MOUNT = "--mount=type=secret,id=TOKEN,env=TOKEN "


def test_the_stages_that_build_know_them() -> None:
    assert declare(PLANNED, ["B", "A"], ["TOKEN"]) == (
        PLANNED.replace("AS build\n", "AS build\nARG A\nARG B\n")
        .replace("RUN --mount=type=cache", f"RUN {MOUNT}--mount=type=cache")
        .replace("RUN npm", f"RUN {MOUNT}npm")
    )


def test_the_only_stage_knows_them() -> None:
    assert declare("FROM a\nRUN b\n", ["X"], ["TOKEN"]) == f"FROM a\nARG X\nRUN {MOUNT}b\n"


def test_a_changed_secret_changes_every_step_that_may_read_it() -> None:
    one, other = (declare("FROM a\nRUN b\n", [], ["TOKEN"], digest * 64) for digest in "12")
    assert one == f"FROM a\nARG INK_SECRETS={'1' * 16}\nRUN {MOUNT}b\n"
    assert other == one.replace("1", "2")
    shipped = PLANNED.rpartition("FROM node:22-slim\n")[2]
    assert declare(PLANNED, [], ["TOKEN"], "1" * 64).endswith(f"FROM node:22-slim\n{shipped}")


def test_without_variables_nothing_changes() -> None:
    assert declare(PLANNED, [], []) == PLANNED
