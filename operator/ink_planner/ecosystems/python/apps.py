"""Application objects in Python code, found by parsing it, never by running it; what a start command consists of."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ink_planner.model.files import Files
from ink_planner.model.plan import DEFAULT_PORT

ASGI = {"FastAPI", "Starlette", "Quart", "Litestar", "Sanic", "Robyn", "Falcon ASGI", "MCP"}
WSGI = {"Flask", "Bottle", "Falcon"}
MOST_READ = 150
"""How many files of one kind are read at most: a repository may have any number."""
_DOTTED = {"falcon.App": "Falcon", "falcon.API": "Falcon", "falcon.asgi.App": "Falcon ASGI"}
_OF_MCP = {"streamable_http_app", "http_app", "sse_app"}
_FACTORIES = {"create_app", "make_app", "get_app"}
"""Functions that a server may call itself; others only count where their result is kept."""
_ADDING = {"include_router", "mount", "register_blueprint", "add_middleware"}
RELATIVE = re.compile(r"^[ \t]*from[ \t]+\.", re.MULTILINE)
_MODULES = ("main", "app", "server", "api", "wsgi", "asgi", "application", "web", "run", "index")


@dataclass(frozen=True)
class PythonApp:
    """A module-level object that a server can run."""

    path: str
    module: str
    name: str
    framework: str
    factory: bool = False


@dataclass(frozen=True)
class PythonStart:
    """A shell command, packages that it needs beyond the application's own, and what was recognised."""

    command: str
    extra_packages: tuple[str, ...] = ()
    note: str = ""
    build: str | None = None
    """What is to be run once the packages are there."""
    port: int = DEFAULT_PORT
    package: str | None = None
    """The name by which the program imports the directory that it runs in."""


def best(files: Files) -> PythonApp | None:
    """The object that a server is to run, or None."""
    return min(_apps(files), key=_preference, default=None)


def source_root(files: Files) -> str | None:
    """`src` when its modules are imported without naming it: it must be on the import path, installed or not."""
    top = [p for p in files.with_suffix(".py", 1) if p.startswith("src/")]
    deep = any(p.startswith("src/") for p in files.named("__init__.py", 2) if p.count("/") == 2)
    package = "src/__init__.py" in files or any(RELATIVE.search(files.read(p)) for p in top[:MOST_READ])
    return "src" if (top or deep) and not package else None


def own_name(files: Files, path: str) -> str | None:
    """The name under which a module at the top imports its neighbours, where the directory itself is their package."""
    name, text = files.place.rpartition("/")[2], files.read(path)
    if "/" in path or not (name or "application").isidentifier():
        return None
    named = name and name in imported(text) and f"{name}.py" not in files and not files.has_directory(name)
    return (name or "application") if named or RELATIVE.search(text) else None


def importable(path: str) -> bool:
    """Whether a path is a module's: a name out of the repository that stands in a command."""
    return all(part.isidentifier() and part.isascii() for part in path.removesuffix(".py").split("/"))


def module_of(path: str, root: str | None) -> str:
    path = path.removeprefix(f"{root}/") if root else path
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _apps(files: Files) -> Iterator[PythonApp]:
    """Application objects in the places where they usually are: at the top, and up to two packages down."""
    root = source_root(files)
    usual = []
    for path in files.with_suffix(".py", 2):
        parts = path.removesuffix(".py").split("/")
        named = parts[-1] in _MODULES or parts[-1] == "__init__" or len(parts) == 1
        if named and importable(path) and "tests" not in parts and not parts[-1].startswith("test"):
            usual.append((parts[-1] not in _MODULES, path))
    trees = [(path, tree) for _, path in sorted(usual)[:MOST_READ] if (tree := parsed(files.read(path)))]
    makers = {name: framework for _, tree in trees for name, framework in _makers(tree)}
    found = [app for path, tree in trees for app in _apps_in(path, module_of(path, root), tree, makers)]
    yield from found
    for path, tree in trees:
        yield from _completed(path, module_of(path, root), tree, found)


def parsed(text: str) -> ast.Module | None:
    """None when this Python cannot read it."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def only_defines(text: str) -> bool:
    """Whether running a module does nothing: it imports, assigns and defines."""
    tree = parsed(text)
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return tree is not None and all(
        isinstance(node, kinds)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        for node in tree.body
    )


def imported(text: str) -> list[str]:
    """Top names of what a module imports; imports in `try` and in functions do not count."""
    names: list[str] = []
    for node in (parsed(text) or ast.Module([], [])).body:
        if isinstance(node, ast.Import):
            names += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module.partition(".")[0])
    return names


def _makers(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Functions that make an application object, whatever they are called."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            made = {_called(call) for call in ast.walk(node) if isinstance(call, ast.Call)} & (ASGI | WSGI)
            if made:
                yield node.name, min(made)


def _apps_in(path: str, module: str, tree: ast.Module, makers: dict[str, str]) -> Iterator[PythonApp]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            called = _called(node.value)
            framework = makers.get(called, called)
            if isinstance(target, ast.Name) and framework in ASGI | WSGI:
                yield PythonApp(path, module, target.id, framework)
        elif isinstance(node, ast.FunctionDef) and node.name in makers and _is_factory(node):
            yield PythonApp(path, module, node.name, makers[node.name], factory=True)


def _is_factory(node: ast.FunctionDef) -> bool:
    return node.name in _FACTORIES and len(node.args.args) == len(node.args.defaults)


def _completed(path: str, module: str, tree: ast.Module, apps: list[PythonApp]) -> Iterator[PythonApp]:
    """An application of another module to which this one, of a usual name, adds routes: both are needed."""
    if module not in _MODULES:
        return
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or node.level:
            continue
        for alias in node.names:
            name = alias.asname or alias.name
            app = next((a for a in apps if (a.module, a.name) == (node.module, alias.name) and not a.factory), None)
            if app and _ADDING & set(_calls_on(tree, name)) and "run" not in _calls_on(tree, name):
                yield PythonApp(path, module, name, app.framework)


def _calls_on(tree: ast.Module, name: str) -> list[str]:
    """Methods of `name` that are called when the module is imported."""
    calls = [node.value for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    attributes = [call.func for call in calls if isinstance(call.func, ast.Attribute)]
    return [a.attr for a in attributes if isinstance(a.value, ast.Name) and a.value.id == name]


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id
    if not isinstance(function, ast.Attribute):
        return ""
    return "MCP" if function.attr in _OF_MCP else _DOTTED.get(ast.unparse(function), function.attr)


def served_by(text: str) -> str | None:
    """The name of Dash's WSGI application: `server = app.server`."""
    for node in (parsed(text) or ast.Module([], [])).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "server":
            target = node.targets[0]
            return target.id if isinstance(target, ast.Name) and target.id.isascii() else None
    return None


def _preference(app: PythonApp) -> tuple[bool, int, int, bool, str]:
    """Real objects before factories, the least deep, the usual names."""
    module = app.module.rsplit(".", 1)[-1]
    order = _MODULES.index(module) if module in _MODULES else len(_MODULES)
    return (app.factory, app.path.count("/"), order, app.name not in {"app", "application"}, app.name)
