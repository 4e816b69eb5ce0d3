"""Which commit is the head of a branch: the exchange with the git server."""

import asyncio
import base64
import logging

import aiohttp
from ink_api.reasons import Reason
from yarl import URL

from ink_resolver import pktline
from ink_resolver.errors import SourceError, refused, unreachable
from ink_resolver.network import MAX_BYTES, OutboundClient, is_refusal, read_some
from ink_resolver.pktline import NotGit, Truncated
from ink_resolver.target import COMMIT, Query, redirected

log = logging.getLogger(__name__)

TOTAL_SECONDS = 5.0
MAX_REDIRECTS = 3
SERVICE = "git-upload-pack"
INFO_REFS = "/info/refs"


async def head(client: OutboundClient, query: Query, total_seconds: float = TOTAL_SECONDS) -> str:
    """The commit that `query` asks for. Raises SourceError in every other case.

    A given commit is returned when the server has it or cannot say (older protocols); in that case the build finds out.
    """
    try:
        async with asyncio.timeout(total_seconds):
            return await Conversation(client, query).commit()
    except TimeoutError as late:
        raise unreachable(f"{query.url.host} did not answer within {total_seconds:g} s") from late
    except (aiohttp.ClientError, OSError) as failure:
        if is_refusal(failure):
            raise refused(
                f"{query.url.host} resolves to an address that is not public: use a repository on the public internet"
            ) from failure
        raise unreachable(f"cannot connect to {query.url.host}: {kind_of(failure)}") from failure
    except (NotGit, Truncated) as failure:
        raise unreachable(f"{query.url} does not answer like a git repository: check the address") from failure


class Conversation:
    """One question to one repository."""

    def __init__(self, client: OutboundClient, query: Query) -> None:
        self._client, self._query = client, query
        self._base = query.url.with_path(query.url.raw_path.rstrip("/"), encoded=True)
        self._headers: dict[str, str] = {}
        if query.password or query.username:
            pair = f"{query.username or 'ink'}:{query.password}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()

    async def commit(self) -> str:
        """The commit, a well-formed id."""
        advertisement, complete = await self._advertisement()
        lines = pktline.capabilities(advertisement) if complete else None
        if lines is None:
            found, all_of_them = pktline.refs_of_v0(advertisement)
            if complete and not all_of_them:
                raise NotGit("an advertisement without an end")
            return self._choose(found, complete)
        if "ls-refs" not in pktline.names(lines):
            raise NotGit("no ls-refs")
        hash_name = pktline.object_format(lines)
        if hash_name not in ("sha1", "sha256"):
            raise NotGit("unknown object format")
        data, complete = await self._ask(pktline.ls_refs(self._query.branch, hash_name))
        refs = pktline.refs_of_v2(data) if complete else lenient(data)
        if self._query.commit and self._query.commit not in refs.values():
            await self._must_exist(self._query.commit, hash_name)
        return self._choose(refs, complete)

    def _choose(self, refs: dict[str, str], complete: bool) -> str:
        query = self._query
        if query.commit:
            return query.commit
        sha = refs.get(f"refs/heads/{query.branch}" if query.branch else "HEAD")
        if sha and COMMIT.fullmatch(sha):
            return sha
        if sha and sha != "unborn":
            raise NotGit("a ref without a commit")
        if not complete:
            raise refused(
                f"{query.url.host} lists more than {MAX_BYTES >> 10} KiB of refs without {query.branch!a} among the "
                "first: use a git server with git protocol v2, which can be asked for a single ref"
            )
        what = f"has no branch {query.branch!r}" if query.branch else "is empty"
        raise SourceError(Reason.BRANCH_NOT_FOUND, f"{query.url} {what}")

    async def _advertisement(self) -> tuple[bytes, bool]:
        """The server's first answer; follows redirects within the host."""
        headers = {**self._headers, "Git-Protocol": "version=2"}
        for _ in range(MAX_REDIRECTS + 1):
            url = URL(f"{self._base}{INFO_REFS}?service={SERVICE}", encoded=True)
            async with self._client.request("GET", url, headers) as response:
                if response.status in (301, 302, 303, 307, 308):
                    self._base = redirected(self._base, response.headers.get("Location", ""), INFO_REFS)
                    continue
                self._check(response, "advertisement")
                return await read_some(response)
        raise refused(f"{self._query.url.host} redirects more than {MAX_REDIRECTS} times: use the final address")

    async def _ask(self, question: bytes) -> tuple[bytes, bool]:
        async with self._post(question) as response:
            self._check(response, "result")
            return await read_some(response)

    def _post(self, question: bytes) -> "aiohttp.client._RequestContextManager":
        headers = {
            **self._headers,
            "Git-Protocol": "version=2",
            "Content-Type": f"application/x-{SERVICE}-request",
            "Accept": f"application/x-{SERVICE}-result",
        }
        return self._client.request("POST", URL(f"{self._base}/{SERVICE}", encoded=True), headers, question)

    async def _must_exist(self, commit: str, hash_name: str) -> None:
        """Ask for the commit, read the beginning of the answer, and hang up. Raises SourceError when it is missing."""
        async with self._post(pktline.want(commit, hash_name)) as response:
            self._check(response, "result")
            data, _ = await read_some(response, 512)
        if data[4:].startswith(b"ERR ") and (
            b"not our ref" in data or b"unadvertised" in data or commit.encode() in data
        ):
            raise SourceError(
                Reason.COMMIT_NOT_FOUND,
                f"{self._query.url} has no commit {commit}: push it, or follow the branch again",
            )

    def _check(self, response: aiohttp.ClientResponse, kind: str) -> None:
        """Raises SourceError unless a git server answered the request."""
        url, status = self._query.url, response.status
        with_credentials = bool(self._headers)
        if status in (401, 403):
            why = "rejected the credentials" if with_credentials else "asks for credentials"
            raise SourceError(
                Reason.AUTH_REQUIRED,
                f"{url} {why} (HTTP {status}): check spec.source.git.auth, and also the address, because many servers "
                "give this answer for repositories that do not exist",
            )
        if status in (404, 410):
            hint = ", or the credentials give no access to it" if with_credentials else ", or it is private"
            raise SourceError(Reason.REPOSITORY_NOT_FOUND, f"there is no repository at {url} (HTTP {status}){hint}")
        if status != 200:
            raise unreachable(f"{url.host} answered with HTTP {status}")
        if response.content_type != f"application/x-{SERVICE}-{kind}":
            raise SourceError(
                Reason.REPOSITORY_NOT_FOUND,
                f"{url} answers, but not like a git repository: check the address",
            )
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise unreachable(f"{url.host} sent a compressed answer, which was not requested")


def lenient(data: bytes) -> dict[str, str]:
    """The refs in the beginning of an answer to ls-refs that was too long to read whole."""
    refs, _ = pktline.refs_of_v0(data)
    return {ref.partition(" ")[0]: sha for ref, sha in refs.items()}


def kind_of(failure: BaseException) -> str:
    """What went wrong with a connection, in words of ours: text from the other side is not repeated."""
    if isinstance(failure, aiohttp.ClientConnectorDNSError):
        return "no such host name"
    if isinstance(failure, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate is not trusted"
    if isinstance(failure, aiohttp.ClientConnectorError):
        return "no connection"
    return "the connection was closed"
