"""What each command of README.md has to show when it is run, and which ones bin/test runs itself."""

from dataclasses import dataclass

STEPS = ("make check", "make molecule", "make down", "make lab", "make stop", "make start", "make launch")
"""Commands that bin/test runs as steps of its own."""
WHOLE = "make test"
"""What runs bin/test."""
BESIDES = ("make env", "make help", "make clean", "make check-machines")
"""Commands in the text, not in a block, that tests/lab/test_make.py runs."""
PART = {"make molecule ROLE=keystone": "make molecule"}
"""A part of what is run as a whole."""


@dataclass(frozen=True)
class Shows:
    """What a command has to say (a regular expression), what is typed into it, and how long it may take.

    The time is a bound for a machine that is busy with other things, and no measure.
    """

    sign: str
    stdin: str = ""
    seconds: float = 180
    changes_nothing: bool = False
    """Its output is a playbook's, and its recap has to say changed=0 for every host."""


HOPLAB = ".venv/bin/hoplab"
SSH = "ssh -F .lab/local/ssh/config"
PLAY = "ansible-playbook -i inventories/local playbooks/site.yml"
CLOUDS = ".lab/local/clouds.yaml"
WHO = "hostname; exit\n"
SILENT = Shows(r"^$")

SHOWS: dict[str, dict[str, Shows]] = {
    "": {
        "make verify": Shows(r"launch-58 proved: .*\b73 proved\.", seconds=400),
    },
    "Prove a launch": {
        f"{HOPLAB} verify --count 3 --keep": Shows(r"(?s)(launch-58 proved: .*){3}", seconds=500),
        f"{HOPLAB} watch --web --warm": Shows(r"(?s)open http://.*cached.*launch-58 proved: ", seconds=400),
        f"{HOPLAB} report": Shows(r"launch-58 proved: "),
        f"{HOPLAB} report --html --output runs/report.html": Shows(r"runs/report.html"),
        f"{HOPLAB} report --junit --output runs/junit.xml": Shows(r"runs/junit.xml"),
        f"{HOPLAB} report --json": Shows(r'"result": "proved"'),
        f"{HOPLAB} report --perfetto runs/perfetto.json": Shows(r"written to runs/perfetto.json"),
        f"{HOPLAB} report --otlp runs/otlp.json": Shows(r"written to runs/otlp.json"),
        f'{HOPLAB} report --compare "$(ls -d runs/2* | tail -2 | head -1)" runs/latest': Shows(
            r"(?s)result +proved +proved.* of [0-9]+ hops differs?: "
        ),
        f"{HOPLAB} replay runs/latest": Shows(r"launch-58 proved: "),
        f"{HOPLAB} replay runs/latest --flow cli-28 --html --output runs/cli-28.html": Shows(r"cli-28 proved: "),
        f"{HOPLAB} explain": Shows(r"(?m)^ *58 .*poll-answer"),
        f"{HOPLAB} explain 33": Shows(r"\b33\b"),
        f"{HOPLAB} explain vif-plugged": Shows(r"vif-plugged"),
        f"{HOPLAB} explain --flow cli-28 20": Shows(r"cli-28"),
        f"{HOPLAB} doctor": Shows(r"located to 1\.00 hops in the mean"),
        f"{HOPLAB} doctor --profile plain --level 2": Shows(r"(?m)^run next: hoplab doctor --profile plain --level 3$"),
        f"{HOPLAB} schema report": Shows(r'"title": "report.json'),
        f"{HOPLAB} verify --journey volume-attach": Shows(r"attach-20 proved: .*\b20 proved\.", seconds=300),
    },
    "Break it on purpose": {
        f"{HOPLAB} drill --list": Shows(r"conductor-stopped .*schedule-take"),
        f"{HOPLAB} drill conductor-stopped": Shows(
            r"(?s)localised in .*first unproven hop: schedule-take", seconds=400
        ),
        f'{HOPLAB} drill --quick --draw 6 --seed "$(git rev-parse HEAD)"': Shows(
            r"(?s)drawn with --seed [0-9a-f]{40}.*\b6 of 6 faults localised", seconds=900
        ),
        f"{HOPLAB} drill --blind": Shows(r"a fault is in the lab"),
        f"{HOPLAB} drill --answer": Shows(r"It (breaks|slows) hop "),
        f"{HOPLAB} drill --heal": Shows(r"the fault [a-z0-9-]+ is out", seconds=400),
    },
    "Keep a state and go back to it": {
        "make snapshot NAME=before-lesson": Shows(r"Snapshot \.+ .* s\b(?s:.*)Services \.+", seconds=400),
        "make snapshots": Shows(r"(?m)^hoplab +before-lesson +\d{4}-\d\d-\d\d "),
        "make restore NAME=before-lesson": Shows(r"Restore \.+ .* s\b(?s:.*)Services \.+", seconds=400),
        "make launch": Shows(r"launch holds: all 13 checks hold", seconds=400),
        "make snapshot-delete NAME=before-lesson": Shows(r"Remove the snapshot \.+ .* s\b"),
    },
    "Look around": {
        f"{SSH} ctl1": Shows(r"(?m)^ctl1$", stdin=WHO),
        f"{SSH} ceph1 ceph -s": Shows(r"health: HEALTH_OK"),
        f"{SSH} cmp1 virsh list --all": Shows(r"Id +Name +State"),
        "python3 -m venv ~/openstackclient && ~/openstackclient/bin/pip install python-openstackclient": Shows(
            r"Successfully installed .*python-openstackclient-", seconds=900
        ),
        f"export PATH=~/openstackclient/bin:$PATH OS_CLIENT_CONFIG_FILE=$PWD/{CLOUDS} OS_CLOUD=hoplab-admin": SILENT,
        "openstack server list --all-projects": Shows(r"\| hoplab-1 +\| ACTIVE"),
        "openstack network agent list": Shows(r"(?s)(neutron-[a-z0-9]+-agent.*){3}"),
        "openstack server event list hoplab-1": Shows(r"\| create +\|"),
        f"{SSH} ctl1 OS_CLIENT_CONFIG_FILE=/dev/stdin openstack --os-cloud hoplab-admin server list < {CLOUDS}": Shows(
            r"\| hoplab-1 +\| ACTIVE"
        ),
        "openstack server ssh hoplab-1 -- -l root -i .lab/local/guest/id_ed25519 -o UserKnownHostsFile=/dev/null"
        " -o StrictHostKeyChecking=no": Shows(r"(?m)^hoplab-1", stdin=WHO),
        "openstack console log show hoplab-1 | grep LABGUEST": Shows(r"LABGUEST metadata ok uuid="),
        f"{HOPLAB} launch --existing": Shows(r"launch holds: all 13 checks hold"),
        f"{HOPLAB} launch --no-keep": Shows(r"launch holds: all 13 checks hold", seconds=400),
        f"{HOPLAB} cleanup": Shows(r"instance"),
        f"{HOPLAB} wait": Shows(r"every service of the lab answers"),
        f"{HOPLAB} launch --json": Shows(r'"global_request_id": "req-', seconds=400),
    },
    "Bare commands": {
        ". .venv/bin/activate": SILENT,
        PLAY: Shows(r"PLAY RECAP", seconds=900, changes_nothing=True),
        f"{PLAY} --check --diff": Shows(r"PLAY RECAP", seconds=900, changes_nothing=True),
        f"{PLAY} --limit cmp2": Shows(r"(?s)PLAY RECAP.*\ncmp2 ", seconds=900, changes_nothing=True),
        f"{PLAY} --tags keystone": Shows(r"PLAY RECAP", seconds=900, changes_nothing=True),
    },
    "Inventories": {
        "cp -a inventories/local inventories/other": SILENT,
        "export INVENTORY=inventories/other HOPLAB_LAB=$PWD/.lab/other": SILENT,
        "bin/play playbooks/nodes.yml": Shows(r"(?s)Preflight .*Nodes ", seconds=900),
        "make down": Shows(r"Remove the lab", seconds=300),
    },
}
"""By the heading of the second level; the same command may mean another lab below another heading."""
