"""An instance is launched in a small cloud, and every hop of a launch is proved; what is not so is said."""

import json
import subprocess

from scenario import ROOT, Scenario, eventually


def hoplab(scenario: Scenario, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the verification pack on the scenario's cloud."""
    argv = [str(ROOT / ".venv" / "bin" / "hoplab"), "--lab", str(scenario.lab), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=400, check=False, cwd=scenario.lab)


def test_the_instance_of_the_role_is_known_to_the_cloud_after_a_reboot(scenario: Scenario) -> None:
    servers = eventually("Nova answers", lambda: list(scenario.cloud.compute.servers()), seconds=180)
    assert [server.name for server in servers] == ["hoplab-1"]
    (volume,) = servers[0].attached_volumes
    assert scenario.cloud.block_storage.get_volume(volume["id"]).status == "in-use"


def test_every_hop_of_a_launch_is_proved_after_a_reboot(scenario: Scenario) -> None:
    def agents() -> bool:
        told = list(scenario.cloud.network.agents())
        return len(told) == 4 and all(agent.is_alive for agent in told)

    eventually("Neutron's agents are alive", agents, seconds=180)
    done = hoplab(scenario, "verify", "--json")
    report = json.loads(done.stdout)
    bad = {"absent", "weak", "unknown", "out of order"}
    unproven = [f"{hop['name']} {hop['verdict']}: {hop['why']}" for hop in report["hops"] if hop["verdict"] in bad]
    why = "\n".join([done.stderr[-2000:], report["launch"]["error"], *unproven[:5]])
    assert (done.returncode, report["result"], report["first_unproven"]) == (0, "proved", None), why
    assert len({hop["hop"] for hop in report["hops"] if hop["hop"]}) == 58


def test_a_lab_that_is_not_there_is_named(scenario: Scenario) -> None:
    done = scenario.converge(launch_lab="/srv/no/lab")
    assert done.returncode == 2
    assert "/srv/no/lab" in done.stdout
    assert "make lab" in done.stdout
