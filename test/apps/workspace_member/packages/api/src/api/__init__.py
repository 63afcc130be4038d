from core import greeting
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request):
    return PlainTextResponse(greeting("a workspace"))


app = Starlette(routes=[Route("/", hello)])
