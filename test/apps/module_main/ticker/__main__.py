import time

print("hello from a module", flush=True)
while True:
    time.sleep(60)
