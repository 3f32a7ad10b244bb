#!/usr/bin/env bash
# Build the wheel, install it alone into a fresh environment, and run tests against it from an empty folder: what
# passes here does not lean on the source tree. Heavy dependencies come from the development environment. What a
# wheel may lack is found by a few tests (below); any others, or all of them, are run by naming them.
# usage: tools/test-wheel.sh PYTHON [PYTEST-ARGUMENT ...], as in tools/test-wheel.sh .venv/bin/python tests
set -euo pipefail
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$root"
"$python" -m build -q --wheel --outdir "$work/dist" .
rm -rf build
"$python" -m venv --without-pip "$work/venv"
site=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -m pip install -q --no-deps --no-compile --target "$site" "$work"/dist/*.whl
# The dependencies of the development environment, without its editable flopprof.
dependencies=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for entry in "$dependencies"/*; do
    case "$(basename "$entry")" in
        flopprof* | __editable__* | _virtualenv* | distutils-precedence.pth | easy-install.pth) ;;
        *) [ -e "$site/$(basename "$entry")" ] || ln -s "$entry" "$site/" ;;
    esac
done
cp -r "$site/bin/." "$work/venv/bin/" 2>/dev/null || true
# Everything of the tree but the source folders: what tests read beside themselves.
git ls-files -z | grep -zvE '^(flopprof|scenarios|profiler|analysis|reports)/' | tar cf - --null -T - | tar xf - -C "$work"
cd "$work"
"$work/venv/bin/python" - <<'WHERE'
import sys
from pathlib import Path

import flopprof.scenarios

where = Path(flopprof.scenarios.__file__).resolve()
if not where.is_relative_to(Path(sys.prefix).resolve()):
    sys.exit(f"the wheel is not what is imported: {where}")
print(f"testing the wheel at {where.parent.parent}")
WHERE
# The whole from end to end, and what concerns the tree as a whole: its modules, commands, manual, examples.
[ $# -gt 0 ] || set -- tests/whole/test_installed.py tests/test_*.py tests/profiler/commands/test_cli_errors.py
"$work/venv/bin/python" -m pytest -n 2 --dist loadscope -p no:cacheprovider -rs "$@"
