#!/usr/bin/env bash
# Feeds every parser of ours with hostile bytes by libFuzzer, each for FUZZ_SECONDS (60), and prints a line for each.
# FUZZ_TARGETS names some of them. Corpora grow in fuzz/corpus/; what breaks a target stays in fuzz/artifacts/, with
# the target's log. Without a sanitizer: the parsers are safe Rust, so that it would watch libraries that are not ours.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PATH:$HOME/.cargo/bin"
seconds="${FUZZ_SECONDS:-60}"
# As much as a child may have, and longer than any walk of so few bytes may take.
limits=(-max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1)

# With the features of the whole workspace, or most of what is built already would be built again.
cargo build --quiet --locked --workspace --example seeds
seeds="${CARGO_TARGET_DIR:-target}/debug/examples/seeds"
targets="${FUZZ_TARGETS:-$("$seeds" --names)}"
"$seeds" fuzz/corpus
# cargo-fuzz asks for what only a nightly compiler has, which this one has too when told so.
export RUSTC_BOOTSTRAP=1
cargo fuzz build --sanitizer none

failed=0
for target in $targets; do
  kept="fuzz/artifacts/$target"
  mkdir -p "$kept"
  if cargo fuzz run --sanitizer none "$target" -- "${limits[@]}" >"$kept.log" 2>&1; then outcome=held; else outcome=BROKEN failed=1; fi
  stat() { sed -n "s/^stat::$1: *//p" "$kept.log" | tail -n 1; }
  coverage="$(grep -oE 'cov: [0-9]+' "$kept.log" | tail -n 1 || true)"
  printf '%-12s %-6s %10s runs  %-10s %5s MB\n' \
    "$target" "$outcome" "$(stat number_of_executed_units)" "$coverage" "$(stat peak_rss_mb)"
  if [ "$outcome" = BROKEN ]; then
    echo "  see $kept.log; again: cargo fuzz run --sanitizer none $target $(find "$kept" -type f -newer "fuzz/corpus/$target/seed-00" | head -n 1)"
  fi
done
exit "$failed"
