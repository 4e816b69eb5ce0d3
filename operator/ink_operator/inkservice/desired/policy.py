"""NetworkPolicies of a tenant's pods: closed by default, then what an application needs.

Ports are those of pods, because policies see traffic after Services are resolved.
"""

from typing import Any

from ink_api import group

from ink_operator.core import canonical, kinds, objects
from ink_operator.core.selectors import NAMESPACE_NAME
from ink_operator.inkservice import names
from ink_operator.settings import Settings

DENIED_V4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""This network, private, CGNAT, loopback, link-local (metadata), IETF, benchmarks, multicast, reserved."""
DENIED_V6 = ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "ff00::/8")
"""Loopback and IPv4-compatible, NAT64 (would reach private IPv4), unique local, link-local, multicast."""
TCP_WITHOUT_MAIL = ((1, 24), (26, 464), (466, 586), (588, 65535))
TRAEFIK_PORTS = (8000, 8443)


def make_policies(namespace: str, whole_namespace: bool, settings: Settings) -> list[objects.Manifest]:
    """The policies of a namespace. `whole_namespace`: all its pods; otherwise only those of Ink's services."""
    pods: dict[str, Any] = (
        {} if whole_namespace else {"matchExpressions": [{"key": group.LABEL_SERVICE, "operator": "Exists"}]}
    )
    return [
        _policy(namespace, names.POLICIES[0], pods, {"policyTypes": ["Ingress", "Egress"]}),
        _policy(namespace, names.POLICIES[1], pods, _ingress(settings)),
        _policy(namespace, names.POLICIES[2], pods, _egress(settings)),
    ]


def _ingress(settings: Settings) -> dict[str, Any]:
    return {
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"podSelector": {}}]},
            {"from": [_pods_in(settings.ingress_namespace, settings.ingress_labels)]},
        ],
    }


def _egress(settings: Settings) -> dict[str, Any]:
    v4, v6 = _excepts(settings.denied_cidrs)
    rules: list[dict[str, Any]] = [
        {
            "to": [_pods_in(settings.dns_namespace, settings.dns_labels)],
            "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
        },
        {"to": [{"podSelector": {}}]},
        {
            "to": [
                {"ipBlock": {"cidr": "0.0.0.0/0", "except": v4}},
                {"ipBlock": {"cidr": "::/0", "except": v6}},
            ],
            "ports": [{"protocol": "TCP", "port": first, "endPort": last} for first, last in TCP_WITHOUT_MAIL],
        },
        {
            "to": [_pods_in(settings.ingress_namespace, settings.ingress_labels)],
            "ports": [{"protocol": "TCP", "port": port} for port in TRAEFIK_PORTS],
        },
    ]
    if settings.public_cidrs:
        rules.append(
            {
                "to": [{"ipBlock": {"cidr": cidr}} for cidr in sorted(settings.public_cidrs)],
                "ports": [{"protocol": "TCP", "port": 80}, {"protocol": "TCP", "port": 443}],
            }
        )
    return {"policyTypes": ["Egress"], "egress": rules}


def _excepts(denied: tuple[str, ...]) -> tuple[list[str], list[str]]:
    more_v6 = {cidr for cidr in denied if ":" in cidr}
    return sorted({*DENIED_V4, *(set(denied) - more_v6)}), sorted({*DENIED_V6, *more_v6})


def _pods_in(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: namespace}},
        "podSelector": {"matchLabels": dict(sorted(labels.items()))},
    }


def _policy(namespace: str, name: str, pods: dict[str, Any], spec: dict[str, Any]) -> objects.Manifest:
    meta = {
        "name": name,
        "namespace": namespace,
        "labels": {group.LABEL_MANAGED_BY: group.MANAGED_BY},
        "annotations": {},
    }
    return canonical.stamped(
        {
            "apiVersion": kinds.NETWORK_POLICY.api_version,
            "kind": kinds.NETWORK_POLICY.kind,
            "metadata": meta,
            "spec": {"podSelector": pods, **spec},
        }
    )
