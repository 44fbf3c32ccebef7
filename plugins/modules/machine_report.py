#!/usr/bin/python3
"""Judge all machines of a play together: see the action plugin of the same name."""

DOCUMENTATION = r"""
module: machine_report
short_description: All that keeps machines from becoming nodes, in one message
description:
  - Runs on the controller (action plugin of the same name), once for all machines of the play, and changes nothing.
  - Judges what C(machine_facts) and C(machine_paths) found. Fails with all problems of all machines, each with what was
    seen and what to do.
options:
  facts:
    description: Name of the variable in which each machine has what C(machine_facts) returned.
    type: str
    required: true
  paths:
    description: Name of the variable in which each machine has what C(machine_paths) returned.
    type: str
    required: true
  external_gateway:
    description: Address that this machine has to reach in the external network; empty for none.
    type: str
  accepted:
    description: Problems that the site has accepted, each as MACHINE:CHECK.
    type: list
    elements: str
    default: []
author: Hoplab
"""

EXAMPLES = r"""
- name: Report all problems
  hoplab.lab.machine_report:
    facts: __machine_check_facts
    paths: __machine_check_paths
    external_gateway: 192.0.2.1
    accepted: ["cmp1:forwarding"]
  run_once: true
"""

RETURN = r"""
problems:
  description: C(machine), C(check), C(seen), C(advice) and C(acceptable) of each problem.
  type: list
  returned: always
"""
