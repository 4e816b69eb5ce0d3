"""The registry of database providers.

`INK_DATABASE_PROVIDERS`, such as `SQLite/Turso,SQLite/Sqld,Postgres/InCluster`, chooses the providers of a platform;
the first of a type is its default.
"""

from ink_operator.ports.databases import DatabaseProvider
from ink_operator.providers import Registry

DATABASES: Registry[DatabaseProvider] = Registry(
    setting="INK_DATABASE_PROVIDERS",
    modules={
        # "<spec.type>/<spec.provider>": "ink_operator.providers.databases.<file>",
    },
)
