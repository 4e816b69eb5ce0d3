"""`python -m ink_resolver`: serve until SIGTERM."""

from aiohttp import web
from ink_common.startup import start

from ink_resolver.app import application
from ink_resolver.settings import parse_settings

if __name__ == "__main__":
    settings = start(parse_settings)
    web.run_app(application(settings), host=settings.host, port=settings.port, access_log=None, print=None)
