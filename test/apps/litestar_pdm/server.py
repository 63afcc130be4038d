from litestar import Litestar, get


@get("/")
async def hello() -> str:
    return "hello from litestar"


app = Litestar([hello])
