"""Write the Python stubs of the .proto files beside this one.

`python operator/ink_builder/buildkit/proto/generate.py [ROOT]` writes below ROOT (default: the source tree), so that a
check can generate into an empty folder and compare. Needs grpcio-tools, a development dependency.
"""

import sys
from importlib import resources
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE_ROOT = HERE.parents[2]


def generate(root: Path) -> None:
    """Write `*_pb2.py` and `*_pb2_grpc.py` below `root`; raises RuntimeError when protoc refuses a file."""
    from grpc_tools import protoc

    bundled = str(resources.files("grpc_tools") / "_proto")
    names = sorted(str(path.relative_to(SOURCE_ROOT)) for path in HERE.glob("*.proto"))
    flags = [f"--proto_path={SOURCE_ROOT}", f"--proto_path={bundled}", f"--python_out={root}"]
    code = protoc.main(["protoc", *flags, f"--grpc_python_out={root}", *names])
    if code != 0:
        raise RuntimeError(f"protoc ended with code {code}: see its message above")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE_ROOT)
