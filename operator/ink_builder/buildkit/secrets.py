"""The session service for `RUN --mount=type=secret`."""

from collections.abc import Mapping
from typing import Any

import grpc

from ink_builder.buildkit.proto.secrets_pb2 import GetSecretResponse


class Secrets:
    """Hands out the values of `values` by id; there are none unless a caller gives some."""

    def __init__(self, values: Mapping[str, bytes] | None = None) -> None:
        self._values = dict(values or {})

    async def GetSecret(self, request: Any, context: Any) -> GetSecretResponse:
        """One value; NOT_FOUND lets a step with an optional secret go on."""
        value = self._values.get(request.ID)
        if value is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"secret {request.ID} is not there")
        return GetSecretResponse(data=value)
