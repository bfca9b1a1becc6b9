# For a script with Spotinst's first Python SDK (`pip install spotinst_sdk`): run
# `spotinst-cred exec --min-ttl 30m -- python sdk.py`. The SDK reads token and account from the environment.
from spotinst_sdk import SpotinstClient

client = SpotinstClient(print_output=False)
for group in client.get_elastigroups():
    print(group["id"], group["name"])
