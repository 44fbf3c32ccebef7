#!/usr/bin/python3
"""Check what the inventory says, before anything of it is used: see the action plugin of the same name."""

DOCUMENTATION = r"""
module: check_inventory
short_description: Check what the inventory says, as it stands there
description:
  - Runs on the controller (action plugin of the same name) and changes nothing. Reports all problems at once, each
    with host, field, value, file and what to do.
  - Checks networks, node_id of each node, groups, and all variables that the inventory sets against the argument specs
    of all roles.
options: {}
author: Hoplab
"""

EXAMPLES = r"""
- name: Check the inventory
  hoplab.lab.check_inventory:
"""

RETURN = r"""
problems:
  description: What is wrong and what to do about it.
  type: list
  returned: failed
"""
