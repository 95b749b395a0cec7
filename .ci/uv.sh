# Sourced by the scripts beside it: `need_uv` leaves the command of a working uv in the array UV.
# A uv on the PATH may be a version manager's shim that only fails here, so every candidate is tried.

need_uv() {
  local candidate
  while IFS= read -r candidate; do
    if "$candidate" --version >/dev/null 2>&1; then UV=("$candidate"); return 0; fi
  done < <(type -aP uv; printf '%s\n' "$HOME/.local/bin/uv" /usr/local/bin/uv /usr/bin/uv build/ci/uv/bin/uv)
  if python3 -m uv --version >/dev/null 2>&1; then UV=(python3 -m uv); return 0; fi
  install_uv
}

# A private environment first: it needs no rights and no exception from PEP 668. Then pip for the user, with the
# exception spelled out where the distribution asks for it.
install_uv() {
  command -v python3 >/dev/null || { echo "uv: none found, and no python3 to install it with" >&2; return 1; }
  if python3 -m venv build/ci/uv >/dev/null 2>&1 && build/ci/uv/bin/python -m pip install -q uv; then
    UV=(build/ci/uv/bin/uv)
  elif python3 -m pip install -q --user uv || python3 -m pip install -q --user --break-system-packages uv; then
    UV=(python3 -m uv)
  else
    echo "uv: none found, and neither a venv nor pip could install it" >&2
    return 1
  fi
  "${UV[@]}" --version >/dev/null
}
