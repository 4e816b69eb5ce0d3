"""Pods in a sandbox, where the cluster has one."""

from ink_operator.core.objects import DEPLOYMENT
from scenarios.world import World, git_spec

SANDBOX = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "runsc"}, "handler": "runsc"}


async def test_without_the_sandbox_nothing_runs_outside_of_it_and_it_heals() -> None:
    world = await World(git_spec(isolation="GVisor"), gvisor_runtime_class="runsc").settle()
    assert world.condition("Ready") == ("False", "RuntimeUnavailable")
    assert world.of(DEPLOYMENT) == []
    assert world.due is not None
    assert world.due <= 60
    world.cluster.put(SANDBOX)
    await world.settle()
    assert world.condition("Ready") == ("True", "Ready")


async def test_pods_are_in_the_sandbox_and_their_root_is_nobody_on_the_node() -> None:
    world = World(git_spec(isolation="GVisor"), gvisor_runtime_class="runsc")
    world.cluster.put(SANDBOX)
    await world.settle()
    pod = world.of(DEPLOYMENT)[0]["spec"]["template"]["spec"]
    assert (pod["runtimeClassName"], pod["hostUsers"]) == ("runsc", False)


async def test_an_old_revision_serves_on_while_the_sandbox_is_missing() -> None:
    world = await World(git_spec()).settle()
    world.change(isolation="GVisor")
    await world.settle()
    assert world.condition("Ready") == ("False", "RuntimeUnavailable")
    assert world.condition("Available")[0] == "True"
    pod = world.of(DEPLOYMENT)[0]["spec"]["template"]["spec"]
    assert not {"runtimeClassName", "hostUsers"} & set(pod)
