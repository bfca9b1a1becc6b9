# For a program with requests (`pip install requests`) that lives longer than a token: `session.auth = SpotinstAuth()`.
# Each request to one of Spotinst's hosts gets a token that is good, and any other host gets none: `spotinst-cred get`
# refuses. A token that the API rejects is reported, and the request is sent once more, with a new one.
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
        is_stream = not isinstance(request.body, (bytes, str, type(None)))  # nobody can send what it has sent once more
        if response.status_code != 401 or is_stream:
            return response
        invalidate(request.headers["Authorization"])
        again = request.copy()
        again.headers.update(headers(request.url))
        response.content  # all of it must be read before the connection can be used again
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
