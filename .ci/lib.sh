# Shared by the tiers: runs from the root of the checkout, names each step and prints its seconds. To be sourced by bash.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export CARGO_TERM_COLOR=never

tier=$(basename "$0")
step_name=
# `.ci/run` hands one file to all four tiers; a tier that is started alone has its own.
[ -n "${STEP_TIMES:-}" ] || { STEP_TIMES=$(mktemp) && print_times=yes; }
export STEP_TIMES

# Ends the step before and begins this one. Usage: step NAME
step() {
  end_step
  step_name=$1 step_began=$SECONDS
  printf '\n== %s: %s\n' "$tier" "$step_name"
}

end_step() {
  [ -n "$step_name" ] || return 0
  local seconds=$((SECONDS - step_began))
  printf -- '-- %s: %s: %d s%s\n' "$tier" "$step_name" "$seconds" "${1:-}"
  printf '%s\t%s\t%d\t%s\n' "$tier" "$step_name" "$seconds" "${1:-}" >>"$STEP_TIMES"
  step_name=
}

# One row a step, one sum a tier.
table_of_times() {
  printf '\n== seconds of each step\n'
  awk -F '\t' '
    function sum() { if (tier) printf "%6d  %s, all steps\n", total, tier }
    $1 != tier { sum(); tier = $1; total = 0 }
    { printf "%6d  %s: %s%s\n", $3, $1, $2, $4; total += $3; all += $3 }
    END { sum(); printf "%6d  total\n", all }' "$STEP_TIMES"
}

finish() {
  local code=$?
  if [ "$code" -eq 0 ]; then end_step; else end_step ', FAILED'; fi
  [ -z "${print_times:-}" ] || { table_of_times; rm -f "$STEP_TIMES"; }
}
trap finish EXIT
