"""Custom resources to change in a test, and specs that the API server must refuse or take."""

from __future__ import annotations

from typing import Any

from ink_api.inkresource import PROVIDERS

Json = dict[str, Any]
GIT: Json = {"url": "https://git.example.com/acme/shop.git"}
DIGEST = "sha256:" + "0" * 64
SMALLEST: dict[str, Json] = {
    "InkService": {"source": {"git": GIT}},
    "InkResource": {},
    "InkDomain": {"zone": "example.com"},
}
"""Kind -> a spec with nothing in it but what is needed."""


def custom_resource(kind: str, name: str = "shop", **spec: Any) -> Json:
    """An object that is right but for what a test changes."""
    body = {**SMALLEST[kind], **spec}
    return {"apiVersion": "ml.ink/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": body}


def path_of(kind: str, namespace: str) -> str:
    """Where objects of the kind are created."""
    return f"/apis/ml.ink/v1alpha1/namespaces/{namespace}/{kind.lower()}s"


def git(**fields: Any) -> Json:
    return {"source": {"git": {**GIT, **fields}}}


def record(name: str, kind: str, *values: str, **fields: Any) -> Json:
    return {"name": name, "type": kind, "values": list(values), **fields}


def variable(**source: Any) -> Json:
    return {"env": [{"name": "A", "valueFrom": source}]}


_CRON = {"schedule": "@daily"}
_DISK = {"name": "data", "mountPath": "/data", "size": "1Gi"}
_WEB = {"name": "http", "port": 8080}
_SCALE = {"maxReplicas": 3}
_HOST = {"host": "www.example.com"}

_SOURCES: list[tuple[str, Json, str]] = [
    ("no source", {"source": {}}, "set exactly one of git and image"),
    ("two sources", {"source": {"git": GIT, "image": {"ref": "x"}}}, "set exactly one of git and image"),
    ("ssh address", git(url="git@example.com:shop.git"), "write the https:// URL of the repository"),
    ("credentials in the address", git(url="https://me:word@x/y.git"), "those belong in auth"),
    ("local file", git(url="file:///etc"), "write the https:// URL of the repository"),
    ("server without a repository", git(url="https://git.example.com"), "write the https:// URL of the repository"),
    ("branch as a ref", git(branch="refs/heads/main"), "not a valid git branch name"),
    ("range of branches", git(branch="main..dev"), "not a valid git branch name"),
    ("option as a branch", git(branch="--upload-pack=x"), "write the branch name as in git"),
    ("commit that is a branch", git(commit="main"), "write the full commit SHA, 40 hex digits"),
    ("short commit", git(commit="0123abc"), "write the full commit SHA, 40 hex digits"),
    ("directory outside", git(rootDirectory="a/../../b"), "rootDirectory must stay inside the repository"),
    ("absolute directory", git(rootDirectory="/apps"), "write a directory relative to the repository root"),
    ("two ways to sign in", git(auth={"internal": {}, "secretRef": {"name": "x"}}),
     "set exactly one of internal, secretRef and githubApp"),
    ("no way to sign in", git(auth={}), "set exactly one of internal, secretRef and githubApp"),
    ("installation zero", git(auth={"githubApp": {"installationId": 0}}), "installationId"),
    ("name that no Secret has", git(auth={"secretRef": {"name": "My Secret"}}), "write the object's name as"),
    ("image with a space", {"source": {"image": {"ref": "nginx: 1"}}}, "write an image reference such as"),
    ("image with a scheme", {"source": {"image": {"ref": "https://ghcr.io/a/b"}}}, "without https://"),
    ("image in capitals", {"source": {"image": {"ref": "ghcr.io/Acme/Shop:1"}}}, "in lower case"),
    ("half a digest", {"source": {"image": {"ref": "ghcr.io/a/b@sha256:1234"}}}, "a digest has the form"),
    ("build of an image", {"source": {"image": {"ref": "x"}}, "build": {"pack": "Auto"}},
     "source.image is deployed without a build"),
    ("unknown pack", {"build": {"pack": "Heroku"}}, 'supported values: "Auto"'),
    ("Dockerfile outside", {"build": {"dockerfile": "../Dockerfile"}}, "dockerfile must stay inside the repository"),
    ("absolute Dockerfile", {"build": {"dockerfile": "/Dockerfile"}}, "write a path relative to rootDirectory"),
    ("published from outside", {"build": {"publishDirectory": "a/../.."}}, "publishDirectory must stay inside"),
    ("build that never ends", {"build": {"timeout": "1000h"}}, "must be from 10s to 24h"),
    ("time without a unit", {"build": {"timeout": "900"}}, "write a duration such as 90s"),
    ("secret build variable without its key", {"build": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {
        "name": "s"}}}]}}, "secretKeyRef.key: Required value"),
]  # fmt: skip
_ENVIRONMENT: list[tuple[str, Json, str]] = [
    ("two values of one variable", {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "Duplicate"),
    ("variable with a space", {"env": [{"name": "A B", "value": "1"}]}, "a variable name has only letters"),
    ("value that is a number", {"env": [{"name": "A", "value": 1}]}, "must be of type string"),
    ("value and valueFrom", {"env": [{"name": "A", "value": "1", "valueFrom": {"sealed": "x"}}]},
     "set value or valueFrom, not both"),
    ("two places for a value", variable(sealed="x", secretKeyRef={"name": "s", "key": "k"}),
     "set exactly one of secretKeyRef, configMapKeyRef, resourceRef, serviceEnvRef and sealed"),
    ("no place for a value", variable(),
     "set exactly one of secretKeyRef, configMapKeyRef, resourceRef, serviceEnvRef and sealed"),
    ("digest of nothing", variable(resourceRef={"name": "db"}, sealedDigest="x"),
     "sealedDigest is only allowed together with sealed"),
    ("key with a slash", variable(secretKeyRef={"name": "s", "key": "a/b"}), "write a key as in a Secret"),
    ("envFrom of nothing", {"envFrom": [{"prefix": "A_"}]}, "set exactly one of secretRef and configMapRef"),
    ("envFrom of two", {"envFrom": [{"secretRef": {"name": "a"}, "configMapRef": {"name": "b"}}]},
     "set exactly one of secretRef and configMapRef"),
    ("prefix with a dash", {"envFrom": [{"prefix": "A-", "secretRef": {"name": "a"}}]},
     "a variable name has only letters"),
]  # fmt: skip
_NETWORK: list[tuple[str, Json, str]] = [
    ("port out of range", {"ports": [{"name": "http", "port": 70000}]}, "less than or equal to 65535"),
    ("two ports of one name", {"ports": [_WEB, {"name": "http", "port": 81}]}, "Duplicate value"),
    ("one port twice", {"ports": [_WEB, {"name": "b", "port": 8080, "visibility": "Private"}]},
     "two ports have the same number"),
    ("two public HTTP ports", {"ports": [_WEB, {"name": "b", "port": 81}]}, "only one port can be public HTTP"),
    ("port's name with a dot", {"ports": [{"name": "a.b", "port": 80}]}, "a port name begins with a letter"),
    ("lower case protocol", {"ports": [{"port": 80, "protocol": "http"}]}, 'supported values: "HTTP", "TCP"'),
    ("subdomain with a dot", {"subdomain": "a.b"}, "write a single DNS label"),
    ("path without a slash", {"health": {"path": "healthz"}}, "write a path that begins with '/'"),
    ("path of a TCP check", {"health": {"type": "TCP", "path": "/"}}, "type TCP does not use path"),
    ("health of a worker", {"ports": [], "health": {"path": "/"}}, "has no port to check"),
    ("check every 100 ms", {"health": {"interval": "0s"}}, "must be from 1s to 1h"),
    ("check of ten minutes", {"health": {"timeout": "10m"}}, "must be from 1s to 5m"),
    ("start of two days", {"health": {"startupGrace": "48h"}}, "must be from 0s to 24h"),
    ("host that is an address", {"domains": [{"host": "https://www.example.com/"}]}, "write a host name such as"),
    ("host with a final dot", {"domains": [{"host": "www.example.com."}]}, "without scheme, path or trailing dot"),
    ("host twice", {"domains": [_HOST, _HOST]}, "Duplicate value"),
    ("redirect to itself", {"domains": [{**_HOST, "redirectTo": "www.example.com"}]},
     "redirectTo must differ from host"),
    ("host of a worker", {"ports": [], "domains": [_HOST]}, "domains need a public HTTP port"),
    ("a worker that wakes on a request", {"ports": [], "mode": "OnDemand"}, "mode OnDemand needs a public HTTP port"),
    ("idleAfter without OnDemand", {"idleAfter": "5m"}, "idleAfter is only used with mode OnDemand"),
    ("asleep after a second", {"mode": "OnDemand", "idleAfter": "1s"}, "must be from 1m to 24h"),
]  # fmt: skip
_WORKLOAD: list[tuple[str, Json, str]] = [
    ("too many replicas", {"replicas": 101}, "spec.replicas"),
    ("negative replicas", {"replicas": -1}, "spec.replicas"),
    ("memory that is no quantity", {"resources": {"limits": {"memory": "lots"}}}, "write a quantity such as"),
    ("memory with a space", {"resources": {"limits": {"memory": "512 Mi"}}}, "write a quantity such as"),
    ("memory in thousandths", {"resources": {"limits": {"memory": "512m"}}}, "write memory as 512Mi or 512M"),
    ("memory of nothing", {"resources": {"limits": {"memory": 0}}}, "limits.memory must be at least 4Mi"),
    ("no CPU at all", {"resources": {"limits": {"cpu": 0}}}, "limits.cpu must be at least 1m"),
    ("more CPU promised than allowed", {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "500m"}}},
     "requests.cpu must not be higher than limits.cpu"),
    ("more memory promised than allowed", {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "512Mi"}}},
     "requests.memory must not be higher than limits.memory"),
    ("cron job with ports", {"cron": _CRON, "ports": [_WEB]}, "a cron job cannot have ports"),
    ("cron job with health", {"cron": _CRON, "health": {"path": "/"}}, "a cron job cannot have a health check"),
    ("cron job that scales", {"cron": _CRON, "autoscaling": _SCALE}, "a cron job cannot scale"),
    ("cron job on demand", {"cron": _CRON, "mode": "OnDemand"}, "a cron job only runs on schedule"),
    ("cron job with a host", {"cron": _CRON, "domains": [_HOST]}, "a cron job cannot have domains"),
    ("four fields", {"cron": {"schedule": "0 3 * *"}}, "write five fields, such as"),
    ("minute 60", {"cron": {"schedule": "60 3 * * *"}}, "the five fields are minute (0-59)"),
    ("unknown month", {"cron": {"schedule": "0 3 1 FOO *"}}, "the five fields are minute (0-59)"),
    ("unknown word", {"cron": {"schedule": "@sometimes"}}, "write five fields, such as"),
    ("time zone with a space", {"cron": {**_CRON, "timeZone": "Middle Earth"}}, "write an IANA time zone"),
    ("run of a month", {"cron": {**_CRON, "timeout": "720h"}}, "must be from 1s to 168h"),
    ("eleven retries", {"cron": {**_CRON, "retries": 11}}, "less than or equal to 10"),
    ("relative mountPath", {"volumes": [{**_DISK, "mountPath": "data"}]}, "write an absolute path such as /data"),
    ("volume over /proc", {"volumes": [{**_DISK, "mountPath": "/proc/x"}]}, "outside /proc, /sys and /dev"),
    ("volume of no size", {"volumes": [{**_DISK, "size": 0}]}, "size must be at least 1Mi"),
    ("volume's name in capitals", {"volumes": [{**_DISK, "name": "Data"}]}, "a volume name has only a-z"),
    ("two volumes at one place", {"volumes": [_DISK, {**_DISK, "name": "b"}]}, "two volumes have the same mountPath"),
    ("volume shared by two pods", {"volumes": [_DISK], "replicas": 2}, "a service with volumes runs as one pod"),
    ("volume that scales", {"volumes": [_DISK], "autoscaling": _SCALE}, "a service with volumes runs as one pod"),
    ("fewest above most", {"autoscaling": {"minReplicas": 4, "maxReplicas": 3}}, "minReplicas must not be higher than"),
    ("cooldown of a day", {"autoscaling": {**_SCALE, "scaleDownCooldown": "24h"}}, "must be from 0s to 1h"),
    ("release of nothing", {"release": {"command": []}}, "should have at least 1 items"),
    ("release of two days", {"release": {"command": ["x"], "timeout": "48h"}}, "must be from 1s to 24h"),
    ("farewell of an hour", {"drain": {"preStop": "1h"}}, "must be from 0s to 10m"),
    ("unknown isolation", {"isolation": "Strong"}, 'supported values: "Standard", "GVisor"'),
    ("life of a second", {"ttl": "1s"}, "must be from 1m to 87600h"),
]  # fmt: skip
_RESOURCES: list[tuple[str, Json, str]] = [
    ("unknown type", {"type": "Imaginary"}, 'supported values: "SQLite"'),
    ("External of nothing", {"type": "External"}, "type External needs external"),
    ("external of a type", {"type": "Redis", "external": {"secretRef": {"name": "x"}}}, "no other type allows it"),
    ("External of two", {"type": "External", "external": {"sealed": "x", "secretRef": {"name": "x"}}},
     "set exactly one of sealed and secretRef"),
    ("External with a digest alone",
     {"type": "External", "external": {"secretRef": {"name": "x"}, "sealedDigest": "x"}},
     "sealedDigest is only allowed together with sealed"),
    ("External of a name that no Secret has", {"type": "External", "external": {"secretRef": {"name": "My Secret"}}},
     "write the object's name as"),
    ("External with a size", {"type": "External", "external": {"sealed": "x"}, "size": "1Gi"},
     "Ink does not run External resources"),
    ("SQLite with a version", {"version": "3"}, "type SQLite has no version to choose"),
    *((f"{kind} by {name}", {"type": kind, "provider": name}, f"for type {kind} ")
      for kind, own in PROVIDERS.items()
      for name in sorted({name for names in PROVIDERS.values() for name in names} - {*own})),
    ("unknown provider", {"provider": "Imaginary"}, 'supported values: "Turso"'),
    ("no size", {"size": 0}, "size must be at least 1Mi"),
    ("size with a space", {"size": "1 Gi"}, "write a quantity such as"),
    ("region in words", {"region": "Western Europe"}, "write the region's name as the provider does"),
    ("version in words", {"type": "Postgres", "version": "latest"}, "write a version such as '17'"),
    ("version without quotes", {"type": "Postgres", "version": 17}, "must be of type string"),
    ("no backup kept", {"backup": {"keep": 0}}, "greater than or equal to 1"),
    ("backup on no day", {"backup": {"schedule": "0 3"}}, "write five fields, such as"),
    ("backup every 25 hours", {"backup": {"schedule": "0 25 * * *"}}, "hour (0-23)"),
    ("unknown policy", {"deletionPolicy": "Keep"}, 'supported values: "Retain", "Delete"'),
]  # fmt: skip
_A = record("www", "A", "203.0.113.7")
_DOMAINS: list[tuple[str, Json, str]] = [
    ("no zone", {"zone": None}, "spec.zone: Required value"),
    ("zone of one label", {"zone": "localhost"}, "write a host name such as"),
    ("zone with a final dot", {"zone": "example.com."}, "without scheme, path or trailing dot"),
    ("zone in capitals", {"zone": "Example.com"}, "lower case"),
    ("label of 64 characters", {"zone": "a" * 64 + ".com"}, "write a host name such as"),
    ("name outside the zone", {"records": [record("www.example.com", "A", "203.0.113.7")]},
     "record names are relative to the zone"),
    ("zone's own name", {"records": [record("example.com", "A", "203.0.113.7")]},
     "@ for the zone itself"),
    ("final dot", {"records": [record("www.", "A", "203.0.113.7")]}, "write the name relative to the zone"),
    ("star in the middle", {"records": [record("a.*.b", "A", "203.0.113.7")]}, "write the name relative to the zone"),
    ("name too long with its zone", {"zone": ".".join(["a" * 60] * 3) + ".com",
     "records": [record(".".join(["b" * 60] * 3), "A", "203.0.113.7")]}, "at most 253 characters"),
    ("record set twice", {"records": [_A, _A]}, "Duplicate value"),
    ("no value", {"records": [record("www", "A")]}, "should have at least 1 items"),
    ("value twice", {"records": [record("www", "A", "203.0.113.7", "203.0.113.7")]}, "Duplicate value"),
    ("TTL of a second", {"records": [{**_A, "ttl": 1}]}, "greater than or equal to 60"),
    ("TTL of a month", {"records": [{**_A, "ttl": 2592000}]}, "less than or equal to 604800"),
    ("unknown type of record", {"records": [record("www", "SOA", "x")]}, 'supported values: "A"'),
    ("host as an address", {"records": [record("www", "A", "app.example.net")]}, "must be an IPv4 address"),
    ("address out of range", {"records": [record("www", "A", "203.0.113.256")]}, "must be an IPv4 address"),
    ("IPv4 in AAAA", {"records": [record("www", "AAAA", "203.0.113.7")]}, "must be an IPv6 address"),
    ("IPv6 of seven groups", {"records": [record("www", "AAAA", "2001:db8:1:2:3:4:5")]}, "must be an IPv6 address"),
    ("CNAME to an address", {"records": [record("www", "CNAME", "203.0.113.7")]},
     "the value of a CNAME record must be"),
    ("CNAME with a final dot", {"records": [record("www", "CNAME", "app.example.net.")]}, "without a trailing dot"),
    ("two CNAMEs", {"records": [record("www", "CNAME", "a.example.net", "b.example.net")]},
     "a CNAME record can have only one value"),
    ("CNAME beside another", {"records": [_A, record("www", "CNAME", "app.example.net")]},
     "a name with a CNAME record cannot have other records"),
    ("CNAME of the zone", {"records": [record("@", "CNAME", "app.example.net")]}, "cannot have a CNAME record"),
    ("NS of the zone", {"records": [record("@", "NS", "ns1.example.net")]}, "the platform manages the NS records"),
    ("NS to an address", {"records": [record("sub", "NS", "203.0.113.7")]}, "each value of an NS record must be"),
    ("MX without a priority", {"records": [record("@", "MX", "mail.example.com")]}, "must be a priority and"),
    ("SRV without a port", {"records": [record("_sip._tcp", "SRV", "10 5 sip.example.com")]}, "priority, weight, port"),
    ("CAA without quotes", {"records": [record("@", "CAA", "0 issue letsencrypt.org")]}, "flags (0 or 128), a tag and"),
    ("TXT in quotes", {"records": [record("@", "TXT", '"v=spf1 -all"')]}, "without quotes; Ink splits"),
    ("the platform's name", {"records": [record("_acme-challenge", "TXT", "x")]}, "and _dp-verify are reserved"),
]  # fmt: skip

REFUSED: list[tuple[str, str, Json, str]] = [
    (name, kind, spec, says)
    for kind, table in (
        ("InkService", _SOURCES),
        ("InkService", _ENVIRONMENT),
        ("InkService", _NETWORK),
        ("InkService", _WORKLOAD),
        ("InkResource", _RESOURCES),
        ("InkDomain", _DOMAINS),
    )
    for name, spec, says in table
]
"""(what is wrong, kind, what to lay over the smallest spec, what the person reads)"""

_POSTGRES = {"type": "Postgres", "provider": "Neon", "region": "eu", "version": "16", "size": "2Gi"}


def _but(**changed: Any) -> Json:
    """Postgres with something else in it; None removes."""
    return {**_POSTGRES, **changed}


UPDATES: list[tuple[str, str, Json, Json, str]] = [
    ("type", "InkResource", {"type": "SQLite"}, {"type": "Redis"}, "type cannot be changed: create another resource"),
    ("provider", "InkResource", _POSTGRES, _but(provider="InCluster"), "provider cannot be changed"),
    ("provider removed", "InkResource", _POSTGRES, _but(provider=None), "provider cannot be added or removed"),
    ("provider added", "InkResource", {}, {"provider": "Sqld"}, "provider cannot be added or removed"),
    ("region", "InkResource", _POSTGRES, _but(region="us"), "region cannot be changed"),
    ("region removed", "InkResource", _POSTGRES, _but(region=None), "region cannot be added or removed"),
    ("smaller resource", "InkResource", _POSTGRES, _but(size="1Gi"), "a resource cannot shrink: keep its size"),
    ("size removed", "InkResource", _POSTGRES, _but(size=None), "size cannot be removed"),
    ("older version", "InkResource", _POSTGRES, _but(version="15"), "version cannot be lowered"),
    ("version removed", "InkResource", _POSTGRES, _but(version=None), "version cannot be removed"),
    ("zone", "InkDomain", {}, {"zone": "example.org"}, "zone cannot be changed: create another InkDomain"),
    ("smaller volume", "InkService", {"volumes": [_DISK]}, {"volumes": [{**_DISK, "size": "512Mi"}]},
     "a volume cannot shrink: keep its size"),
    ("storage class", "InkService", {"volumes": [_DISK]}, {"volumes": [{**_DISK, "storageClassName": "fast"}]},
     "storageClassName cannot be changed"),
    ("two pods for a volume", "InkService", {"volumes": [_DISK]}, {"replicas": 2}, "runs as one pod"),
]  # fmt: skip
"""(what changes, kind, spec before, merged over it, what the person reads)"""

TAKEN_UPDATES: list[tuple[str, str, Json, Json]] = [
    ("larger resource", "InkResource", _POSTGRES, {"size": "3Gi"}),
    ("the same size in other words", "InkResource", _POSTGRES, {"size": "2048Mi"}),
    ("newer version", "InkResource", _POSTGRES, {"version": "17.2"}),
    ("other credentials", "InkResource", {"type": "External", "external": {"sealed": "a"}},
     {"external": {"sealed": "b"}}),
    ("larger volume", "InkService", {"volumes": [_DISK]}, {"volumes": [{**_DISK, "size": "2Gi"}]}),
    ("volume removed", "InkService", {"volumes": [_DISK]}, {"volumes": None}),
    ("volume moved", "InkService", {"volumes": [_DISK]}, {"volumes": [{**_DISK, "mountPath": "/other"}]}),
    ("other source", "InkService", {}, {"source": {"git": None, "image": {"ref": "nginx"}}}),
    ("records", "InkDomain", {"records": [_A]}, {"records": [record("www", "CNAME", "app.example.net")]}),
]  # fmt: skip
"""(what changes, kind, spec before, merged over it)"""
