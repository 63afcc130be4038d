from importlib.metadata import version

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request):
    return PlainTextResponse(f"hello from starlette {version('star-factory')}")


def create_app() -> Starlette:
    return Starlette(routes=[Route("/", hello)])
