#!/bin/sh
# Makes the project's own Python environment; where that can't be, says which package is missing.
#   python_environment.sh PYTHON FOLDER
set -eu
python=$1
folder=$2

command -v "$python" >/dev/null 2>&1 || {
  echo "jidoka: '$python' isn't there. Install Python 3.10 or newer:  sudo apt-get install python3 python3-venv" >&2
  echo "        or name another:  make PYTHON=/path/to/python3.11 …" >&2
  exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
  echo "jidoka: $("$python" --version) is too old, 3.10 or newer is needed. Name another:  make PYTHON=python3.11 …" >&2
  exit 1
}
"$python" -c 'import ensurepip, venv' 2>/dev/null || {
  package=$("$python" -c 'import sys; print("python3-venv" if sys.prefix == "/usr" else f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")')
  echo "jidoka: $python can't make environments: the Debian package $package is missing." >&2
  sh "$(dirname "$0")/debian_packages.sh" "$package"
}
"$python" -m venv "$folder"
