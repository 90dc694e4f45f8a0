"""The lock that tells whether a supervisor lives."""

import fcntl
import subprocess
import sys
from pathlib import Path

from slipway_steps.adapters.local.environment_status import lock_is_held


def test_looking_at_a_lock_is_not_holding_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.touch()
    assert not lock_is_held(tmp_path / "none")
    code = "import sys; from pathlib import Path\n"
    code += "from slipway_steps.adapters.local.environment_status import lock_is_held as h\n"
    code += "print(sum(h(Path(sys.argv[1])) for _ in range(20000)))"
    lookers = [
        subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [looker.communicate()[0].strip() for looker in lookers] == ["0", "0"]
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert lock_is_held(lock)
