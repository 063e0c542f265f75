"""Every flow can be run by its verb, by the command line, and by a deployment."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NO_FLOWS = {"steps"}


def _stems():
    return {path.stem for path in (ROOT / "flows").glob("[!_]*.py")} - NO_FLOWS


@pytest.fixture(scope="module")
def deployments():
    told = yaml.safe_load((ROOT / "infra" / "prefect.yaml").read_text(encoding="utf-8"))
    return {one["name"]: one for one in told["deployments"]}


def test_every_flow_answers_to_its_verb():
    from flows.__main__ import VERBS

    assert set(VERBS) == _stems()
    assert len(set(VERBS)) == len(VERBS)


@pytest.mark.parametrize("verb", sorted(_stems()))
def test_a_flow_has_its_files_name_and_says_what_it_does(verb):
    flow = getattr(import_module(f"flows.{verb}"), verb)
    assert flow.name == verb
    assert flow.description


def test_every_flow_has_a_deployment_of_its_name(deployments):
    assert set(deployments) == _stems()


@pytest.mark.parametrize("verb", sorted(_stems()))
def test_a_deployments_entrypoint_is_its_flow(deployments, verb):
    assert deployments[verb]["entrypoint"] == f"flows/{verb}.py:{verb}"


@pytest.mark.parametrize("verb", sorted(_stems()))
def test_a_deployments_parameters_are_its_flows(deployments, verb):
    from prefect.flows import load_flow_from_entrypoint

    flow = load_flow_from_entrypoint(str(ROOT / deployments[verb]["entrypoint"]))
    given = deployments[verb].get("parameters") or {}
    assert set(given) <= set(inspect.signature(flow.fn).parameters)


@pytest.mark.parametrize("verb", sorted(_stems()))
def test_every_flow_has_a_command_of_its_name(verb):
    from loanbook import cli

    assert verb in list(cli.whole())
