# For a program that runs longer than a token is valid, with Spotinst's Python SDK (`pip install spotinst_sdk2`): it
# gets a token before each piece of work, which takes a few milliseconds while the cached one is valid.
import json
import subprocess

from spotinst_sdk2 import SpotinstSession
from spotinst_sdk2.models.functions import Environment


def session():
    answer = subprocess.run(["spotinst-cred", "--format", "json"], stdout=subprocess.PIPE, check=True)
    token = json.loads(answer.stdout)
    return SpotinstSession(auth_token=token["access_token"], account_id=token.get("account"))


functions = session().client("functions", print_output=False)
hello = Environment(name="hello", application_id="app-12345678", providers=["aws"], locations=["us-east"])
print(functions.create_environment(hello)["id"])
