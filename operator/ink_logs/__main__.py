"""`python -m ink_logs`: serve until SIGTERM."""

from aiohttp import web
from ink_common.startup import start

from ink_logs.app import application
from ink_logs.settings import parse_settings

if __name__ == "__main__":
    settings = start(parse_settings)
    web.run_app(application(settings), host=settings.host, port=settings.port, access_log=None, print=None)
