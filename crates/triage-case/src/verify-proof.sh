#!/bin/sh
# verify-proof.sh PROOF.json [SEAL.json]: checks a proof made by `triage custody prove`, without it.
# Needs sh, sed, cut, tr, expr, wc, sha256sum and xxd. Rules: RFC 9162, 2.1.3.2.
# SEAL.json is the seal whose signature was checked with ssh-keygen; the proof must carry the same.
set -eu
LC_ALL=C
export LC_ALL
fail() { echo "FAIL: $1"; exit 1; }
unhex() { printf %s "$1" | xxd -r -p; }
sum() { sha256sum | cut -c1-64; }
# The string, number or list of strings of a key, from one line of JSON without spaces.
text() { sed -nE 's/.*"'"$1"'":"(([^"\\]|\\.)*)".*/\1/p' | sed -E 's/\\(["\\])/\1/g'; }
number() { sed -nE 's/.*"'"$1"'":([0-9]+)[,}].*/\1/p'; }
list() { sed -nE 's/.*"'"$1"'":\[([^]]*)\].*/\1/p' | tr -d '"' | tr ',' ' '; }
object() { sed -nE 's/.*"'"$1"'":(\{[^{}]*\}).*/\1/p'; }

# fold LEAF INDEX SIZE NODES ROOT: the path must lead to the root.
fold() {
  hash=$1 place=$2 last=$(($3 - 1))
  [ "$place" -le "$last" ] || fail "the place $place is not in a tree of $3"
  for node in $4; do
    [ "$last" -gt 0 ] || fail "the path is too long"
    if [ $((place & 1)) -eq 1 ] || [ "$place" -eq "$last" ]; then
      hash=$({ printf '\001'; unhex "$node"; unhex "$hash"; } | sum)
      while [ $((place & 1)) -eq 0 ] && [ "$place" -ne 0 ]; do
        place=$((place >> 1)) last=$((last >> 1))
      done
    else
      hash=$({ printf '\001'; unhex "$hash"; unhex "$node"; } | sum)
    fi
    place=$((place >> 1)) last=$((last >> 1))
  done
  [ "$last" -eq 0 ] || fail "the path is too short"
  [ "$hash" = "$5" ] || fail "the path leads to $hash, the seal says $5"
}

[ $# -ge 1 ] || fail "usage: verify-proof.sh PROOF.json [SEAL.json]"
proof=$(cat "$1")
[ "$(wc -l < "$1")" -eq 1 ] || fail "a proof is one line"
seal=$(printf '%s\n' "$proof" | text seal)
digest=$(printf '%s\n' "$seal" | sum)
if [ $# -gt 1 ]; then
  [ "$(sum < "$2")" = "$digest" ] || fail "the proof carries another seal than $2"
fi

case $proof in
'{"claim":{"inclusion":{'*)
  line=$(printf '%s\n' "$proof" | text line)
  index=$(printf '%s\n' "$proof" | number index)
  size=$(printf '%s\n' "$seal" | number entries)
  case $line in *"\"seq\":$index,"*) ;; *) fail "the line has another number than $index" ;; esac
  exhibit=$(printf '%s\n' "$seal" | text exhibit)
  [ "$(printf '%s\n' "$line" | text exhibit)" = "$exhibit" ] || fail "the line is of another exhibit"
  shown=$({ unhex "$(printf '%s\n' "$proof" | text salt)"; printf %s "$line"; } | sum)
  other=$(printf '%s\n' "$proof" | text other)
  case $proof in
  *'","redacted":true,"salt":"'*)
    case $line in *'"path":'* | *'"target":'*) fail "a redacted line has a name" ;; esac
    leaf=$({ printf '\000'; unhex "$other"; unhex "$shown"; } | sum) ;;
  *) leaf=$({ printf '\000'; unhex "$shown"; unhex "$other"; } | sum) ;;
  esac
  fold "$leaf" "$index" "$size" "$(printf '%s\n' "$proof" | list nodes)" \
    "$(printf '%s\n' "$seal" | text merkle_root)"
  printf '%s\n' "$line" | cat -v
  echo "OK: this is line $index (from 0) of the $size lines that were sealed" ;;
'{"claim":{"absence":{'*)
  kind=$(printf '%s\n' "$proof" | text kind)
  value=$(printf '%s\n' "$proof" | text value)
  sealed=$(printf '%s\n' "$seal" | object index)
  size=$(printf '%s\n' "$sealed" | number size)
  root=$(printf '%s\n' "$sealed" | text root)
  algorithms=$(printf '%s\n' "$sealed" | text algorithms)
  case "path,$algorithms," in *"$kind,"*) ;; *) fail "no $kind was computed" ;; esac
  key=$({ printf '%s\000' "$kind"; unhex "$value"; } | sum | cut -c1-32)
  before=none behind=none
  for side in left right; do
    near=$(printf '%s\n' "$proof" | object "$side")
    [ -n "$near" ] || continue
    found=$(printf '%s\n' "$near" | text key)
    index=$(printf '%s\n' "$near" | number index)
    [ "${#found}" -eq 32 ] || fail "a key has not 32 digits"
    leaf=$({ printf '\000'; unhex "$(printf '%s\n' "$near" | text salt)$found"; } | sum)
    fold "$leaf" "$index" "$size" "$(printf '%s\n' "$near" | list nodes)" "$root"
    if [ $side = left ]; then
      before=$index
      expr "x$found" '<' "x$key" > /dev/null || fail "the key before is not below $key"
    else
      behind=$index
      expr "x$found" '>' "x$key" > /dev/null || fail "the key behind is not above $key"
    fi
  done
  case $before.$behind in
  none.none) [ "$size" -eq 0 ] || fail "no neighbours in an index of $size" ;;
  none.*) [ "$behind" -eq 0 ] || fail "the key behind is not the first" ;;
  *.none) [ "$before" -eq $((size - 1)) ] || fail "the key before is not the last" ;;
  *) [ $((before + 1)) -eq "$behind" ] || fail "the keys are not side by side" ;;
  esac
  if [ "$kind" = path ]; then { unhex "$value"; echo; } | cat -v; else echo "$value"; fi
  echo "OK: no line that was sealed has this $kind; whatever was not read has no digest" ;;
*) fail "not a proof of this version" ;;
esac
echo "The seal in this proof has the SHA-256 $digest: check it and its signature"
