from aiohttp import web


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello from aiohttp")


async def create_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/", hello)
    return app


if __name__ == "__main__":
    web.run_app(create_app(), port=9000)
