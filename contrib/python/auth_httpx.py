# For a program with httpx (`pip install httpx`) that runs longer than a token is valid:
# `httpx.Client(auth=SpotinstAuth())`, or `AsyncClient`. Each request to one of Spotinst's hosts gets a valid token.
# Other hosts get none, because `spotinst-cred get` refuses. If the API rejects a token, it is reported, and the request
# is retried once with a new one; for that the whole body is kept in memory.
import asyncio
import json
import subprocess

import httpx


class SpotinstAuth(httpx.Auth):
    def sync_auth_flow(self, request):
        request.read()
        request.headers.update(headers(request.url))
        response = yield request
        if response.status_code == 401:
            request.headers.update(headers_again(request))
            yield request

    async def async_auth_flow(self, request):
        await request.aread()
        request.headers.update(await asyncio.to_thread(headers, request.url))
        response = yield request
        if response.status_code == 401:
            request.headers.update(await asyncio.to_thread(headers_again, request))
            yield request


def headers(url):
    answer = json.loads(run("get", json.dumps({"uri": str(url)})))
    return {name: ", ".join(values) for name, values in answer["headers"].items()}


def headers_again(request):
    run("invalidate", request.headers["Authorization"].removeprefix("Bearer "))
    return headers(request.url)


def run(command, text):
    return subprocess.run(["spotinst-cred", command], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
