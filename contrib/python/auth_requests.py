# For a program with requests (`pip install requests`) that runs longer than a token is valid: `session.auth =
# SpotinstAuth()`. Each request to one of Spotinst's hosts gets a valid token. Other hosts get none, because
# `spotinst-cred get` refuses. If the API rejects a token, it is reported, and the request is retried once with a new
# one.
import json
import subprocess

import requests


class SpotinstAuth(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers.update(headers(request.url))
        request.register_hook("response", self.ask_again)
        return request

    def ask_again(self, response, **options):
        request = response.request
        is_stream = not isinstance(request.body, (bytes, str, type(None)))  # a stream cannot be sent again
        if response.status_code != 401 or is_stream:
            return response
        invalidate(request.headers["Authorization"])
        again = request.copy()
        again.headers.update(headers(request.url))
        response.content  # the connection can be reused only after the whole body is read
        response.close()
        answer = response.connection.send(again, **options)
        answer.request = again
        answer.history.append(response)
        return answer


def headers(url):
    answer = json.loads(run("get", json.dumps({"uri": url})))
    return {name: ", ".join(values) for name, values in answer["headers"].items()}


def invalidate(authorization):
    run("invalidate", authorization.removeprefix("Bearer "))


def run(command, text):
    return subprocess.run(["spotinst-cred", command], input=text, stdout=subprocess.PIPE, text=True, check=True).stdout
