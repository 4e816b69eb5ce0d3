"""The ControllerRevision of a revision, or of a build attempt without an image; `facts/revisions.py` reads it.

`data` never changes: it has what is known when the record is created. Annotations have what becomes known later.
"""

import json
from typing import Any

from ink_api.inkservice import InkService
from ink_api.names import ServiceIdentity

from ink_operator.core import kinds, objects
from ink_operator.inkservice import model, names
from ink_operator.inkservice.desired import common
from ink_operator.inkservice.facts import builds


def make_revision(service: InkService, identity: ServiceIdentity, revision: model.Revision) -> objects.Manifest:
    """The record of `revision`, to be created once."""
    data: dict[str, Any] = {"template": revision.template or None, "build": None, "attempt": None}
    if revision.build is not None:
        data["build"] = revision.build.to_wire()
    running, attempt = revision.running, revision.attempt
    if running is not None:
        data |= {"image": running.image, "port": running.port, "commit": running.commit}
        data |= {"buildKey": running.build_key, "rebuildToken": running.rebuild_token}
        data |= {"planner": running.planner, "inkfile": json.loads(running.inkfile) if running.inkfile else None}
    if attempt is not None:
        verdict = json.loads(builds.verdict_json(attempt.verdict)) if attempt.verdict is not None else None
        data["attempt"] = {"key": attempt.build_key, "number": attempt.number, "verdict": verdict}
        data["attempt"]["limit"] = attempt.limit_seconds
    notes = {
        **({names.ANNOTATION_OUTCOME: revision.outcome} if revision.outcome else {}),
        **({names.ANNOTATION_RELEASE: release_json(revision.release)} if revision.release is not None else {}),
    }
    return common.child(
        kinds.CONTROLLER_REVISION,
        service,
        identity,
        name=revision.name,
        namespace=identity.namespace,
        component=names.REVISION,
        body={"data": {key: value for key, value in data.items() if value is not None}, "revision": revision.number},
        annotations=notes,
        stamp=False,
    )


def release_json(end: model.ReleaseResult) -> str:
    """The result of a release as its annotation stores it."""
    return json.dumps({"run": end.run, "ok": end.ok, "message": end.message}, sort_keys=True)
