"""Which Python the pinned packages support, where nothing names one: old releases were made for old versions.

Of packages with compiled parts, pip finds no wheel for a Python that came later; others use what Python has since
removed (distutils, cgi). Only exact versions count: of a range the installer takes what suits.
"""

import re
from dataclasses import dataclass

from ink_planner.model.files import Files
from ink_planner.toolkit.versions import number_of

_NEWEST_KNOWN = 14
_FIRST = 11
_FROM: dict[str, tuple[str, ...]] = {
    "aiohttp": ("3.8.3", "3.9.0", "3.10.6", "3.12.15"),
    "asyncpg": ("0.27.0", "0.29.0", "0.30.0", "0.31.0"),
    "cffi": ("1.15.1", "1.16.0", "1.17.0", "2.0.0"),
    "django": ("3.2", "4.2", "4.2", "5.2"),
    "frozenlist": ("1.3.3", "1.4.1", "1.5.0", "1.7.0"),
    "gevent": ("22.10.2", "23.9.0", "24.10.1", "25.8.2"),
    "greenlet": ("2.0.0", "3.0.0", "3.1.0", "3.2.4"),
    "grpcio": ("1.50.0", "1.59.0", "1.66.2", "1.75.1"),
    "gunicorn": ("0", "21.0.0", "21.0.0", "21.0.0"),
    "httptools": ("0.5.0", "0.6.1", "0.6.4", "0.7.0"),
    "lxml": ("4.9.2", "4.9.4", "5.3.0", "6.0.1"),
    "matplotlib": ("3.6.2", "3.8.0", "3.9.2", "3.10.6"),
    "multidict": ("6.0.3", "6.0.5", "6.1.0", "6.6.4"),
    "mysqlclient": ("2.1.1", "2.2.0", "2.2.4", "2.2.7"),
    "numpy": ("1.23.4", "1.26.0", "2.1.0", "2.3.2"),
    "orjson": ("3.8.1", "3.9.10", "3.10.7", "3.11.3"),
    "pandas": ("1.5.1", "2.1.1", "2.2.3", "2.3.3"),
    "pillow": ("9.3.0", "10.1.0", "10.4.0", "12.0.0"),
    "psycopg-binary": ("3.1.5", "3.1.13", "3.2.2", "3.2.11"),
    "psycopg2": ("2.9.5", "2.9.9", "2.9.10", "2.9.11"),
    "psycopg2-binary": ("2.9.5", "2.9.9", "2.9.10", "2.9.11"),
    "pyarrow": ("10.0.0", "14.0.0", "18.0.0", "22.0.0"),
    "pydantic": ("1.10.0", "1.10.16", "2.8.0", "2.12.0"),
    "pydantic-core": ("0.1.0", "2.6.0", "2.20.0", "2.41.0"),
    "pymongo": ("4.3.2", "4.6.0", "4.9.0", "4.15.0"),
    "pyyaml": ("6.0", "6.0.1", "6.0.2", "6.0.3"),
    "scikit-learn": ("1.2.0", "1.3.1", "1.5.2", "1.7.2"),
    "scipy": ("1.9.3", "1.11.2", "1.14.1", "1.16.1"),
    "sqlalchemy": ("1.4.42", "1.4.50", "2.0.31", "2.0.43"),
    "tensorflow": ("2.12.0", "2.16.1", "2.20.0", "2.21.0"),
    "torch": ("2.0.0", "2.2.0", "2.5.0", "2.9.0"),
    "uvloop": ("0.17.0", "0.19.0", "0.21.0", "0.22.0"),
    "werkzeug": ("0", "0", "0", "3.0.0"),
    "yarl": ("1.8.2", "1.9.3", "1.11.0", "1.20.0"),
}
"""By package: its first versions that work with Python 3.11, 3.12, 3.13 and 3.14."""
_PURE = frozenset({"django", "gunicorn", "pydantic", "sqlalchemy", "werkzeug"})
"""Without compiled parts, or usable without them."""

_PINNED = (
    (
        "requirements.txt",
        re.compile(r"^[ \t]*([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]{0,200}\])?[ \t]*===?[ \t]*v?(\d[\w.]*)", re.MULTILINE),
    ),
    ("poetry.lock", re.compile(r'^name = "([^"]+)"\nversion = "([^"]+)"', re.MULTILINE)),
    ("Pipfile.lock", re.compile(r'^ {8}"([^"]+)": \{[^{}]*?"version": "==([^"]+)"', re.MULTILINE)),
)


@dataclass(frozen=True)
class PythonLimit:
    """The newest minor version of Python 3 that a pinned package supports."""

    minor: int
    package: str
    version: str
    path: str

    @property
    def source(self) -> str:
        """For a sentence."""
        return f"{self.package} {self.version} in {self.path}"


def limits(files: Files) -> list[PythonLimit]:
    """Of the pinned packages that do not support every known Python; the oldest first."""
    pairs = [(*pair, path) for path, pattern in _PINNED for pair in pattern.findall(files.read(path))]
    found = [made for pair in pairs if (made := _of(*pair))]
    return sorted(found, key=lambda one: (one.minor, one.package))


def without_wheel(files: Files, minor: int) -> list[str]:
    """Packages that pip compiles for this minor version of Python."""
    return [one.package for one in limits(files) if one.minor < minor and one.package not in _PURE]


def _of(name: str, version: str, path: str) -> PythonLimit | None:
    package = re.sub(r"[-_.]+", "-", name).lower()
    number = number_of(version)
    if package not in _FROM or number is None:
        return None
    works = [_FIRST + n for n, first in enumerate(_FROM[package]) if number >= (number_of(first) or ())]
    newest = max(works, default=_FIRST - 1)
    return PythonLimit(newest, package, version, path) if newest < _NEWEST_KNOWN else None
