"""`python -m ink_resolver`: serve until SIGTERM."""

import ink_serve

from ink_resolver.app import application, from_environment

if __name__ == "__main__":
    ink_serve.run(from_environment, application)
