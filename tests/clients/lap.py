"""An application's lap by cloudfoundry-client from PyPI, unchanged.

Usage: lap.py URL USER PASSWORD APP_ZIP HOST
Prints one line a step; ends with status 0 if everything was as a Cloud Foundry user expects.
"""
import sys
import time

import requests
from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode
from cloudfoundry_client.v3.packages import PackageType

url, user, password, bits, host = sys.argv[1:6]


def step(text):
    print(text, flush=True)


def until(what, read, done, limit=60):
    end = time.monotonic() + limit
    while not done(value := read()):
        assert time.monotonic() < end, f"{what}: still {value}"
        time.sleep(0.1)
    return value


client = CloudFoundryClient(url)
try:
    client.init_with_user_credentials(user, "wrong")
    raise SystemExit("a wrong password was accepted")
except Exception as error:  # the client wraps UAA's answer
    step(f"wrong password refused: {type(error).__name__}")
client = CloudFoundryClient(url)
client.init_with_user_credentials(user, password)
v3 = client.v3

organization = v3.organizations.create("formula", False)
space = v3.spaces.create("one", organization["guid"])
assert space["relationships"]["organization"]["data"]["guid"] == organization["guid"]
assert v3.spaces.get_first(names="one", organization_guids=organization["guid"])["guid"] == space["guid"]
domain = v3.organizations.get_default_domain(organization["guid"])
step(f"organization, space, default domain {domain['name']}")

app = v3.apps._create(dict(name="lapapp", relationships=dict(space=dict(data=dict(guid=space["guid"])))))
assert app["state"] == "STOPPED" and app["lifecycle"]["type"] == "buildpack"
try:
    v3.apps._create(dict(name="lapapp", relationships=dict(space=dict(data=dict(guid=space["guid"])))))
    raise SystemExit("a second app of this name was accepted")
except InvalidStatusCode as error:
    assert error.status_code == 422 and "already exists" in str(error.body), error
step("app, and its name is taken")

package = v3.packages.create(app["guid"], PackageType.BITS)
assert package["state"] == "AWAITING_UPLOAD"
package = v3.packages._upload_bits(package["guid"], bits)
until("package", lambda: v3.packages.get(package["guid"])["state"], lambda state: state == "READY")
step("package ready")

build = client.post(f"{url}/v3/builds", json=dict(package=dict(guid=package["guid"]))).json()
build = until(
    "build", lambda: client.get(f"{url}/v3/builds/{build['guid']}").json(), lambda b: b["state"] != "STAGING", 120
)
assert build["state"] == "STAGED", build
droplet = v3.droplets.get(build["droplet"]["guid"])
assert droplet["state"] == "STAGED" and droplet["process_types"]["web"]
client.patch(f"{url}/v3/apps/{app['guid']}/relationships/current_droplet", json=dict(data=dict(guid=droplet["guid"])))
step("droplet staged and current")

route = v3.routes.create(space["guid"], domain["guid"], host)
client.post(f"{url}/v3/routes/{route['guid']}/destinations", json=dict(destinations=[dict(app=dict(guid=app["guid"]))]))
v3.apps.get(app["guid"]).start()
process = next(iter(v3.apps.get(app["guid"]).processes()))
assert process["command"] == "[PRIVATE DATA HIDDEN IN LISTS]" and process["guid"] == app["guid"]
stats = lambda: client.get(f"{url}/v3/processes/{process['guid']}/stats").json()["resources"]
until("stats", stats, lambda found: len(found) == 1 and found[0]["state"] == "RUNNING")
name = f"{host}.{domain['name']}"
assert route["url"] == name
until("route", lambda: requests.get(url, headers=dict(Host=name)).status_code, lambda status: status == 200)
step(f"runs and answers as {name}")

client.patch(f"{url}/v3/apps/{app['guid']}/environment_variables", json=dict(var=dict(COLOUR="papaya")))
environment = v3.apps.get_env(app["guid"])
assert environment["environment_variables"] == {"COLOUR": "papaya"}
assert environment["application_env_json"]["VCAP_APPLICATION"]["application_name"] == "lapapp"
scaled = client.post(f"{url}/v3/apps/{app['guid']}/processes/web/actions/scale", json=dict(instances=2))
assert scaled.status_code == 202, scaled.text
until("scale", stats, lambda found: [one["state"] for one in found] == ["RUNNING", "RUNNING"])
step("environment set, scaled to two")

task = v3.tasks.create(app["guid"], "echo from $COLOUR; exit 3", name="once")
assert task["sequence_id"] == 1
task = until("task", lambda: v3.tasks.get(task["guid"]), lambda t: t["state"] in ("SUCCEEDED", "FAILED"))
assert task["state"] == "FAILED" and "3" in task["result"]["failure_reason"], task
step(f"task: {task['result']['failure_reason']}")


def lines():
    batch = client.get(f"{url}/api/v1/read/{app['guid']}?envelope_types=LOG&descending=true&limit=1000").json()
    import base64

    return [base64.b64decode(e["log"]["payload"]).decode() for e in batch["envelopes"]["batch"]]


until("log", lines, lambda found: any("from papaya" in line for line in found))
types = {event["type"] for event in v3.audit_events.list(target_guids=app["guid"])}
wanted = {"audit.app.create", "audit.app.start", "audit.app.process.scale", "audit.app.task.create", "audit.app.map-route"}
assert wanted <= types, wanted - types
step("log lines and events")

manifest = v3.apps.get_manifest(app["guid"])
assert "name: lapapp" in manifest and name in manifest, manifest
v3.apps.get(app["guid"]).stop()
until("stop", stats, lambda found: all(one["state"] == "DOWN" for one in found))
assert requests.get(url, headers=dict(Host=name)).status_code == 503
v3.apps.remove(app["guid"], asynchronous=False)
v3.routes.remove(route["guid"])
until("route gone", lambda: requests.get(url, headers=dict(Host=name)).status_code, lambda status: status == 404)
v3.organizations.remove(organization["guid"], asynchronous=False)
assert v3.spaces.get_first(names="one", organization_guids=organization["guid"]) is None
step("stopped, deleted, gone")
