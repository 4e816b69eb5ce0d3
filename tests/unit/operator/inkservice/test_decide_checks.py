"""A check that is not called finds nothing."""

import inspect
import re
from pathlib import Path

from ink_operator.inkservice.decide import checks


def test_every_check_is_run() -> None:
    folder = Path(inspect.getfile(checks)).parent
    text = "\n".join(path.read_text() for path in folder.glob("*.py"))
    found = re.findall(r"^def ([a-z]\w+)\(.*\) -> Failure \| None:", Path(inspect.getfile(checks)).read_text(), re.M)
    unused = [name for name in found if len(re.findall(rf"\b{name}\b", text)) < 2]
    assert found
    assert not unused, f"add to BEFORE_ANYTHING, or call: {unused}"
