#!/usr/bin/python3
"""Make databases and accounts with their privileges, all in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mariadb_accounts
short_description: Databases and accounts of a MariaDB server in one step
description:
  - Makes databases, accounts, passwords and privileges where they differ, over the server's own socket. A call per
    account, as the modules of C(community.mysql) need it, costs 0.4 s each, for 20 accounts at every run.
  - Privileges that an account has beyond those named here are taken away.
options:
  databases:
    description: Databases.
    type: list
    elements: str
    required: true
  accounts:
    description: C(name), C(password) and C(privileges) (by database; C(ALL) or names with commas).
    type: list
    elements: dict
    required: true
  socket:
    description: The server's socket.
    type: path
    default: /run/mysqld/mysqld.sock
author: Hoplab
"""

EXAMPLES = r"""
- name: Make databases and accounts
  hoplab.lab.mariadb_accounts:
    databases: [glance]
    accounts: [{name: glance-api, password: "...", privileges: {glance: "SELECT,INSERT,UPDATE,DELETE"}}]
"""

RETURN = r"""
done:
  description: What was made or changed.
  type: list
  returned: always
"""

import hashlib
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import pymysql
except ImportError:
    pymysql = None


def password_hash(password: str) -> str:
    """Return the hash that mysql_native_password keeps: the hexadecimal SHA1 of the SHA1, after a star."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()


def privilege_set(text: str) -> set[str]:
    """Return privileges as a set of upper-case names; ALL PRIVILEGES is ALL."""
    return {"ALL" if word.strip().upper() == "ALL PRIVILEGES" else word.strip().upper() for word in text.split(",")}


def granted(cursor: Any, name: str) -> dict[str, set[str]]:
    """Return an account's privileges by database, as the server shows them."""
    cursor.execute("SHOW GRANTS FOR %s@'%%'", (name,))
    found = {}
    for (line,) in cursor.fetchall():
        match = re.match(r"GRANT (.+) ON `([^`]+)`\.\* TO ", line)
        if match:
            found[match.group(2).replace("\\_", "_")] = privilege_set(match.group(1))
    return found


def ensure_account(cursor: Any, account: dict[str, Any], check: bool) -> list[str]:
    """Make an account, its password and its privileges what they shall be; returns what was changed."""
    name, wanted = account["name"], {key: privilege_set(value) for key, value in account["privileges"].items()}
    done = []
    cursor.execute("SELECT authentication_string FROM mysql.user WHERE User = %s AND Host = '%%'", (name,))
    row = cursor.fetchone()
    if row is None:
        done.append(f"account {name}")
        if check:
            return done
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (name, account["password"]))
    elif row[0] != password_hash(account["password"]):
        done.append(f"password of {name}")
        if not check:
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (name, account["password"]))
    present = granted(cursor, name)
    for database in sorted(set(present) | set(wanted)):
        if present.get(database) == wanted.get(database):
            continue
        done.append(f"privileges of {name} on {database}")
        if check:
            continue
        if database in present:
            cursor.execute(f"REVOKE ALL PRIVILEGES ON `{database}`.* FROM %s@'%%'", (name,))
        if database in wanted:
            cursor.execute(f"GRANT {', '.join(sorted(wanted[database]))} ON `{database}`.* TO %s@'%%'", (name,))
    return done


def main() -> None:
    """Run the module."""
    account = {
        "name": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "privileges": {"type": "dict", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "databases": {"type": "list", "elements": "str", "required": True},
            "accounts": {"type": "list", "elements": "dict", "required": True, "options": account},
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
        },
        supports_check_mode=True,
    )
    if pymysql is None:
        module.fail_json(msg=missing_required_lib("python3-pymysql"))
    done: list[str] = []
    try:
        connection = pymysql.connect(unix_socket=module.params["socket"], user="root", autocommit=True)
    except pymysql.MySQLError as error:
        if module.check_mode:
            module.exit_json(changed=True, done=["everything: the server does not run yet"])
        module.fail_json(
            msg=f"can't reach the server at {module.params['socket']}: {error}. See: journalctl -u mariadb -n 50"
        )
    with connection, connection.cursor() as cursor:
        try:
            cursor.execute("SHOW DATABASES")
            present = {name for (name,) in cursor.fetchall()}
            for name in module.params["databases"]:
                if name not in present:
                    done.append(f"database {name}")
                    if not module.check_mode:
                        cursor.execute(f"CREATE DATABASE `{name}`")
            for entry in module.params["accounts"]:
                done += ensure_account(cursor, entry, module.check_mode)
        except pymysql.MySQLError as error:
            module.fail_json(msg=f"MariaDB refused: {error}", done=done)
    module.exit_json(changed=bool(done), done=done)


if __name__ == "__main__":
    main()
