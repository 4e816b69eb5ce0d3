"""Specs that the API server must take; together they use every field once."""

from __future__ import annotations

from support.resources.specs import DIGEST, Json, git, record, variable

VARIABLES = [
    {"name": "PLAIN", "value": ""},
    {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k.txt"}}},
    {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
    {"name": "DATABASE_URL", "valueFrom": {"resourceRef": {"name": "db", "key": "auth_token"}}},
    {"name": "API_URL", "valueFrom": {"serviceEnvRef": {"service": "api", "name": "URL"}}},
    {"name": "SEALED", "valueFrom": {"sealed": "eyJ", "sealedDigest": "abc"}},
]
SERVER: Json = {
    **git(
        branch="release/1.x",
        commit="0" * 40,
        rootDirectory="apps/web",
        auth={"secretRef": {"name": "git.token"}},
    ),
    "subdomain": "shop-web",
    "build": {
        "pack": "Dockerfile",
        "dockerfile": "docker/web.Dockerfile",
        "target": "final",
        "installCommand": "npm ci",
        "buildCommand": "npm run build",
        "publishDirectory": "dist",
        "env": VARIABLES,
        "timeout": "1h30m",
    },
    "command": ["/bin/server"],
    "args": ["--verbose"],
    "ports": [
        {"name": "http", "port": 8080, "protocol": "HTTP", "visibility": "Public"},
        {"name": "metrics", "port": 9090, "protocol": "HTTP", "visibility": "Private"},
        {"name": "db", "port": 5432, "protocol": "TCP", "visibility": "Public"},
    ],
    "mode": "OnDemand",
    "idleAfter": "10m",
    "env": VARIABLES,
    "envFrom": [
        {"prefix": "APP_", "secretRef": {"name": "a"}},
        {"configMapRef": {"name": "b"}},
    ],
    "resources": {"requests": {"cpu": 0, "memory": "64Mi"}, "limits": {"cpu": 2, "memory": "0.5Gi"}},
    "replicas": 2,
    "autoscaling": {
        "minReplicas": 2,
        "maxReplicas": 5,
        "targetCPUUtilizationPercentage": 70,
        "targetMemoryUtilizationPercentage": 80,
        "scaleUpCooldown": "0s",
        "scaleDownCooldown": "10m",
    },
    "health": {
        "type": "HTTP",
        "path": "/healthz?full=1",
        "port": 9090,
        "interval": "5s",
        "timeout": "2s",
        "failureThreshold": 3,
        "startupGrace": "2m",
        "restartOnFailure": True,
    },
    "release": {"command": ["./manage.py", "migrate"], "timeout": "15m"},
    "drain": {"preStop": "10s", "terminationGracePeriod": "1m"},
    "domains": [
        {"host": "www.example.com", "hsts": True},
        {"host": "example.com", "redirectTo": "www.example.com"},
    ],
    "isolation": "GVisor",
    "ttl": "72h",
    "suspend": True,
    "rebuildToken": "2",
    "restartedAt": "2026-01-01T00:00:00Z",
}
WITH_DISK: Json = {
    "source": {"image": {"ref": f"ghcr.io/acme/db@{DIGEST}", "pullSecretRef": {"name": "ghcr"}}},
    "volumes": [
        {
            "name": "data",
            "mountPath": "/var/lib/data",
            "size": "10Gi",
            "storageClassName": "fast",
            "deletionPolicy": "Delete",
        }
    ],
}
JOB: Json = {
    "command": ["./report"],
    "cron": {
        "schedule": "*/15 0-8,20 1,15 jan-mar MON",
        "timeZone": "America/Argentina/Buenos_Aires",
        "concurrencyPolicy": "Replace",
        "timeout": "2h",
        "retries": 3,
    },
}
POSTGRES: Json = {
    "type": "Postgres",
    "provider": "InCluster",
    "size": "10Gi",
    "region": "eu-west-1",
    "version": "17",
    "deletionPolicy": "Delete",
    "backup": {"schedule": "30 3 * * *", "keep": 30},
}
ZONE: Json = {
    "zone": "xn--bcher-kva.example.co.uk",
    "records": [
        record("@", "A", "203.0.113.7", "203.0.113.8", ttl=60),
        record("@", "AAAA", "2001:db8::7", "2001:DB8:1:2:3:4:5:6", "::1"),
        record("@", "MX", "10 mail.example.com", "20 mail.example.net"),
        record("@", "TXT", "v=spf1 include:_spf.example.com -all", "verification=abc"),
        record("@", "CAA", '0 issue "letsencrypt.org"'),
        record("www", "CNAME", "_app.example.net"),
        record("*", "A", "203.0.113.9"),
        record("*.dev", "A", "203.0.113.9"),
        record("_sip._tcp", "SRV", "10 5 5060 sip.example.com"),
        record("s1._domainkey", "TXT", "v=DKIM1; k=rsa; p=" + "A" * 730, ttl=604800),
        record("lab", "NS", "ns1.example.net", "ns2.example.net"),
    ],
}

TAKEN: list[tuple[str, str, Json]] = [
    ("smallest", "InkService", {}),
    ("everything of a server", "InkService", SERVER),
    ("a disk", "InkService", WITH_DISK),
    ("a cron job", "InkService", JOB),
    ("own git", "InkService", git(auth={"internal": {}})),
    ("the GitHub App", "InkService", git(auth={"githubApp": {"installationId": 42}})),
    ("worker", "InkService", {"ports": []}),
    ("worker with a health port", "InkService", {"ports": [], "health": {"type": "TCP", "port": 9000}}),
    ("asleep", "InkService", {"replicas": 0}),
    ("MCP server", "InkService", {"health": {"type": "MCP", "path": "/mcp"}}),
    ("sealed value", "InkService", variable(sealed="eyJ")),
    ("cron by a word", "InkService", {"cron": {"schedule": "@hourly"}}),
    ("smallest resource", "InkResource", {}),
    ("everything of a resource", "InkResource", POSTGRES),
    ("own service, sealed", "InkResource", {"type": "External", "external": {"sealed": "eyJ", "sealedDigest": "x"}}),
    ("own service, by Secret", "InkResource", {"type": "External", "external": {"secretRef": {"name": "db"}}}),
    ("smallest domain", "InkDomain", {}),
    ("everything of a domain", "InkDomain", ZONE),
]
"""(what it is, kind, what to lay over the smallest spec)"""
