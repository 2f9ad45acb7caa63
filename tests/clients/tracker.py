"""A project's lap by pyvotal-tracker from PyPI, unchanged but for its base address and token.

Usage: tracker.py URL USER PASSWORD
Prints one line a step; ends with status 0 if everything was as a client of REST API v5 expects.
"""
import sys

import requests
from pyvotal_tracker import PivotalTracker

url, user, password = sys.argv[1:4]
base = f"{url}/services/v5"


def step(text):
    print(text, flush=True)


me = requests.get(f"{base}/me", auth=(user, password)).json()
assert len(me["api_token"]) == 32, me
step("me gives a token")
PivotalTracker.base_url = base
client = PivotalTracker(me["api_token"])
token = {"X-TrackerToken": me["api_token"]}

# What the client has no method for.
made = requests.post(f"{base}/projects", json={"name": "Apollo"}, headers=token).json()
project = made["id"]
epic = requests.post(f"{base}/projects/{project}/epics", json={"name": "Moon"}, headers=token).json()

assert [one["id"] for one in client.get_project_list()] == [project]
assert client.get_project(project)["name"] == "Apollo"
assert client.get_account_list()[0]["kind"] == "account"
members = client.get_project_membership_list(project)
assert (members[0]["person"]["id"], members[0]["role"]) == (me["id"], "owner")
step("projects, accounts, memberships")

story = client.post_story(project, "Land", "softly", labels=["moon"], estimate=2, current_state="unstarted")
assert story["story_type"] == "feature" and story["estimate"] == 2, story
assert client.get_story(story["id"], project)["description"] == "softly"
label = client.post_story_label(project, story["id"], "Crew")
assert label["name"] == "crew" and len(client.get_project_label_list(project)) == 2
client.delete_story_label(project, story["id"], label["id"])
assert [one["name"] for one in client.get_story(story["id"], project)["labels"]] == ["moon"]
for state in ["started", "finished", "delivered", "accepted"]:
    assert client.edit_story(project, story["id"], current_state=state)["current_state"] == state
assert client.get_story_owner_list(story["id"], project)[0]["name"] == me["name"]
step("a story from its creation to its acceptance")

comment = client.post_story_comment(project, story["id"], "well done")
assert client.get_story_comment(story["id"], project, comment["id"])["text"] == "well done"
client.delete_comment(project, story["id"], comment["id"])
assert client.get_story_comment_list(story["id"], project) == []
answer = requests.post(f"{base}/stories/{story['id']}/tasks", json={"description": "look"}, headers=token)
assert answer.status_code == 200, answer.text
task = client.get_story_task_list(story["id"], project)[0]
assert client.get_story_task(story["id"], project, task["id"])["description"] == "look"
kind = requests.get(f"{base}/projects/{project}/review_types", headers=token).json()[0]["id"]
review = client.post_story_review(project, story["id"], kind, reviewer_id=me["id"])
assert client.edit_story_review(project, story["id"], review["id"], status="pass")["status"] == "pass"
assert client.get_story_review(project, story["id"], review["id"])["reviewer_id"] == me["id"]
client.delete_story_review(project, story["id"], review["id"])
assert client.get_story_review_list(project, story["id"]) == []
step("comments, tasks, reviews")

assert client.get_project_epic(project, epic["id"])["label"]["name"] == "moon"
assert client.get_project_epic_list(project)[0]["id"] == epic["id"]
assert client.get_project_epic_comment_list(project, epic["id"]) == []
current = client.get_iteration_list(project)[0]
assert current["number"] == 1 and current["stories"][0]["id"] == story["id"], current
step("epics, iterations")

client.delete_story(project, story["id"])
assert client.get_story_list(project) == []
try:
    client.get_story(story["id"], project)
except Exception as error:
    assert "unfound_resource" in str(error)
else:
    raise AssertionError("a deleted story was found")
step("deleted")
