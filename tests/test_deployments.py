"""The deployments of prefect.yaml, on a real Prefect server on this machine."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.registry import get, names

ROOT = Path(__file__).resolve().parents[1]
DECLARED = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def prefect(server: str, *arguments: str) -> str:
    """What the `prefect` command prints, run from the root of the repository against a server."""
    answer = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": server, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def deployed(prefect_server: str) -> dict[str, Any]:
    """The server's deployments by flow name, after `make deploy`'s two commands."""
    from prefect.client.orchestration import get_client

    prefect(prefect_server, "work-pool", "create", "gatewise", "--type", "process", "--overwrite")
    prefect(prefect_server, "deploy", "--all")
    with get_client(sync_client=True) as client:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        return {flows[found.flow_id]: found for found in client.read_deployments() if found.work_pool_name}


def test_every_application_has_a_deployment_that_prefect_accepts(deployed):
    assert set(deployed) == set(names())
    assert {found.work_pool_name for found in deployed.values()} == {"gatewise"}
    assert all(found.name == name for name, found in deployed.items())


def test_every_deployment_runs_in_this_clone(deployed):
    for name, found in deployed.items():
        assert found.entrypoint == f"flows/{name}.py:{name}"
        (step,) = found.pull_steps
        assert Path(step["prefect.deployments.steps.set_working_directory"]["directory"]) == ROOT


def test_every_deployment_has_a_schedule_and_forecasting_follows_the_market(deployed):
    assert all(len(found.schedules) == 1 and found.schedules[0].active for found in deployed.values())
    schedule = deployed["forecasting"].schedules[0].schedule
    assert (schedule.cron, schedule.timezone) == ("30 16 * * 1-5", "America/New_York")


def test_every_deployment_draws_a_form(deployed):
    for found in deployed.values():
        assert found.parameter_openapi_schema["properties"]["preset"]["enum"] == ["tiny", "base", "large"]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared["name"])
def test_the_parameters_of_every_deployment_are_ones_its_flow_takes(declared):
    name, parameters = declared["name"], declared["parameters"]
    flow = getattr(import_module(f"flows.{name}"), name)
    flow.validate_parameters(parameters)
    app = get(name)
    assert parameters["source"] in app.sources
    app.preset(parameters["preset"]).changed(parameters.get("settings", {}))
