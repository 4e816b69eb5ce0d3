"""The commit to build, as files in a directory. Submodules and LFS objects are not fetched."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pygit2
from ink_api.reasons import Reason

from ink_builder import addresses
from ink_builder.errors import BuildError
from ink_builder.settings import Source

CONNECT_SECONDS = 10
SILENCE_SECONDS = 30
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_HEAD = "refs/ink/head"
_REDIRECT_NONE = 1
_WHOLE_HISTORY = 2**31 - 1
"""As a depth: what is missing of a shallow clone."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Checkout:
    """Files of one commit: `root` is the repository's top, `directory` the application's."""

    root: Path
    directory: Path
    notes: tuple[str, ...] = field(default=())


class _Callbacks(pygit2.RemoteCallbacks):  # type: ignore[misc]  # pygit2 is not typed
    """Answers libgit2 while it fetches; what is raised here comes out of fetch()."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._asked = False
        self._fetch_options: Any = None

    @property
    def fetch_options(self) -> Any:
        """What pygit2 hands to libgit2; it has no parameter for redirects."""
        return self._fetch_options

    @fetch_options.setter
    def fetch_options(self, options: Any) -> None:
        # A redirect to another host could lead to a private address that was never checked; one on the same host is
        # followed all the same (libgit2 means only foreign hosts by this).
        options.follow_redirects = _REDIRECT_NONE
        self._fetch_options = options

    def credentials(self, _url: str, _username: str | None, _allowed: Any) -> Any:
        if not self._source.password:
            raise BuildError(
                Reason.AUTH_REQUIRED,
                f"{self._source.url} wants credentials: it is private, or there is no such repository",
            )
        if self._asked:
            raise BuildError(Reason.AUTH_REQUIRED, f"{self._source.url} refuses the credentials given")
        self._asked = True
        return pygit2.UserPass(self._source.username or "x-access-token", self._source.password)

    def transfer_progress(self, stats: Any) -> None:
        if stats.received_bytes > self._source.max_bytes:
            raise _too_large(f"more than {self._source.max_bytes // 2**20} MiB had to be fetched")


def checkout(source: Source, into: Path, say: Say) -> Checkout:
    """Fetch the commit into the empty directory `into`; blocks. Raises BuildError with the reason why not."""
    addresses.check(source.url, source.allowed_private)
    _set_up_libgit2()
    root, git_dir = into / "source", into / "git"
    root.mkdir()
    repository = pygit2.init_repository(str(git_dir), bare=True)
    commit = _fetch(repository, source, say)
    files, notes = _check_tree(repository, commit.tree, source)
    strategy = pygit2.enums.CheckoutStrategy.FORCE
    repository.checkout_tree(commit.tree, directory=str(root), strategy=strategy)
    _date(root, files, commit.commit_time)
    return Checkout(root, _application(root, source.root_directory), notes)


def _set_up_libgit2() -> None:
    """One certificate bundle whatever the wheel was built with, and no waiting for a silent server."""
    bundle = next(
        (path for path in (os.environ.get("SSL_CERT_FILE", ""), *_CA_FILES) if path and Path(path).is_file()), None
    )
    if bundle:
        pygit2.settings.set_ssl_cert_locations(bundle, None)
    pygit2.settings.server_connect_timeout = CONNECT_SECONDS * 1000
    pygit2.settings.server_timeout = SILENCE_SECONDS * 1000


def _fetch(repository: Any, source: Source, say: Say) -> Any:
    """The commit object: by the branch's head if it is still that, else by its id, else out of the branch's history."""
    branch = f"+refs/heads/{source.branch}:{_HEAD}"
    attempts = ((branch, 1), (f"+{source.commit}:{_HEAD}", 1), (branch, _WHOLE_HISTORY))
    failure: BuildError | None = None
    for refspec, depth in attempts:
        try:
            _fetch_once(repository, source, refspec, depth)
        except BuildError as error:
            # libgit2 does not read a refusal of a single commit ("unexpected packet type"); the next attempt decides.
            refused = error.reason is Reason.SOURCE_UNREACHABLE and not refspec.startswith(branch)
            if error.reason is not Reason.COMMIT_NOT_FOUND and not refused:
                raise
            failure = error
        commit = repository.get(source.commit)
        if isinstance(commit, pygit2.Commit):
            return commit
        say(f"{source.commit[:12]} is not the head of {source.branch} any more: looking further")
    message = f"commit {source.commit} is not in branch {source.branch} of {source.url}"
    raise BuildError(Reason.COMMIT_NOT_FOUND, message) from failure


def _fetch_once(repository: Any, source: Source, refspec: str, depth: int) -> None:
    remote = repository.remotes.create_anonymous(source.url)
    try:
        remote.fetch([refspec], callbacks=_Callbacks(source), depth=depth)
    except BuildError:
        raise
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        raise explain(str(error), source) from error


def explain(text: str, source: Source) -> BuildError:
    """The reason behind an error text of libgit2."""
    lower = text.lower()
    url = source.url
    if "404" in lower or "repository not found" in lower or "not found on the server" in lower:
        return BuildError(Reason.REPOSITORY_NOT_FOUND, f"there is no repository at {url}")
    if "401" in lower or "403" in lower or "authentication" in lower:
        return BuildError(Reason.AUTH_REQUIRED, f"{url} refuses access: {text}")
    if "redirect" in lower:
        return BuildError(
            Reason.SOURCE_REFUSED,
            f"{url} redirects elsewhere: give the address that it leads to (often the same + .git)",
        )
    if "certificate" in lower:
        return BuildError(Reason.SOURCE_REFUSED, f"the certificate of {url} cannot be trusted: {text}")
    missing = (
        "specific object",
        "not our ref",
        "unadvertised",
        "reference",
        "refspec",
        "no match",
        "object not found",
        "upload-pack",
    )
    if any(word in lower for word in missing):
        return BuildError(Reason.COMMIT_NOT_FOUND, f"commit {source.commit} cannot be fetched from {url}: {text}")
    return BuildError(Reason.SOURCE_UNREACHABLE, f"{url} cannot be read: {text}", infrastructure=True)


def _check_tree(repository: Any, tree: Any, source: Source) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Judge the files before any is written; returns their ids, and what the user should know about them."""
    files: dict[str, bytes] = {}
    size = 0
    submodules = False
    for mode, oid, name in _entries(tree, repository):
        if len(files) >= source.max_files:
            raise _too_large(f"it holds more than {source.max_files} files")
        if stat.S_IFMT(mode) == 0o160000:
            submodules = True
            continue
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise BuildError(Reason.SOURCE_REFUSED, f"the file name {name!r} is not UTF-8: rename the file") from error
        size += repository.odb.read_header(oid)[1]
        if size > source.max_bytes:
            raise _too_large(f"its files are larger than {source.max_bytes // 2**20} MiB")
        files[name] = oid.raw
    return files, ("submodules are not fetched: their directories are empty",) if submodules else ()


def _entries(tree: Any, repository: Any) -> Iterator[tuple[int, Any, str]]:
    """Mode, id and path of everything in the tree that is no directory."""
    pending = [("", tree)]
    while pending:
        above, directory = pending.pop()
        for item in directory:
            path = f"{above}{item.name}"
            if item.filemode == pygit2.enums.FileMode.TREE:
                pending.append((f"{path}/", repository[item.id]))
            else:
                yield int(item.filemode), item.id, path


def _date(root: Path, files: dict[str, bytes], seconds: int) -> None:
    """Give every file the commit's time, so that the same commit makes the same image.

    The daemon takes a file of the same size and time for one that it holds already. The nanoseconds therefore come from
    the content: two commits of the same second cannot be confused.
    """
    directories = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    for path, oid in files.items():
        moment = seconds * 1_000_000_000 + int.from_bytes(oid[:8]) % 1_000_000_000
        with contextlib.suppress(FileNotFoundError):
            os.utime(root / path, ns=(moment, moment), follow_symlinks=False)
    for directory in directories:
        with contextlib.suppress(FileNotFoundError):
            os.utime(root / directory, (seconds, seconds))


def _application(root: Path, directory: str) -> Path:
    found = (root / directory).resolve()
    if not found.is_relative_to(root.resolve()):
        raise BuildError(Reason.SOURCE_REFUSED, f"root directory {directory} leads out of the repository")
    if not found.is_dir():
        there = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir())[:10]) or "none"
        raise BuildError(
            Reason.PACK_NOT_DETECTED, f"root directory {directory} is not in this commit; directories there: {there}"
        )
    return found


def _too_large(what: str) -> BuildError:
    return BuildError(Reason.SOURCE_TOO_LARGE, f"the repository is too large: {what}")
