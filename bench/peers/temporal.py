"""Temporal, its development server at TEMPORAL_PORT: a workflow without activities, the least that it runs.

Tells what lib.mjs describes."""

import asyncio
import json
import math
import os
import time

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

JOBS = int(os.environ.get("JOBS", 200))
SECONDS = int(os.environ.get("SECONDS", 10))
RATE = int(os.environ.get("RATE", 50))
PHASES = os.environ.get("PHASES", "drain,lives,start").split(",")
CALLERS = 64
CONCURRENCY = 100

times = []


@workflow.defn
class Job:
    @workflow.run
    async def run(self, sent: float) -> None:
        times.append(time.time() - sent)


def tell(phase, **figures):
    print(json.dumps({"phase": phase, **figures}), flush=True)


async def connect(port):
    for _ in range(200):
        try:
            client = await Client.connect(f"127.0.0.1:{port}")
            await client.service_client.check_health()
            return client
        except RuntimeError:
            await asyncio.sleep(0.1)
    raise SystemExit("the server does not answer")


def start(client, queue, number):
    return client.start_workflow(Job.run, time.time(), id=f"{queue}-{number}", task_queue=queue)


async def start_all(client, queue):
    numbers = iter(range(JOBS))

    async def caller():
        for number in numbers:
            await start(client, queue, number)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def until_begun(count):
    while len(times) < count:
        await asyncio.sleep(0.002)


def worker(client, queue):
    return Worker(
        client,
        task_queue=queue,
        workflows=[Job],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_workflow_tasks=CONCURRENCY,
    )


async def drain(client):
    await start_all(client, "drain")
    times.clear()
    began = time.time()
    async with worker(client, "drain"):
        await until_begun(JOBS)
        tell("drain", per_second=JOBS / (time.time() - began))


async def lives(client):
    times.clear()
    async with worker(client, "lives"):
        began = time.time()
        await start_all(client, "lives")
        await until_begun(JOBS)
        tell("lives", per_second=JOBS / (time.time() - began))


async def starts(client):
    times.clear()
    count = RATE * SECONDS
    async with worker(client, "start"):
        await asyncio.sleep(0.5)
        first, begun = time.time(), []
        for number in range(count):
            await asyncio.sleep(max(0, first + number / RATE - time.time()))
            begun.append(asyncio.ensure_future(start(client, "start", number)))
        await asyncio.gather(*begun)
        await until_begun(count)
    ordered = sorted(1e3 * seconds for seconds in times)
    at = lambda q: ordered[max(0, math.ceil(q * len(ordered)) - 1)]
    tell("start", p50_ms=at(0.5), p99_ms=at(0.99), max_ms=at(1))


async def main():
    client = await connect(os.environ["TEMPORAL_PORT"])
    for name, phase in {"drain": drain, "lives": lives, "start": starts}.items():
        if name in PHASES:
            await phase(client)


asyncio.run(main())
# Its library may crash when the interpreter goes down; all is told by now.
os._exit(0)
