"""Python in one record."""

from ink_planner.ecosystems.python.plan import detect
from ink_planner.model.base_images import DEFAULT_KEY, same
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

_VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

PYTHON = Ecosystem(
    name="Python",
    detect=detect,
    base_images={"python": {DEFAULT_KEY: "3.13", **same("python:{v}-slim", *_VERSIONS)}},
    signs=Signs(
        ("requirements.txt", "pyproject.toml", "Pipfile", "setup.py", "manage.py", "mkdocs.yml", "mkdocs.yaml"),
        ("main.py", "app.py", "server.py", "wsgi.py", "asgi.py"),
    ),
    examples=("requirements.txt", "pyproject.toml", "main.py", "mkdocs.yml"),
    reads_utf16=("requirements.txt",),
    also_checked=("uv.lock", "poetry.lock", "Pipfile.lock"),
    # manage.py is Django's, whatever builds its assets
    comes_first_with=("manage.py",),
    documentation=Documentation(
        "`requirements.txt`, `pyproject.toml`, `Pipfile`, `setup.py`, a script (also with inline metadata)",
        "uv, poetry, pdm, pipenv, pip",
        "Django, FastAPI, Flask, Starlette, Streamlit, Gradio, Dash, Chainlit, Falcon, MCP servers (over HTTP), else"
        " the script, else the documents of MkDocs; found by reading the code, which is never run for this",
    ),
)
