"""What a broker with a day behind it tells an operator's page, by path below `api/operator/`: for pictures of the page.

Who is named does not exist; addresses are of RFC 5737, keys are of one letter.
"""

from __future__ import annotations

import time
from typing import Any

__all__ = ["answers"]

MINUTE = 60_000
HOUR = 60 * MINUTE


def answers() -> dict[str, Any]:
    """One answer for each path; times are milliseconds since 1970, as far back from now as told below."""
    now = round(time.time() * 1000)
    running = [
        _session("3f1c", "alice", "dev-7", "ssh", "10.1.2.7:22", "192.0.2.14", "7K2A", now - 4 * HOUR),
        _session("88d0", "bruno", "render farm", "vnc", "10.1.2.31:5905", "192.0.2.77", "B4QX", now - 52 * MINUTE),
        _session("a91e", "chandra", "dev-9", "ssh", "10.1.2.9:22", "198.51.100.3", "M0TD", now - 11 * MINUTE)
        | {"away": now - 6 * MINUTE},
    ]  # fmt: skip
    return {
        "status": {
            "versions": {"Fanlight": "0.1.0", "Python": "3.11.7"},
            "sessions": len(running), "people": 3, "refusedInTheLastHour": 2,
            "proxyd": [_daemon("10.0.0.5:4822", [1, 0]), _daemon("10.0.0.6:4822", [1, 1])],
            "store": True, "draining": False, "keys": 2, "problems": [],
        },
        "running": running,
        "history": [
            running[number % 3]
            | {"identifier": f"before-{number}", "start": start, "end": min(now, start + (2 + number % 5) * HOUR)}
            for number, start in enumerate(range(now - 14 * HOUR, now - 2 * HOUR, 11 * MINUTE))
        ],
        "refusals": [
            _refusal(now - 9 * MINUTE, "bad-signature", "signature differs", "alice", "10.1.2.7:22", "portal"),
            _refusal(now - 41 * MINUTE, "expired", "signed 14 minutes ago", "bruno", "10.1.2.31:5905", "portal"),
        ],
        "bans": [{"subject": "203.0.113.9", "reason": "bad-signature", "failures": 12, "until": now + 14 * MINUTE}],
        "instances": {
            "total": 3,
            "found": 3,
            "rows": [
                _instance("7", "dev-7", "alice", "10.1.2.7", now - MINUTE),
                _instance("31", "render farm", "bruno", "10.1.2.31", now - MINUTE) | {"readiness": "starting-desktop"},
                _instance("4", "old server", "chandra", "10.1.2.4", now - 3 * MINUTE) | {"blocked": True, "others": 1},
            ],
        },
        "networks": [
            {
                "name": "lab", "state": "degraded", "endpoints": ["wss://desk.example.org/guacamole/connector"],
                "update": "", "held": "",
                "keys": [{"generation": 2, "fingerprint": "SHA256:" + "x" * 43, "until": None, "good": True}],
                "connectors": [
                    _connector("gate-a", now - 26 * HOUR),
                    _connector("gate-b", now - 5 * MINUTE)
                    | {"connected": False, "round_trip": None, "error": "The broker closed the connection."},
                ],
            }
        ],
    }  # fmt: skip


def _session(
    identifier: str,
    user: str,
    name: str,
    protocol: str,
    target: str,
    address: str,
    reference: str,
    start: int,
) -> dict[str, Any]:
    return {
        "identifier": identifier, "user": user, "source": "hmac", "connection": name, "name": name,
        "protocol": protocol, "target": target, "address": address, "proxyd": "10.0.0.5:4822",
        "reference": reference, "start": start, "end": None, "away": None,
    }  # fmt: skip


def _daemon(address: str, workers: list[int]) -> dict[str, Any]:
    return {
        "address": address, "reachable": True, "sessions": sum(workers), "room": 500, "draining": False,
        "workers": workers,
    }  # fmt: skip


def _refusal(when: int, reason: str, detail: str, user: str, target: str, key_id: str) -> dict[str, Any]:
    return {
        "when": when, "address": "203.0.113.9", "reason": reason, "detail": detail, "key_id": key_id,
        "user": user, "target": target,
    }  # fmt: skip


def _instance(identifier: str, name: str, owner: str, address: str, reported: int) -> dict[str, Any]:
    return {
        "id": identifier, "name": name, "owner": owner, "addresses": [address], "network": "",
        "reported": reported, "from": address, "readiness": "ready", "agent": "instance-report 1", "error": "",
        "others": 0, "blocked": False,
    }  # fmt: skip


def _connector(host: str, since: int) -> dict[str, Any]:
    return {
        "machine": host, "host": host, "address": "192.0.2.200",
        "endpoint": "wss://desk.example.org/guacamole/connector", "connected": True, "standby": False,
        "since": since, "generation": 2, "round_trip": 18, "sessions": 2, "version": "0.1.0",
        "clock_offset": 0.2, "update": "", "error": "",
    }  # fmt: skip
