"""The commit to build and its submodules, as files in a directory. LFS objects are not fetched."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pygit2
from ink_api.reasons import Reason

from ink_builder import addresses, gittree, submodules
from ink_builder.errors import BuildError
from ink_builder.gittree import Budget, too_large
from ink_builder.guard import Guard
from ink_builder.settings import Source
from ink_builder.submodules import Submodule

CONNECT_SECONDS = 10
SILENCE_SECONDS = 30
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_HEAD = "refs/ink/fetched"
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
            raise too_large(f"more than {self._source.max_bytes // 2**20} MiB had to be fetched")


def checkout(source: Source, into: Path, say: Say) -> Checkout:
    """Fetch the commit into the empty directory `into`; blocks. Raises BuildError with the reason why not."""
    addresses.check(source.url, source.allowed_private, source.denied)
    _set_up_libgit2()
    root = into / "source"
    root.mkdir()
    with Guard(source) as guard:
        whole = _Whole(guard, Budget(source.max_bytes, source.max_files), into, say)
        whole.place(source, root, source.root_directory)
    return Checkout(root, _application(root, source.root_directory), tuple(whole.notes))


@dataclass
class _Whole:
    """A repository and its submodules on their way into one directory."""

    guard: Guard
    budget: Budget
    work: Path
    say: Say
    notes: list[str] = field(default_factory=list)
    fetched: int = 0

    def place(self, source: Source, root: Path, wanted: str, depth: int = 0) -> None:
        """Write the files of one commit into the empty directory `root`, then its submodules."""
        self.fetched += 1
        repository = _repository(self.work / f"git-{self.fetched}", root)
        commit = _fetch(repository, source, self.say, self.guard)
        contents = gittree.judge(repository, commit.tree, self.budget)
        strategy = pygit2.enums.CheckoutStrategy.FORCE
        repository.checkout_tree(commit.tree, directory=str(root), strategy=strategy)
        _date(root, contents.files, commit.commit_time)
        if contents.pointers:
            self.notes.append(gittree.lfs_note(contents.pointers))
        if contents.submodules:
            known = submodules.parse(_text(repository, commit.tree, ".gitmodules"), source.url)
            for path, oid in sorted(contents.submodules.items()):
                if submodules.is_wanted(path, wanted):
                    self._submodule(source, root, known.get(path), (path, oid, depth + 1))

    def _submodule(self, parent: Source, root: Path, found: Submodule | None, link: tuple[str, Any, int]) -> None:
        path, oid, depth = link
        if found is None:
            raise submodules.missing(path)
        if depth > submodules.MAX_DEPTH or self.fetched > submodules.MAX_COUNT:
            limits = f"{submodules.MAX_COUNT} submodules, {submodules.MAX_DEPTH} deep"
            raise gittree.too_large(f"submodule {path} exceeds what is fetched ({limits})")
        place = root / path
        if place.is_symlink() or not place.resolve().is_relative_to(root.resolve()):
            raise BuildError(Reason.SOURCE_REFUSED, f"submodule {path} lies behind a link that leads elsewhere")
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
        self.say(f"submodule {path} from {found.url}")
        try:
            addresses.check(source.url, source.allowed_private, source.denied)
            self.place(source, place, "", depth)
        except BuildError as error:
            raise error if str(error).startswith("submodule ") else submodules.about(path, found.url, error) from error


def _repository(git_dir: Path, root: Path) -> Any:
    """An empty repository with the work tree `root`: libgit2 writes no tree with submodules from a bare one."""
    flags = pygit2.enums.RepositoryInitFlag
    repository = pygit2.init_repository(str(git_dir), flags=flags.MKDIR | flags.NO_DOTGIT_DIR, workdir_path=str(root))
    (root / ".git").unlink(missing_ok=True)  # it would lead from the build's files to ours
    return repository


def _text(repository: Any, tree: Any, name: str) -> str:
    """A file at the top of a tree; empty when it is none."""
    if name not in tree:
        return ""
    data = getattr(repository[tree[name].id], "data", b"")
    return str(data[: submodules.MAX_FILE_BYTES].decode(errors="replace"))


def _set_up_libgit2() -> None:
    """One certificate bundle whatever the wheel was built with, and no waiting for a silent server."""
    bundle = next(
        (path for path in (os.environ.get("SSL_CERT_FILE", ""), *_CA_FILES) if path and Path(path).is_file()), None
    )
    if bundle:
        pygit2.settings.set_ssl_cert_locations(bundle, None)
    pygit2.settings.server_connect_timeout = CONNECT_SECONDS * 1000
    pygit2.settings.server_timeout = SILENCE_SECONDS * 1000


def _fetch(repository: Any, source: Source, say: Say, guard: Guard) -> Any:
    """The commit object: by the branch's head if it is still that, else by its id, else out of the branch's history.

    A submodule has no branch: its commit is asked for by its id, then looked for in all branches.
    """
    branch = f"+refs/heads/{source.branch or '*'}:{_HEAD}{'' if source.branch else '/*'}"
    by_id = (f"+{source.commit}:{_HEAD}/id", 1)
    attempts = [(branch, 1), by_id, (branch, _WHOLE_HISTORY)]
    if not source.branch:
        attempts = [by_id, *attempts[::2]]
    failure: BuildError | None = None
    for refspec, depth in attempts:
        try:
            _fetch_once(repository, source, (refspec, depth), guard)
        except BuildError as error:
            # libgit2 does not read a refusal of a single commit ("unexpected packet type"); the next attempt decides.
            refused = error.reason is Reason.SOURCE_UNREACHABLE and not refspec.startswith(branch)
            if error.reason is not Reason.COMMIT_NOT_FOUND and not refused:
                raise
            failure = error
        commit = repository.get(source.commit)
        if isinstance(commit, pygit2.Commit):
            return commit
        say(f"{source.commit[:12]} is not the head of {source.branch or 'its branch'} any more: looking further")
    where = f"branch {source.branch}" if source.branch else "any branch"
    message = f"commit {source.commit} is not in {where} of {source.url}"
    raise BuildError(Reason.COMMIT_NOT_FOUND, message) from failure


def _fetch_once(repository: Any, source: Source, what: tuple[str, int], guard: Guard) -> None:
    refspec, depth = what
    remote = repository.remotes.create_anonymous(source.url)
    # Ink's own git server speaks plain HTTP inside the cluster; everything else is HTTPS, and goes through the guard.
    proxy = guard.url if source.url.startswith("https:") else None
    guard.begin()
    try:
        remote.fetch([refspec], callbacks=_Callbacks(source), depth=depth, proxy=proxy)
    except BuildError:
        raise
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        raise guard.refusal or explain(str(error), source) from error


def explain(text: str, source: Source) -> BuildError:
    """The reason behind an error text of libgit2."""
    lower = text.lower()
    url = source.url
    if "404" in lower or "repository not found" in lower or "not found on the server" in lower:
        return BuildError(Reason.REPOSITORY_NOT_FOUND, f"there is no repository at {url}")
    if "redirect" in lower:
        return BuildError(
            Reason.SOURCE_REFUSED,
            f"{url} redirects elsewhere: give the address that it leads to (often the same + .git)",
        )
    if "401" in lower or "403" in lower or "authentication" in lower:
        return BuildError(Reason.AUTH_REQUIRED, f"{url} refuses access: {text}")
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
