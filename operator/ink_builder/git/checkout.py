"""The commit to build and its submodules, as files in a directory. LFS objects are not fetched."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pygit2
from ink_api.reasons import Reason

from ink_builder.errors import BuildError
from ink_builder.git import sources, submodules, tree
from ink_builder.git.egress_proxy import EgressProxy
from ink_builder.git.submodules import Submodule
from ink_builder.git.tree import Budget, too_large
from ink_builder.settings import BuildSource

CONNECT_SECONDS = 10
SILENCE_SECONDS = 30
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_HEAD = "refs/ink/fetched"
_REDIRECT_NONE = 1
_WHOLE_HISTORY = 2**31 - 1
"""As a fetch depth: deepen a shallow clone to the full history."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class Checkout:
    """Files of one commit: `root` is the repository's top, `directory` the application's."""

    root: Path
    directory: Path
    notes: tuple[str, ...] = field(default=())


class _Callbacks(pygit2.RemoteCallbacks):  # type: ignore[misc]  # pygit2 is not typed
    """Answers libgit2 while it fetches; exceptions raised here come out of fetch()."""

    def __init__(self, source: BuildSource) -> None:
        super().__init__()
        self._source = source
        self._asked = False
        self._fetch_options: Any = None

    @property
    def fetch_options(self) -> Any:
        """What pygit2 passes to libgit2; pygit2 has no parameter for redirects."""
        return self._fetch_options

    @fetch_options.setter
    def fetch_options(self, options: Any) -> None:
        # Redirects to other hosts are not followed. (libgit2 still follows those within the same host.)
        options.follow_redirects = _REDIRECT_NONE
        self._fetch_options = options

    def credentials(self, _url: str, _username: str | None, _allowed: Any) -> Any:
        if not self._source.password:
            raise BuildError(
                Reason.AUTH_REQUIRED,
                f"{self._source.url} asks for credentials: the repository is private or does not exist",
            )
        if self._asked:
            raise BuildError(Reason.AUTH_REQUIRED, f"{self._source.url} rejected the credentials in source.git.auth")
        self._asked = True
        return pygit2.UserPass(self._source.username or "x-access-token", self._source.password)

    def transfer_progress(self, stats: Any) -> None:
        if stats.received_bytes > self._source.max_bytes:
            raise too_large(f"fetching it takes more than {self._source.max_bytes // 2**20} MiB")


def checkout(source: BuildSource, into: Path, report: Report) -> Checkout:
    """Fetch the commit into the empty directory `into`; blocks. Raises BuildError."""
    sources.check(source.url, source.allowed_private, source.denied)
    _set_up_libgit2()
    root = into / "source"
    root.mkdir()
    with EgressProxy(source) as proxy:
        fetcher = _Fetcher(proxy, Budget(source.max_bytes, source.max_files), into, report)
        fetcher.fetch(source, root, source.root_directory)
    return Checkout(root, _application(root, source.root_directory), tuple(fetcher.notes))


@dataclass
class _Fetcher:
    """Fetches a repository and its submodules into one directory."""

    proxy: EgressProxy
    budget: Budget
    work: Path
    report: Report
    notes: list[str] = field(default_factory=list)
    count: int = 0

    def fetch(self, source: BuildSource, root: Path, wanted: str, depth: int = 0) -> None:
        """Write the files of one commit into the empty directory `root`, then its submodules."""
        self.count += 1
        repository = _repository(self.work / f"git-{self.count}", root)
        commit = _fetch(repository, source, self.report, self.proxy)
        contents = tree.check(repository, commit.tree, self.budget)
        strategy = pygit2.enums.CheckoutStrategy.FORCE
        repository.checkout_tree(commit.tree, directory=str(root), strategy=strategy)
        _set_times(root, contents.files, commit.commit_time)
        if contents.pointers:
            self.notes.append(tree.lfs_note(contents.pointers))
        if contents.submodules:
            known = submodules.parse(_text(repository, commit.tree, ".gitmodules"), source.url)
            for path, oid in sorted(contents.submodules.items()):
                if submodules.is_wanted(path, wanted):
                    self._submodule(source, root, known.get(path), (path, oid, depth + 1))

    def _submodule(self, parent: BuildSource, root: Path, found: Submodule | None, link: tuple[str, Any, int]) -> None:
        path, oid, depth = link
        if found is None:
            raise submodules.missing(path)
        if depth > submodules.MAX_DEPTH or self.count > submodules.MAX_COUNT:
            limits = f"{submodules.MAX_COUNT} submodules, nested {submodules.MAX_DEPTH} deep"
            raise too_large(f"submodule {path} exceeds the limits for submodules ({limits})")
        place = root / path
        if place.is_symlink() or not place.resolve().is_relative_to(root.resolve()):
            raise BuildError(
                Reason.SOURCE_REFUSED, f"submodule {path} lies behind a symbolic link that leads out of the repository"
            )
        place.mkdir(parents=True, exist_ok=True)
        same = submodules.same_origin(parent.url, found.url)
        source = replace(
            parent,
            url=found.url,
            commit=str(oid),
            branch="",
            username=parent.username if same else None,
            password=parent.password if same else None,
        )
        self.report(f"fetching submodule {path} from {found.url}")
        try:
            sources.check(source.url, source.allowed_private, source.denied)
            self.fetch(source, place, "", depth)
        except BuildError as error:
            raise error if str(error).startswith("submodule ") else submodules.about(path, found.url, error) from error


def _repository(git_dir: Path, root: Path) -> Any:
    """An empty repository with the work tree `root`: from a bare one, libgit2 checks out no tree with submodules."""
    flags = pygit2.enums.RepositoryInitFlag
    repository = pygit2.init_repository(str(git_dir), flags=flags.MKDIR | flags.NO_DOTGIT_DIR, workdir_path=str(root))
    (root / ".git").unlink(missing_ok=True)  # the build's files must not point at ours
    return repository


def _text(repository: Any, tree: Any, name: str) -> str:
    """The text of a file at the top of a tree; empty when there is none."""
    if name not in tree:
        return ""
    data = getattr(repository[tree[name].id], "data", b"")
    return str(data[: submodules.MAX_FILE_BYTES].decode(errors="replace"))


def _set_up_libgit2() -> None:
    """Use one certificate bundle whatever the wheel was built with, and do not wait for silent servers."""
    bundle = next(
        (path for path in (os.environ.get("SSL_CERT_FILE", ""), *_CA_FILES) if path and Path(path).is_file()), None
    )
    if bundle:
        pygit2.settings.set_ssl_cert_locations(bundle, None)
    pygit2.settings.server_connect_timeout = CONNECT_SECONDS * 1000
    pygit2.settings.server_timeout = SILENCE_SECONDS * 1000


def _fetch(repository: Any, source: BuildSource, report: Report, proxy: EgressProxy) -> Any:
    """The commit object: as the head of its branch, else by its id, else from the branch's history.

    A submodule has no branch: its commit is fetched by its id, else from the history of all branches.
    """
    branch = f"+refs/heads/{source.branch or '*'}:{_HEAD}{'' if source.branch else '/*'}"
    by_id = (f"+{source.commit}:{_HEAD}/id", 1)
    attempts = [(branch, 1), by_id, (branch, _WHOLE_HISTORY)]
    if not source.branch:
        attempts = [by_id, *attempts[::2]]
    failure: BuildError | None = None
    for refspec, depth in attempts:
        try:
            _fetch_once(repository, source, (refspec, depth), proxy)
        except BuildError as error:
            # libgit2 does not understand the refusal of a single commit ("unexpected packet type"): try the next way.
            refused = error.reason is Reason.SOURCE_UNREACHABLE and not refspec.startswith(branch)
            if error.reason is not Reason.COMMIT_NOT_FOUND and not refused:
                raise
            failure = error
        commit = repository.get(source.commit)
        if isinstance(commit, pygit2.Commit):
            return commit
        report(f"{source.commit[:12]} is no longer the head of {source.branch or 'its branch'}: searching further")
    where = f"branch {source.branch}" if source.branch else "any branch"
    message = f"commit {source.commit} was not found in {where} of {source.url}"
    raise BuildError(Reason.COMMIT_NOT_FOUND, message) from failure


def _fetch_once(repository: Any, source: BuildSource, what: tuple[str, int], proxy: EgressProxy) -> None:
    refspec, depth = what
    remote = repository.remotes.create_anonymous(source.url)
    # Ink's own git server speaks plain HTTP inside the cluster; everything else is HTTPS, and goes through the proxy.
    proxy_url = None if source.url.startswith("http:") else proxy.url
    proxy.begin()
    try:
        remote.fetch([refspec], callbacks=_Callbacks(source), depth=depth, proxy=proxy_url)
    except BuildError:
        raise
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        raise proxy.refusal or explain(str(error), source) from error


def explain(text: str, source: BuildSource) -> BuildError:
    """The failure behind an error message of libgit2."""
    lower = text.lower()
    url = source.url
    if "404" in lower or "repository not found" in lower or "not found on the server" in lower:
        return BuildError(Reason.REPOSITORY_NOT_FOUND, f"there is no repository at {url}")
    if "redirect" in lower:
        return BuildError(
            Reason.SOURCE_REFUSED,
            f"{url} redirects to another host: use the final address (often the same with .git at the end)",
        )
    if "401" in lower or "403" in lower or "authentication" in lower:
        return BuildError(Reason.AUTH_REQUIRED, f"{url} denied access: {text}")
    if "certificate" in lower:
        return BuildError(Reason.SOURCE_REFUSED, f"the certificate of {url} is not trusted: {text}")
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
        return BuildError(Reason.COMMIT_NOT_FOUND, f"commit {source.commit} could not be fetched from {url}: {text}")
    return BuildError(Reason.SOURCE_UNREACHABLE, f"{url} could not be fetched: {text}", infrastructure=True)


def _set_times(root: Path, files: dict[str, bytes], seconds: int) -> None:
    """Give every file the commit's time, so that the same commit gives the same image.

    The daemon assumes that a file of the same size and time is unchanged. The nanoseconds therefore come from the
    content, so that two commits of the same second are not mixed up.
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
        raise BuildError(Reason.SOURCE_REFUSED, f"the root directory {directory} leads out of the repository")
    if not found.is_dir():
        there = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir())[:10]) or "none"
        raise BuildError(
            Reason.PACK_NOT_DETECTED,
            f"the root directory {directory} does not exist in this commit; its directories are: {there}",
        )
    return found
