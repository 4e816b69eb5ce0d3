"""The Kubernetes API over HTTP, with address and credentials from the cluster or a kubeconfig. JSON in, JSON out."""

import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import quote

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from ink_gateway.errors import GatewayError, PartUnavailable, WriteConflict, WriteRefused

APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
REQUEST_SECONDS = 15
LINE_BYTES = 4 * 1024 * 1024
"""Limit of one watch event: an object in etcd has at most 1.5 MiB."""


class ApiStatusError(GatewayError):
    """The API server refused; `status` is the HTTP status."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(reason or "ApiError", message, "")
        self.status = status


class KubeApi:
    """One connection pool to the API server."""

    def __init__(self, configuration: Any, session: aiohttp.ClientSession) -> None:
        self._configuration, self._session = configuration, session

    @classmethod
    @asynccontextmanager
    async def connect(cls, kubeconfig: str | None = None) -> AsyncIterator["KubeApi"]:
        """Connect with the given kubeconfig, else the pod's service account, else the kubeconfig in KUBECONFIG."""
        configuration = Configuration()
        try:
            if kubeconfig is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
                config.load_incluster_config(configuration)
            else:
                await config.load_kube_config(kubeconfig, client_configuration=configuration)
        except config.ConfigException as error:
            raise PartUnavailable("the Kubernetes API server", f"no usable credentials: {error}") from error
        connector = aiohttp.TCPConnector(ssl=_tls(configuration), limit=100)
        async with aiohttp.ClientSession(connector=connector, read_bufsize=LINE_BYTES) as session:
            yield cls(configuration, session)

    async def json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """One call. Raises ApiStatusError for an error status, PartUnavailable if there is no answer."""
        text = await self.text(method, path, params=params, body=body, content_type=content_type)
        return cast("dict[str, Any]", json.loads(text))

    async def text(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> str:
        """The same, for answers that are not JSON, such as logs."""
        data = None if body is None else json.dumps(body)
        headers = await self._headers({"Content-Type": content_type} if data else {})
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        try:
            async with self._session.request(
                method, self._url(path), params=params, data=data, headers=headers, timeout=timeout
            ) as response:
                text = (await response.read()).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PartUnavailable("the Kubernetes API server", type(error).__name__) from error
        if response.status >= 400:
            raise _refusal(response.status, text)
        return text

    async def watch(self, path: str, params: Mapping[str, str], seconds: int) -> AsyncIterator[dict[str, Any]]:
        """Events of one watch, until the server ends it after `seconds`. Raises as `json` does."""
        query = {**params, "watch": "1", "timeoutSeconds": str(seconds)}
        timeout = aiohttp.ClientTimeout(total=None, connect=REQUEST_SECONDS, sock_read=seconds + 30)
        try:
            async with self._session.get(
                self._url(path), params=query, headers=await self._headers({}), timeout=timeout
            ) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.text())
                async for line in response.content:
                    yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise PartUnavailable("the Kubernetes API server", type(error).__name__) from error

    def _url(self, path: str) -> str:
        return f"{self._configuration.host}{path}"

    async def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        # auth_settings renews a service account's token from its file when it is due.
        settings = await self._configuration.auth_settings()
        if token := settings.get("BearerToken"):
            headers[token["key"]] = token["value"]
        return headers


def segment(text: str) -> str:
    """A name as one segment of a path."""
    return quote(text, safe="")


def translated(error: ApiStatusError) -> GatewayError:
    """An error of the API server as an error for the caller."""
    if error.status == 409:
        return WriteConflict("Conflict", f"{error.seen}", "Retry the call.")
    if error.status in (400, 403, 422):
        return WriteRefused("Refused", error.seen, "Correct what the message names and call again.")
    if error.status >= 500 or error.status == 429:
        return PartUnavailable("the Kubernetes API server", f"{error.status} {error.seen}")
    return error


def _refusal(status: int, text: str) -> ApiStatusError:
    try:
        body = json.loads(text)
        return ApiStatusError(status, str(body.get("reason", "")), str(body.get("message", "")))
    except (ValueError, AttributeError):
        return ApiStatusError(status, "", f"HTTP {status}")


def _tls(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
