"""The session service for `RUN --mount=type=secret`."""

from collections.abc import Mapping
from typing import Any

import grpc

from ink_builder.buildkit.proto.secrets_pb2 import GetSecretResponse


class SecretService:
    """Serves the secrets in `values` by their id."""

    def __init__(self, values: Mapping[str, bytes] | None = None) -> None:
        self._values = dict(values or {})

    async def GetSecret(self, request: Any, context: Any) -> GetSecretResponse:
        """One value; NOT_FOUND lets a step with an optional secret go on."""
        value = self._values.get(request.ID)
        if value is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"secret {request.ID} does not exist")
        return GetSecretResponse(data=value)
