"""What the image argoproj/argosay of Argo's examples does: echo, cat, sleep, exit."""

import pathlib
import sys
import time


def main(argv: list[str]) -> int:
    """Run one of its verbs; returns the exit code."""
    verb, rest = (argv[0], argv[1:]) if argv else ("echo", ["hello argo"])
    if verb == "echo":
        text = (rest[0] if rest else "hello argo") + "\n"
        if len(rest) > 1:
            pathlib.Path(rest[1]).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path(rest[1]).write_text(text)
        else:
            sys.stdout.write(text)
    elif verb == "cat":
        for name in rest:
            sys.stdout.write(pathlib.Path(name).read_text())
    elif verb == "sleep":
        time.sleep(float(rest[0].rstrip("s")))
    elif verb == "exit":
        return int(rest[0]) if rest else 0
    else:
        sys.stderr.write(f"argosay: unknown verb {verb}\n")
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
