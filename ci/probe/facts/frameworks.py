"""Which calls make an application, by the names they are imported under."""

from __future__ import annotations

# Constructor: (framework, what it speaks to a server).
CONSTRUCTORS = {
    "fastapi.FastAPI": ("fastapi", "asgi"),
    "fastapi.applications.FastAPI": ("fastapi", "asgi"),
    "starlette.applications.Starlette": ("starlette", "asgi"),
    "litestar.Litestar": ("litestar", "asgi"),
    "litestar.app.Litestar": ("litestar", "asgi"),
    "quart.Quart": ("quart", "asgi"),
    "blacksheep.Application": ("blacksheep", "asgi"),
    "robyn.Robyn": ("robyn", "own"),
    "sanic.Sanic": ("sanic", "asgi"),
    "falcon.asgi.App": ("falcon", "asgi"),
    "falcon.App": ("falcon", "wsgi"),
    "flask.Flask": ("flask", "wsgi"),
    "apiflask.APIFlask": ("flask", "wsgi"),
    "bottle.Bottle": ("bottle", "wsgi"),
    "aiohttp.web.Application": ("aiohttp", "aiohttp"),
    "gradio.Blocks": ("gradio", "gradio"),
    "gradio.Interface": ("gradio", "gradio"),
    "gradio.ChatInterface": ("gradio", "gradio"),
    "gradio.TabbedInterface": ("gradio", "gradio"),
    "celery.Celery": ("celery", "celery"),
    "celery.app.Celery": ("celery", "celery"),
}

# Functions that are named so and give an application back are meant to be called by a server.
FACTORIES = ("create_app", "make_app", "build_app", "get_app", "app_factory", "init_app", "create_application", "factory")

HEALTH = (
    "/healthz", "/health", "/livez", "/readyz", "/up", "/ping", "/status", "/api/health", "/api/healthz", "/health/live",
    "/_health", "/-/health",
)  # fmt: skip
