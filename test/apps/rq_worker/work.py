import os

from redis import Redis
from rq import Queue

mails = Queue("mails", connection=Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost")))


def send(address: str) -> None:
    print(f"mail to {address}")
