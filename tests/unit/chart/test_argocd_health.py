"""The health check for Argo CD, run by a Lua interpreter of the version that Argo CD has (5.1), on every state."""

from __future__ import annotations

from pathlib import Path

import pytest
from lupa.lua51 import LuaRuntime
from support.cluster.kube_api import Json
from support.resources.states import LIVE, State, all_states, reported

SCRIPT = Path(__file__).resolve().parents[3] / "charts/ink/files/argocd/health.lua"
ABSENT = ("io", "string", "math", "debug", "coroutine", "require", "dofile", "loadfile", "package")
"""What Argo CD's interpreter does not have, or what a check has no business with."""


def health(found: Json) -> tuple[str, str]:
    """(status, message), as Argo CD asks for it: the object is the global `obj`, the answer what the script returns."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    for name in ABSENT:
        lua.globals()[name] = None
    lua.globals()["obj"] = lua.table_from(found, recursive=True)
    answer = lua.execute(SCRIPT.read_text())
    return answer["status"], answer["message"]


@pytest.mark.parametrize("state", all_states(), ids=lambda state: state.name)
def test_a_state_is_shown_as_it_is_meant(state: State) -> None:
    status, message = health(state.found)
    assert status == state.argo, message
    assert message


def test_a_failure_is_shown_with_its_words() -> None:
    stalled = next(state.found for state in all_states() if state.name == "CrashLooping in Deployed")
    assert health(stalled)[1].startswith("CrashLooping: What was seen.")


def test_an_object_without_any_status_is_in_progress() -> None:
    """Before the API server filled in the default, as in a diff of Argo CD's own."""
    bare = {key: value for key, value in reported(*LIVE).items() if key != "status"}
    assert health(bare)[0] == "Progressing"


def test_it_says_no_more_than_argo_cd_knows() -> None:
    assert {health(state.found)[0] for state in all_states()} <= {"Healthy", "Progressing", "Degraded", "Suspended"}
